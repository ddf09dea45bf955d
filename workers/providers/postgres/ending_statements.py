"""What the provider postgres says to a server at the end of a login, and afterwards.

No statement here waits for what a holder can lock, and each names the catalogue that it means. Which locks each takes
and who can hold them: docs/adr/0021-an-end-that-no-holder-delays.md.
"""

from collections.abc import Sequence
from datetime import timedelta

from workers.providers.postgres import ownership_statements
from workers.providers.postgres.statements import Name, Statement, Value

LOCKS = timedelta(milliseconds=100)
"""How long one statement waits for a lock: what others hold is come back to, and nobody queues behind us."""


def standing(login: str, oid: int | None) -> Statement:
    """What is left of a login, by its name, or by its number where a mark says that it is the same under another name.

    The columns are those of `ending.Standing`.
    """
    return Statement(
        """
        SELECT r.oid::bigint, r.rolname::text, r.rolcanlogin,
            coalesce(pg_catalog.shobj_description(r.oid, 'pg_authid'), ''),
            ARRAY(SELECT DISTINCT g.rolname::text FROM pg_catalog.pg_auth_members m
                JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
                WHERE m.member = r.oid AND m.grantor = me.oid ORDER BY 1),
            ARRAY(SELECT DISTINCT g.rolname::text || ' by ' || b.rolname::text FROM pg_catalog.pg_auth_members m
                JOIN pg_catalog.pg_roles g ON g.oid = m.roleid JOIN pg_catalog.pg_roles b ON b.oid = m.grantor
                WHERE m.member = r.oid AND m.grantor <> me.oid ORDER BY 1),
            (SELECT count(*) FROM pg_catalog.pg_stat_get_activity(NULL) a WHERE a.usesysid = r.oid),
            EXISTS (SELECT FROM pg_catalog.pg_shdepend s WHERE s.refclassid = 'pg_catalog.pg_authid'::regclass
                AND s.refobjid = r.oid)
        FROM pg_catalog.pg_roles r JOIN pg_catalog.pg_roles me ON me.rolname = CURRENT_USER
        WHERE r.rolname::text = {login} OR r.oid::bigint = {oid} ORDER BY r.rolname::text <> {login}
        """,
        {"login": login, "oid": -1 if oid is None else oid},
    )


def take(role: str, login: str) -> Statement:
    """Takes no lock on the login, so that nothing which its holder locks is in the way."""
    return Statement("REVOKE {role} FROM {login}", {"role": Name(role), "login": Name(login)})


def lock(login: str) -> Statement:
    """Waits for the row of the login, which its holder can lock: never the first step, and never waited for long."""
    return Statement("ALTER ROLE {login} NOLOGIN VALID UNTIL '-infinity' PASSWORD NULL", {"login": Name(login)})


def end_sessions(oid: int) -> Statement:
    """Signals all sessions of the number; a row for each that is there.

    By the function and not by its view, which joins shared catalogues that may be locked.
    """
    return Statement(
        "SELECT a.pid, pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_get_activity(NULL) a "
        "WHERE a.usesysid::bigint = {oid}",
        {"oid": oid},
    )


def sessions(oid: int) -> Statement:
    """The same without a signal."""
    return Statement(
        "SELECT a.pid, true FROM pg_catalog.pg_stat_get_activity(NULL) a WHERE a.usesysid::bigint = {oid}", {"oid": oid}
    )


A_MOMENT = Statement("SELECT pg_catalog.pg_sleep(0.01)", {})
"""Until sessions that were signalled are looked for again."""


def sessions_of_numbers(oids: Sequence[int]) -> Statement:
    """Of numbers that no role has any more: signals their sessions. A number that a role has is left alone."""
    return Statement(
        "SELECT a.usesysid::bigint, a.pid, pg_catalog.pg_terminate_backend(a.pid) "
        "FROM pg_catalog.pg_stat_get_activity(NULL) a WHERE a.usesysid::bigint = ANY ({oids}::bigint[]) "
        "AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = a.usesysid)",
        {"oids": list(oids)},
    )


def sessions_of_no_role(oid: int | None) -> Statement:
    """How many sessions belong to that number, and how many in all to roles that no longer exist."""
    return Statement(
        "SELECT count(*) FILTER (WHERE a.usesysid::bigint = {oid}), count(*) "
        "FROM pg_catalog.pg_stat_get_activity(NULL) a "
        "WHERE a.usesysid::bigint > 0 AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = a.usesysid)",
        {"oid": -1 if oid is None else oid},
    )


