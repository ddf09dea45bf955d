"""Obstacles that are things made: many, shared, planted; each calls home when it runs."""

import psycopg

from tests.adversary.attack import Attack
from tests.adversary.obstacles import Obstacle

SPRUNG = "sprung in a session of"
"""With these words in the server's log a trap says who ran it; whether or not what it did was undone."""


def trap(name: str, returns: str, body: str, *, definer: bool = False, arguments: str = "") -> bytes:
    """A function that says who ran it, tries to give its maker everything, and then does what it is there for."""
    # The words are put together, so that the text of the statement itself is none.
    return f"""
        CREATE FUNCTION {name}({arguments}) RETURNS {returns} LANGUAGE plpgsql {"SECURITY DEFINER" * definer} AS $trap$
        BEGIN
            RAISE LOG '% in a session of % as %', 'sprung', session_user, current_user;
            BEGIN
                EXECUTE 'GRANT reads, writes, creates TO mallory';
            EXCEPTION WHEN OTHERS THEN NULL; END;
            BEGIN
                EXECUTE 'CREATE ROLE mine LOGIN PASSWORD ''mine''';
            EXCEPTION WHEN OTHERS THEN NULL; END;
            {body}
        END $trap$""".encode()


def _made(attack: Attack, *statements: str | bytes) -> psycopg.Connection:
    session = attack.session()
    for statement in statements:
        session.execute(statement.encode() if isinstance(statement, str) else statement)
    return session


def tables(attack: Attack) -> None:
    _made(attack, "CREATE TABLE workshop.mine AS SELECT 1 AS one; GRANT SELECT ON workshop.mine TO PUBLIC")


def many_tables(attack: Attack) -> None:
    """More than one transaction can lock: hundreds with a small lock table, thousands with a usual one."""
    session = attack.session()
    for batch in range(24):
        session.execute("".join(f"CREATE TABLE workshop.t{batch}_{i} (i int);" for i in range(100)).encode())


def large_objects(attack: Attack) -> None:
    _made(attack, "SELECT lo_create(0) FROM generate_series(1, 300)")


def definer_function(attack: Attack) -> None:
    """What it reads, it reads with the rights of its owner: whoever that will be."""
    read = f"RETURN QUERY EXECUTE {_quoted('SELECT v::text FROM (' + attack.power.reads[0] + ') AS v')};"
    name = "workshop.help_yourself"
    _made(attack, trap(name, "SETOF text", read, definer=True), f"GRANT EXECUTE ON FUNCTION {name}() TO PUBLIC")
    mallory = attack.of_person("mallory")
    statement = b"SELECT * FROM workshop.help_yourself()"
    assert mallory.execute(statement).fetchone(), "the function does not work before the end either"
    attack.trials["a function left behind reads for another"] = lambda: mallory.execute(statement).fetchone()


def view(attack: Attack) -> None:
    """The same without any code."""
    _made(attack, f"CREATE VIEW workshop.window AS {attack.power.reads[0]}; GRANT SELECT ON workshop.window TO PUBLIC")
    mallory = attack.of_person("mallory")
    assert mallory.execute("SELECT * FROM workshop.window").fetchone()
    attack.trials["a view left behind reads for another"] = lambda: mallory.execute(
        "SELECT * FROM workshop.window"
    ).fetchone()


def made_the_roles_own(attack: Attack) -> None:
    """A view of the granted role reads with its rights, for everybody, and nobody's end takes it away."""
    role, read = attack.power.roles[0], attack.power.reads[0]
    _made(
        attack,
        f"CREATE VIEW workshop.pane AS {read}; GRANT ALL ON workshop.pane TO PUBLIC, mallory",
        f"REASSIGN OWNED BY CURRENT_USER TO {role}",
    )
    mallory = attack.of_person("mallory")
    assert mallory.execute("SELECT * FROM workshop.pane").fetchone()
    attack.trials["a view that became the role's own reads for another"] = lambda: mallory.execute(
        "SELECT * FROM workshop.pane"
    ).fetchone()


