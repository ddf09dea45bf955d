"""Drift on a real server: whoever holds what the bot can give is listed, and who added to a login of ours decides."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from access.ports import Holder, Managed
from countersign.demo.target import DATABASE, Target, prepare
from countersign.embedded.postgres import EmbeddedPostgres
from tests.contracts.membership_world import OLDER, MembershipWorld, prepare_older
from tests.contracts.postgres_world import PostgresWorld
from tests.contracts.shop import for_a_while, make_spec, provider_factory, soon
from tests.contracts.test_postgres_membership import membership_spec
from workers.providers.postgres import Postgres
from workers.providers.postgres.login import login_name
from workers.providers.postgres.managed import DIRECT

PASSWORD = "of eve"
STRANGE = "cs_" + "0" * 26
_ROLES = "SELECT rolname FROM pg_roles"
_DATABASES = "SELECT datname FROM pg_database"


@pytest.fixture(autouse=True)
def as_it_was(world: PostgresWorld) -> Iterator[None]:
    """Takes away what a test made on the server, whatever became of the test."""
    roles, databases = (set(world.owner.execute(query).fetchall()) for query in (_ROLES, _DATABASES))
    yield
    for (name,) in set(world.owner.execute(_DATABASES).fetchall()) - databases:
        world.owner.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    made = [sql.Identifier(name) for (name,) in set(world.owner.execute(_ROLES).fetchall()) - roles]
    if made:
        world.owner.execute(
            sql.SQL("DROP OWNED BY {roles} CASCADE; DROP ROLE {roles}").format(roles=sql.SQL(", ").join(made))
        )
    world.owner.execute("REVOKE support_read FROM countersign GRANTED BY countersign CASCADE")


@pytest.fixture(params=["login", "membership"])
def provider(request: pytest.FixtureRequest, world: PostgresWorld, tmp_path: Path) -> Iterator[Postgres]:
    with provider_factory(Postgres, world.bot_dsn, tmp_path, request.param) as make:
        yield make()


@pytest.fixture
def apart(world: PostgresWorld, tmp_path: Path) -> Iterator[Postgres]:
    """In login mode."""
    with provider_factory(Postgres, world.bot_dsn, tmp_path) as make:
        yield make()


@pytest.fixture
def people(world: PostgresWorld) -> None:
    world.owner.execute("CREATE ROLE ann LOGIN; CREATE ROLE eve LOGIN; CREATE ROLE team")


def held(provider: Postgres, role: str = "support_read") -> list[Holder]:
    return [one for one in provider.list_holders(soon()) if one.role == role]


def brief(provider: Postgres) -> set[tuple[object, ...]]:
    return {
        (one.principal, one.role, one.via, one.grantor, one.ours, one.service_account)
        for one in provider.list_holders(soon())
    }


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("GRANT support_read TO ann", ("ann", "support_read", "", "postgres", False, False)),
        ("GRANT support_read TO ann GRANTED BY countersign", ("ann", "support_read", "", "countersign", True, False)),
        (
            "GRANT support_read TO team; GRANT team TO ann",
            ("ann", "support_read", "team", "postgres", False, False),
        ),
        (
            "GRANT support_read TO team GRANTED BY countersign; GRANT team TO ann; GRANT ann TO eve",
            ("eve", "support_read", "ann", "postgres", False, False),
        ),
        (
            f"CREATE ROLE {STRANGE} LOGIN; GRANT support_read TO {STRANGE}",
            (STRANGE, "support_read", "", "postgres", False, False),
        ),
        (
            "GRANT support_read TO countersign WITH INHERIT TRUE GRANTED BY countersign",
            ("countersign", "support_read", "", "countersign", True, True),
        ),
        (
            "GRANT support_read TO team; GRANT team TO countersign WITH SET TRUE",
            ("countersign", "support_read", "team", "postgres", False, True),
        ),
        (
            "CREATE ROLE dbas; GRANT team TO dbas WITH ADMIN TRUE; GRANT dbas TO countersign; GRANT team TO eve",
            ("eve", "team", "", "postgres", False, False),
        ),
    ],
    ids=["by_another", "by_the_bot", "in_between", "in_between_twice", "no_mark", "bot", "bot_via", "admin_via"],
)  # fmt: skip
def test_every_holder_is_listed_by_whomever_and_through_whatever_role(
    provider: Postgres, world: PostgresWorld, given: str, shown: tuple[object, ...]
) -> None:
    assert brief(provider) == set(), "of the shop as it is set up there is nothing to tell"
    world.owner.execute(given.encode())
    assert shown in brief(provider)


@pytest.mark.usefixtures("people")
def test_what_a_holder_may_do_with_a_role_is_told(provider: Postgres, world: PostgresWorld) -> None:
    world.owner.execute(
        "GRANT support_read TO ann WITH ADMIN TRUE, INHERIT FALSE, SET FALSE; GRANT support_read TO team"
    )
    ann, team = held(provider)
    assert (ann.options, ann.can_log_in, team.options, team.can_log_in) == ({"admin"}, True, {"inherit", "set"}, False)
    world.owner.execute("GRANT team TO eve WITH INHERIT FALSE; GRANT support_read TO team WITH SET FALSE")
    (eve,) = [one for one in held(provider) if one.principal == "eve"]
    assert eve.options == set(), "it inherits nothing, and by way of that role it cannot become it either"


@pytest.mark.usefixtures("people")
def test_a_name_made_anew_and_a_role_given_again_have_other_numbers(provider: Postgres, world: PostgresWorld) -> None:
    world.owner.execute("GRANT support_read TO ann")
    (first,) = held(provider)
    world.owner.execute("GRANT support_read TO ann WITH ADMIN TRUE")
    (wider,) = held(provider)
    assert (wider.member_id, wider.given_id, wider.options - first.options) == (
        first.member_id, first.given_id, {"admin"},
    )  # fmt: skip
    world.owner.execute("REVOKE support_read FROM ann; GRANT support_read TO ann")
    (again,) = held(provider)
    assert again.member_id == first.member_id
    assert again.given_id != first.given_id
    world.owner.execute("DROP ROLE ann; CREATE ROLE ann LOGIN; GRANT support_read TO ann")
    (anew,) = held(provider)
    assert anew.member_id != first.member_id


def test_a_temporary_login_names_its_grant_and_a_forged_mark_names_none(
    provider: Postgres, apart: Postgres, world: PostgresWorld
) -> None:
    spec = make_spec()
    apart.grant(spec, soon())
    forged = (
        f"CREATE ROLE {STRANGE} LOGIN; GRANT support_read TO {STRANGE}; "
        f'COMMENT ON ROLE {STRANGE} IS \'{{"countersign": 1, "grant": "{spec.grant_id}"}}\''
    )
    world.owner.execute(forged.encode())
    grants = {one.principal: one.grant_id for one in held(provider)}
    assert grants == {login_name(spec): spec.grant_id, STRANGE: None}


@pytest.fixture
def name(apart: Postgres) -> str:
    """A temporary login."""
    spec = make_spec()
    apart.grant(spec, soon())
    return login_name(spec)


@pytest.fixture
def eve(world: PostgresWorld, server: EmbeddedPostgres) -> Iterator[psycopg.Connection]:
    """Eve, who may make things of her own in the shop, and databases."""
    made = f"CREATE ROLE eve LOGIN CREATEDB PASSWORD '{PASSWORD}'; CREATE SCHEMA eve AUTHORIZATION eve"
    world.owner.execute(f"{made}; GRANT CONNECT ON DATABASE shop TO eve".encode())
    dsn = server.dsn(user="eve", password=PASSWORD, database=DATABASE)
    with closing(psycopg.connect(dsn, autocommit=True)) as connection:
        yield connection


def the_login(provider: Postgres, name: str) -> Managed:
    (found,) = [one for one in provider.list_managed(soon()) if one.name == name]
    return found


def given(right: str, login: str) -> sql.Composed:
    return sql.SQL("GRANT {} TO {}").format(sql.SQL(right), sql.Identifier(login))  # pyright: ignore[reportArgumentType] -- literals below


def test_a_right_that_a_stranger_gives_to_a_temporary_login_is_told_and_ends_nothing(
    apart: Postgres, world: PostgresWorld, eve: psycopg.Connection, name: str
) -> None:
    eve.execute("CREATE TABLE eve.bait (i int)")
    eve.execute(given("SELECT ON eve.bait", name))
    found = the_login(apart, name)
    assert found.roles == {"support_read"}
    ((key, sentence),) = found.told.items()
    assert key == "rights given by eve in shop, not ours"
    assert f"The role eve gave the temporary login {name} a right of its own on table eve.bait" in sentence

    world.owner.execute(given("SELECT ON customers", name))
    assert the_login(apart, name).roles == {"support_read", DIRECT}, "a superuser's is another thing"


def test_the_owner_of_a_database_of_his_own_ends_no_access_by_giving_rights_there(
    apart: Postgres, server: EmbeddedPostgres, eve: psycopg.Connection, name: str
) -> None:
    eve.execute("CREATE DATABASE eves")
    eve.execute(given("CONNECT ON DATABASE eves", name))
    assert the_login(apart, name).roles == {"support_read"}
    assert "The role eve gave" in "".join(the_login(apart, name).told.values())
    with closing(psycopg.connect(server.dsn(user="eve", password=PASSWORD, database="eves"), autocommit=True)) as there:
        there.execute(given("USAGE ON SCHEMA public", name))
        there.execute(sql.SQL("CREATE TABLE far (i int)"))
        there.execute(given("SELECT ON far", name))
    found = the_login(apart, name)
    assert (found.roles, set(found.told)) == (
        {"support_read"},
        {"rights given by eve in shop, not ours", "rights given by eve in eves, not ours",
         "rights given by pg_database_owner in eves, not ours"},
    )  # fmt: skip


def test_a_database_that_the_bot_may_not_enter_is_named_as_not_looked_at(
    apart: Postgres, world: PostgresWorld, server: EmbeddedPostgres, eve: psycopg.Connection, name: str
) -> None:
    eve.execute("CREATE DATABASE eves CONNECTION LIMIT 0")
    with closing(psycopg.connect(server.dsn(database="eves"), autocommit=True)) as there:
        there.execute("CREATE TABLE far (i int)")
        there.execute(given("SELECT ON far", name))
    found = the_login(apart, name)
    assert (found.roles, set(found.told)) == ({"support_read"}, {"rights in eves, not looked at"})
    assert "which the bot may not enter" in found.told["rights in eves, not looked at"]
    eve.execute("ALTER DATABASE eves CONNECTION LIMIT -1")
    assert the_login(apart, name).roles == {"support_read", DIRECT}, "a superuser's, once the bot may look"


def test_a_right_by_the_owner_of_the_targets_database_ends_the_access_as_before(
    apart: Postgres, world: PostgresWorld, eve: psycopg.Connection, name: str
) -> None:
    eve.execute(given("USAGE ON SCHEMA eve", name))
    assert the_login(apart, name).roles == {"support_read"}
    with for_a_while(world, "ALTER DATABASE shop OWNER TO eve", "ALTER DATABASE shop OWNER TO postgres"):
        assert the_login(apart, name).roles == {"support_read", DIRECT}


def test_the_session_of_a_role_that_is_gone_is_listed_by_its_number(apart: Postgres, world: PostgresWorld) -> None:
    spec = make_spec()
    receipt = apart.grant(spec, soon()).receipt
    with closing(world.connect(apart.reveal(spec, None, soon()))):
        assert apart.list_managed(soon())[0].orphan_oid is None
        world.owner.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(login_name(spec))))
        (orphan,) = apart.list_managed(soon())
        assert (orphan.orphan_oid, orphan.grant_id) == (receipt.details["oid"], None)
        assert apart.revoke(spec, receipt, soon()).sessions_ended == 1
    assert apart.list_managed(soon()) == []


@pytest.fixture
def preparing(tmp_path: Path) -> Iterator[tuple[PostgresWorld, Target]]:
    server = EmbeddedPostgres(tmp_path / "preparing", settings={"max_prepared_transactions": "4", "fsync": "off"})
    server.start()
    target = prepare(server)
    world = PostgresWorld(server, target)
    yield world, target
    world.close()
    server.remove()


def test_a_prepared_transaction_of_a_temporary_login_is_told_with_what_takes_it_back(
    preparing: tuple[PostgresWorld, Target], tmp_path: Path
) -> None:
    world, _ = preparing
    with provider_factory(Postgres, world.bot_dsn, tmp_path) as make:
        provider, spec = make(), make_spec()
        provider.grant(spec, soon())
        with closing(world.connect(provider.reveal(spec, None, soon()))) as session:
            session.execute("BEGIN; SELECT pg_advisory_xact_lock(1); PREPARE TRANSACTION 'it''s; DROP'")
        (told,) = [one for one in provider.list_managed(soon()) if one.grant_id is None]
        assert told.name == f"prepared transactions of {login_name(spec)} in shop"
        (sentence,) = told.told.values()
        typed = sentence.rpartition("as a superuser: ")[2]
        world.owner.execute(typed.encode())
        assert [one.grant_id for one in provider.list_managed(soon())] == [spec.grant_id]


def test_nothing_that_is_asked_for_drift_is_looked_up_by_the_search_path(
    world: PostgresWorld, apart: Postgres, name: str
) -> None:
    """What stands in front of the server's own catalogue is not called, though the path leads there first."""
    hostile = (
        "CREATE SCHEMA trap; GRANT USAGE ON SCHEMA trap TO PUBLIC; "
        "CREATE FUNCTION trap.shobj_description(oid, name) RETURNS text LANGUAGE sql AS $$ SELECT 1 / 0 $$; "
        "CREATE FUNCTION trap.bool_or_trap(bool) RETURNS bool LANGUAGE sql AS $$ SELECT 1 / 0 > 0 $$; "
        "CREATE VIEW trap.pg_roles AS SELECT 1 / 0 AS oid; CREATE VIEW trap.pg_shdepend AS SELECT 1 / 0 AS dbid; "
        "GRANT SELECT ON ALL TABLES IN SCHEMA trap TO PUBLIC; "
        "ALTER ROLE countersign SET search_path = trap, pg_catalog"
    )
    undo = "ALTER ROLE countersign RESET search_path; DROP SCHEMA trap CASCADE"
    world.owner.execute(given("SELECT ON orders", name))
    apart.close()
    with for_a_while(world, hostile, undo):
        assert DIRECT in the_login(apart, name).roles
        assert [one.principal for one in held(apart)] == [name]