def end_hidden(login: str) -> tuple[Statement, ...]:
    """Ends the login's sessions that show no role yet (`post_auth_delay`), as the login: it reaches its own alone.

    The bot's own right to end sessions would reach strangers, and the server's processes. Becoming the login is undone
    in the same transaction, so that it is never seen.
    """
    name: dict[str, Value] = {"login": Name(login)}
    return (
        Statement("GRANT {login} TO CURRENT_USER WITH INHERIT FALSE, SET TRUE", name),
        Statement("SET LOCAL ROLE {login}", name),
        Statement(
            """
            DO $$
            DECLARE hidden integer;
            BEGIN
                FOR hidden IN SELECT a.pid FROM pg_catalog.pg_stat_get_activity(NULL) a
                    WHERE a.usesysid IS NULL AND a.pid <> pg_catalog.pg_backend_pid()
                LOOP
                    BEGIN
                        PERFORM pg_catalog.pg_terminate_backend(hidden);
                    EXCEPTION WHEN insufficient_privilege THEN NULL; -- another's, or the server's own
                    END;
                END LOOP;
            END $$
            """,
            {},
        ),
        Statement("SET LOCAL ROLE NONE", {}),
        Statement("REVOKE {login} FROM CURRENT_USER GRANTED BY CURRENT_USER", name),
    )


def end_as_login(login: str, oid: int) -> tuple[Statement, ...]:
    """Ends the login's sessions as the login, where the bot itself may not end sessions."""
    name: dict[str, Value] = {"login": Name(login)}
    return (
        Statement("GRANT {login} TO CURRENT_USER WITH INHERIT FALSE, SET TRUE", name),
        Statement("SET LOCAL ROLE {login}", name),
        end_sessions(oid),
        Statement("SET LOCAL ROLE NONE", {}),
        Statement("REVOKE {login} FROM CURRENT_USER GRANTED BY CURRENT_USER", name),
    )


def prepared(login: str) -> Statement:
    """The login's prepared transactions: name and database."""
    return Statement(
        "SELECT x.gid, x.database::text FROM pg_catalog.pg_prepared_xacts x WHERE x.owner::text = {login} ORDER BY 1",
        {"login": login},
    )


def become(login: str) -> tuple[Statement, Statement]:
    """For what only the owner may do outside a transaction; `begone` undoes it."""
    name: dict[str, Value] = {"login": Name(login)}
    return (
        Statement("GRANT {login} TO CURRENT_USER WITH INHERIT FALSE, SET TRUE", name),
        Statement("SET ROLE {login}", name),
    )


def undo(gid: str) -> Statement:
    """Only in the database where it was prepared, and not within a transaction."""
    return Statement("ROLLBACK PREPARED {gid}", {"gid": gid})


def stop_being(login: str) -> tuple[Statement, Statement]:
    return (
        Statement("SET ROLE NONE", {}),
        Statement("REVOKE {login} FROM CURRENT_USER GRANTED BY CURRENT_USER", {"login": Name(login)}),
    )


def passed_on(oid: int) -> Statement:
    """Roles that the login itself gave to others: role and member."""
    return Statement(
        "SELECT g.rolname::text, u.rolname::text FROM pg_catalog.pg_auth_members m "
        "JOIN pg_catalog.pg_roles g ON g.oid = m.roleid JOIN pg_catalog.pg_roles u ON u.oid = m.member "
        "WHERE m.grantor::bigint = {oid} ORDER BY 1, 2",
        {"oid": oid},
    )


def take_passed_on(role: str, member: str, login: str) -> tuple[Statement, ...]:
    values: dict[str, Value] = {"role": Name(role), "member": Name(member), "login": Name(login)}
    return (
        Statement("GRANT {login} TO CURRENT_USER WITH INHERIT TRUE, SET FALSE", values),
        Statement("REVOKE {role} FROM {member} GRANTED BY {login} CASCADE", values),
        Statement("REVOKE {login} FROM CURRENT_USER GRANTED BY CURRENT_USER", values),
    )


def in_the_way(oid: int, roles: Sequence[str]) -> Statement:
    """Whose open transactions hold the login's row or object, or one of the roles: a pid, or a prepared one's name."""
    return Statement(
        """
        SELECT DISTINCT coalesce(u.rolname::text, x.owner::text, 'an account that was dropped'), l.pid, x.gid,
            x.database::text
        FROM pg_catalog.pg_locks l
        LEFT JOIN pg_catalog.pg_stat_get_activity(NULL) a ON a.pid = l.pid
        LEFT JOIN pg_catalog.pg_roles u ON u.oid = a.usesysid
        LEFT JOIN (pg_catalog.pg_locks t JOIN pg_catalog.pg_prepared_xacts x
                ON t.locktype = 'transactionid' AND t.transactionid = x.transaction AND t.pid IS NULL)
            ON l.pid IS NULL AND t.virtualtransaction = l.virtualtransaction
        WHERE l.granted AND (l.pid IS NULL OR l.pid <> pg_catalog.pg_backend_pid())
            AND (l.locktype = 'relation' AND l.relation IN (1260::oid, 1261::oid) AND l.mode = 'RowExclusiveLock'
                OR l.locktype = 'object' AND l.classid = 1260::oid AND (l.objid::bigint = {oid} OR l.objid IN (
                    SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname::text = ANY ({roles}::text[]))))
        ORDER BY 1, 2
        """,
        {"oid": oid, "roles": list(roles)},
    )


