"""What the provider postgres says to a server about memberships.

From version 16 on there is a membership for each who gave it, and it says whether SET ROLE may use it; the column is
read by its name in JSON, since a server before that refuses to hear of it.
"""

from collections.abc import Iterator, Sequence

from workers.providers.postgres import ownership_statements
from workers.providers.postgres.ending_statements import BY_HAND_BEGINS
from workers.providers.postgres.statements import Name, Statement, Value


def login(name: str) -> Statement:
    """What the catalogue says of a person's own login; the columns are those of `membership.Login`."""
    return Statement(
        """
        SELECT r.oid::pg_catalog.int8, r.rolname::pg_catalog.text, r.rolcanlogin, r.rolsuper,
            r.rolname OPERATOR(pg_catalog.=) current_user,
            r.rolname OPERATOR(pg_catalog.~) '^cs_[0-9a-z]{{26}}$',
            (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity WHERE usesysid OPERATOR(pg_catalog.=) r.oid)
        FROM pg_catalog.pg_roles r WHERE r.rolname::pg_catalog.text OPERATOR(pg_catalog.=) {name}
        """,
        {"name": name},
    )


def memberships(name: str, roles: Sequence[str]) -> Statement:
    """The memberships of a login in these roles; the columns are those of `membership.Membership`."""
    return Statement(
        """
        SELECT g.rolname::pg_catalog.text, m.grantor OPERATOR(pg_catalog.=) me.oid, m.admin_option,
            coalesce((pg_catalog.to_jsonb(m) OPERATOR(pg_catalog.->>) 'set_option')::pg_catalog.bool, false)
        FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles g ON g.oid OPERATOR(pg_catalog.=) m.roleid
            JOIN pg_catalog.pg_roles p ON p.oid OPERATOR(pg_catalog.=) m.member
        JOIN pg_catalog.pg_roles me ON me.rolname OPERATOR(pg_catalog.=) current_user
        WHERE p.rolname::pg_catalog.text OPERATOR(pg_catalog.=) {name}
            AND g.rolname::pg_catalog.text OPERATOR(pg_catalog.=) ANY ({roles}::pg_catalog.text[]) ORDER BY 1, 2
        """,
        {"name": name, "roles": list(roles)},
    )


def held_itself(roles: Sequence[str]) -> Statement:
    """Of these roles, those that the bot's account was given with ADMIN, not through another role."""
    return Statement(
        "SELECT g.rolname::pg_catalog.text FROM pg_catalog.pg_auth_members m "
        "JOIN pg_catalog.pg_roles g ON g.oid OPERATOR(pg_catalog.=) m.roleid "
        "JOIN pg_catalog.pg_roles me ON me.oid OPERATOR(pg_catalog.=) m.member "
        "AND me.rolname OPERATOR(pg_catalog.=) current_user "
        "WHERE m.admin_option AND g.rolname::pg_catalog.text OPERATOR(pg_catalog.=) ANY ({roles}::pg_catalog.text[])",
        {"roles": list(roles)},
    )


def add(name: str, roles: Sequence[str], *, apart: bool) -> Iterator[Statement]:
    # By the bot and nobody else: by that a membership of ours is known.
    for role in roles:
        values: dict[str, Value] = {"role": Name(role), "login": Name(name)}
        if apart:
            # SET FALSE: a session that had said SET ROLE would keep reading after the membership is gone.
            yield Statement(
                "GRANT {role} TO {login} WITH INHERIT TRUE, SET FALSE GRANTED BY CURRENT_USER", values
            )  # fmt: skip
        else:
            yield Statement("GRANT {role} TO {login} GRANTED BY CURRENT_USER", values)


def remove(name: str, roles: Sequence[str]) -> Iterator[Statement]:
    """As the bot: only what it gave, with what the login passed on where somebody had allowed it to."""
    for role in roles:
        values: dict[str, Value] = {"role": Name(role), "login": Name(name)}
        yield Statement("REVOKE {role} FROM {login} GRANTED BY CURRENT_USER CASCADE", values)