def types_and_operators(attack: Attack) -> None:
    _made(
        attack,
        "CREATE TYPE workshop.colour AS ENUM ('red'); CREATE DOMAIN workshop.even AS int CHECK (VALUE % 2 = 0)",
        trap("workshop.same", "boolean", "RETURN true;", arguments="workshop.colour, workshop.colour"),
        "CREATE OPERATOR workshop.=== "
        "(LEFTARG = workshop.colour, RIGHTARG = workshop.colour, FUNCTION = workshop.same)",
    )


def code_of_tables(attack: Attack) -> None:
    """Code that the server runs by itself for a table: in an index, a check, a trigger, a view, a policy, a default."""
    tell = trap("workshop.tell", "integer", "RETURN 1;", arguments="integer").replace(b"plpgsql", b"plpgsql IMMUTABLE")
    told = trap("workshop.told", "trigger", "RETURN NEW;")
    _made(
        attack, tell, told,
        "CREATE TABLE workshop.bait (i int DEFAULT workshop.tell(1), CHECK (workshop.tell(i) = 1))",
        "CREATE INDEX ON workshop.bait (workshop.tell(i))",
        "CREATE TRIGGER told BEFORE INSERT ON workshop.bait FOR EACH ROW EXECUTE FUNCTION workshop.told()",
        "CREATE VIEW workshop.bait_view AS SELECT workshop.tell(i) FROM workshop.bait",
        "CREATE MATERIALIZED VIEW workshop.bait_kept AS SELECT workshop.tell(i) FROM workshop.bait",
        "ALTER TABLE workshop.bait ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY told ON workshop.bait USING (workshop.tell(i) = 1)",
        "GRANT ALL ON ALL TABLES IN SCHEMA workshop TO PUBLIC",
    )  # fmt: skip


def temporary_tables(attack: Attack) -> None:
    _made(attack, "".join(f"CREATE TEMPORARY TABLE t{i} (i int);" for i in range(100)))


def default_privileges(attack: Attack) -> None:
    _made(
        attack,
        "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA workshop GRANT ALL ON FUNCTIONS TO mallory",
    )


def policy_names_the_login(attack: Attack) -> None:
    _made(attack, "CREATE TABLE workshop.guarded (i int)")
    attack.by_superuser(
        f'ALTER TABLE workshop.guarded ENABLE ROW LEVEL SECURITY; '
        f'CREATE POLICY hers ON workshop.guarded TO "{attack.login}" USING (true)'
    )  # fmt: skip


def table_being_read(attack: Attack) -> None:
    """Eve reads it in a transaction that she leaves open."""
    _made(attack, "CREATE TABLE workshop.shared AS SELECT 1 AS one; GRANT SELECT ON workshop.shared TO PUBLIC")
    eve = attack.of_person("eve")
    eve.execute("BEGIN")
    eve.execute("SELECT * FROM workshop.shared")
    attack.let_go.append(lambda: eve.execute("COMMIT"))


def out_of_reach(attack: Attack) -> None:
    """In a database that the bot may not enter."""
    with attack.shop.administrator("elsewhere") as there:
        there.execute("CREATE TABLE far (i int)")
        there.execute(f'ALTER TABLE far OWNER TO "{attack.login}"'.encode())
    attack.stack.callback(_drop_far, attack)


def _drop_far(attack: Attack) -> None:
    with attack.shop.administrator("elsewhere") as there:
        there.execute("DROP TABLE far")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


LEFTOVERS = (
    Obstacle("tables", tables, needs_create=True),
    Obstacle("many tables", many_tables, needs_create=True),
    Obstacle("large objects", large_objects),
    Obstacle("definer function", definer_function, needs_create=True),
    Obstacle("view", view, needs_create=True),
    # In membership mode it stays the role's, which is then given to nobody else until it is another's.
    Obstacle(
        "made the role's own", made_the_roles_own, needs_create=True, modes=("login",), not_by=("by hand", "psql")
    ),
    Obstacle("types and operators", types_and_operators, needs_create=True),
    Obstacle("code of tables", code_of_tables, needs_create=True),
    Obstacle("temporary tables", temporary_tables, needs_create=True),
    Obstacle("default privileges", default_privileges),
    Obstacle("policy names the login", policy_names_the_login, needs_create=True),
    Obstacle("table being read", table_being_read, needs_create=True),
    Obstacle("out of reach", out_of_reach),
)