def drop(login: str) -> Statement:
    return Statement("DROP ROLE {login}", {"login": Name(login)})


def drop_owned(login: str) -> Statement:
    """Of a login that owns nothing: what was granted to it."""
    return Statement("DROP OWNED BY {login}", {"login": Name(login)})


BY_HAND_BEGINS = (
    Statement("SET ROLE NONE", {}),
    Statement("SET statement_timeout = 0", {}),
    Statement("SET exit_on_error = off", {}),
    Statement("SET search_path = ''", {}),
    Statement("SET lock_timeout = '200ms'", {}),
    Statement("SET default_transaction_read_only = off", {}),
    Statement("SET default_transaction_isolation = 'read committed'", {}),
    Statement("SET standard_conforming_strings = on", {}),
)
"""The owner of a database can set all of these for whoever connects to it, a superuser too."""


def by_hand(login: str, roles: Sequence[str]) -> tuple[Statement, ...]:
    """How to end a grant without us, as a superuser or as the bot, statement by statement in this order.

    The same order as ours: rights, sessions, the way in, in a loop, with nothing that waits. What the login made is
    left where it is, locked away with it: made the property of who types this, it would run with his rights.
    """
    values: dict[str, Value] = {"login": Name(login), "name": login}
    return (
        *BY_HAND_BEGINS,
        ownership_statements.by_hand_begins(login, roles),
        Statement(
            """DO $$ DECLARE held record; BEGIN
  FOR held IN SELECT g.rolname AS role, b.rolname AS grantor FROM pg_catalog.pg_auth_members m
    JOIN pg_catalog.pg_roles l ON l.oid = m.member AND l.rolname = {name}
    JOIN pg_catalog.pg_roles g ON g.oid = m.roleid JOIN pg_catalog.pg_roles b ON b.oid = m.grantor
  LOOP
    BEGIN
      EXECUTE pg_catalog.format('REVOKE %I FROM {login} GRANTED BY %I CASCADE', held.role, held.grantor);
    EXCEPTION WHEN OTHERS THEN
      RAISE WARNING 'not taken, so type this once more: % (%)', held.role, SQLERRM;
    END;
  END LOOP;
END $$""",
            values,
        ),
        Statement(
            "SELECT pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_get_activity(NULL) a "
            "WHERE a.usesysid = (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = {name}) "
            "OR a.usesysid <> 0 AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = a.usesysid)",
            values,
        ),
        Statement(
            "SELECT pg_catalog.format('in the database %I: ROLLBACK PREPARED %L;', x.database, x.gid) AS "
            '"first type these" FROM pg_catalog.pg_prepared_xacts x WHERE x.owner = {name}',
            values,
        ),
        Statement(
            """DO $$ BEGIN
  FOR i IN 1..100 LOOP
    PERFORM pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_get_activity(NULL) a
      WHERE a.usesysid = (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = {name});
    BEGIN
      ALTER ROLE {login} NOLOGIN VALID UNTIL '-infinity' PASSWORD NULL;
      EXIT;
    EXCEPTION WHEN lock_not_available OR internal_error THEN
      RAISE NOTICE 'The login is locked. If "first type these" has lines, type them and then all of this again.';
      EXIT WHEN EXISTS (SELECT FROM pg_catalog.pg_prepared_xacts x WHERE x.owner = {name});
    END;
  END LOOP;
END $$""",
            values,
        ),
        Statement(
            """DO $$ DECLARE hidden integer; BEGIN
  SET LOCAL ROLE {login};
  FOR hidden IN SELECT a.pid FROM pg_catalog.pg_stat_get_activity(NULL) a WHERE a.usesysid IS NULL LOOP
    BEGIN
      PERFORM pg_catalog.pg_terminate_backend(hidden);
    EXCEPTION WHEN insufficient_privilege THEN NULL;
    END;
  END LOOP;
EXCEPTION WHEN OTHERS THEN RAISE NOTICE 'Sessions that show no role yet were not looked for: %', SQLERRM;
END $$""",
            values,
        ),
        Statement(
            "SELECT r.rolcanlogin AS \"can log in\", ARRAY(SELECT m.roleid::pg_catalog.regrole "
            "FROM pg_catalog.pg_auth_members m WHERE m.member = r.oid) AS \"roles\", "
            "(SELECT pg_catalog.count(pg_catalog.pg_terminate_backend(a.pid)) "
            "FROM pg_catalog.pg_stat_get_activity(NULL) a WHERE a.usesysid = r.oid) AS \"sessions\" "
            "FROM pg_catalog.pg_roles r WHERE r.rolname = {name}",
            values,
        ),
        ownership_statements.BY_HAND,
    )  # fmt: skip