def transactions(name: str) -> Statement:
    """The login's transactions that are open now: the session, and a number that the next one has not."""
    return Statement(
        "SELECT l.pid, l.virtualtransaction FROM pg_catalog.pg_locks l "
        "JOIN pg_catalog.pg_stat_get_activity(NULL) a ON a.pid OPERATOR(pg_catalog.=) l.pid "
        "JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) a.usesysid "
        "WHERE l.locktype OPERATOR(pg_catalog.=) 'virtualxid' AND l.granted "
        "AND r.rolname::pg_catalog.text OPERATOR(pg_catalog.=) {name}",
        {"name": name},
    )


def sessions(name: str) -> Statement:
    return Statement(
        "SELECT a.pid FROM pg_catalog.pg_stat_get_activity(NULL) a "
        "JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) a.usesysid "
        "WHERE r.rolname::pg_catalog.text OPERATOR(pg_catalog.=) {name}",
        {"name": name},
    )


def end_sessions(pids: Sequence[int], name: str, *, inherits: bool) -> tuple[Statement, ...]:
    """Of these, those that are still the login's. Before 16 the bot need not inherit, and becomes who may."""
    become = () if inherits else (Statement("SET LOCAL ROLE pg_signal_backend", {}),)
    end = Statement(
        "SELECT pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_get_activity(NULL) a "
        "JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) a.usesysid "
        "WHERE r.rolname::pg_catalog.text OPERATOR(pg_catalog.=) {name} "
        "AND a.pid OPERATOR(pg_catalog.=) ANY ({pids}::pg_catalog.int4[])",
        {"name": name, "pids": list(pids)},
    )
    return (*become, end)


def by_hand(name: str, roles: Sequence[str]) -> tuple[Statement, ...]:
    """How to end a grant without us, statement by statement: what no superuser gave, and what is under way with it.

    A superuser's own gift stays. Names are put into settings first: within a block they could end it.
    """
    return (
        *BY_HAND_BEGINS,
        ownership_statements.by_hand_begins(name, roles),
        Statement(
            "SELECT pg_catalog.set_config('countersign.login', {login}, false), "
            "pg_catalog.set_config('countersign.roles', {roles}::pg_catalog.text[]::pg_catalog.text, false)",
            {"login": name, "roles": list(roles)},
        ),
        Statement(
            """DO $$ DECLARE held record; BEGIN
  FOR held IN SELECT g.rolname AS role, l.rolname AS login, b.rolname AS grantor FROM pg_catalog.pg_auth_members m
    JOIN pg_catalog.pg_roles l ON l.oid = m.member AND l.rolname = pg_catalog.current_setting('countersign.login')
    JOIN pg_catalog.pg_roles g ON g.oid = m.roleid JOIN pg_catalog.pg_roles b ON b.oid = m.grantor
    WHERE g.rolname = ANY (pg_catalog.current_setting('countersign.roles')::text[]) AND NOT b.rolsuper
  LOOP
    BEGIN
      EXECUTE pg_catalog.format('REVOKE %I FROM %I GRANTED BY %I CASCADE', held.role, held.login, held.grantor);
      RAISE NOTICE 'taken: %, given by %', held.role, held.grantor;
    EXCEPTION WHEN OTHERS THEN
      RAISE WARNING 'not taken, so type this once more: % (%)', held.role, SQLERRM;
    END;
  END LOOP;
END $$""",
            {},
        ),
        Statement(
            "SELECT pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_activity a "
            "WHERE a.usename = pg_catalog.current_setting('countersign.login') AND (a.xact_start IS NOT NULL "
            "OR pg_catalog.current_setting('server_version_num')::int4 < 160000)",
            {},
        ),
        ownership_statements.BY_HAND,
    )