if OLDER:

    @pytest.fixture(scope="module")
    def older_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MembershipWorld]:
        server = EmbeddedPostgres(tmp_path_factory.mktemp("older"), bin_dir=OLDER[-1]).start()
        world = MembershipWorld(server, prepare_older(server))
        yield world
        world.close()
        server.remove()

    def test_before_16_every_holder_is_listed_too(older_world: MembershipWorld, tmp_path: Path) -> None:
        spec = membership_spec()
        with provider_factory(Postgres, older_world.bot_dsn, tmp_path, "membership") as make:
            older = make()
            assert held(older) == []
            older.grant(spec, soon())
            world_has = f"CREATE ROLE team; GRANT support_read TO team; GRANT team TO lea; CREATE ROLE {STRANGE}"
            older_world.owner.execute(f"{world_has}; GRANT support_read TO {STRANGE} WITH ADMIN OPTION".encode())
            assert brief(older) == {
                ("ann", "support_read", "", "countersign", True, False),
                ("lea", "support_read", "team", "postgres", False, False),
                ("team", "support_read", "", "postgres", False, False),
                (STRANGE, "support_read", "", "postgres", False, False),
            }
            (unmanaged,) = [one for one in held(older) if one.principal == STRANGE]
            assert unmanaged.options == {"admin", "inherit", "set"}
            assert [one.extra_privileges for one in held(older)] == ["", "", "", ""], (
                "what all may do there was not added"
            )
            older_world.owner.execute(f"DROP ROLE team, {STRANGE}".encode())
            older.revoke(spec, None, soon())
            assert older.list_holders(soon()) == []
