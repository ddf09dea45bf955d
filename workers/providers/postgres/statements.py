"""What the provider postgres says to a server: statements as data, put together by the driver's own quoting.

Everything here is login mode on PostgreSQL 16 and later; see docs/adr/0003-postgres-login-mode.md.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import LiteralString


class Name(str):
    """A name on the target: quoted as an identifier, where any other value is quoted as a literal."""

    __slots__ = ()


@dataclass(frozen=True)
class Statement:
    """One statement: fixed text with `{holes}`, and what goes into them."""

    text: LiteralString
    values: dict[str, str | int | list[str]]


CONNECTIONS = 4
"""How many sessions one temporary login may have."""


def grantable(roles: Sequence[str]) -> Statement:
    """For each of the roles that exists: its name, whether we may grant it, and which powers come with it.

    Everything a role reaches counts: a harmless name may be a member of a mighty one.
    """
    return Statement(
        """
        WITH RECURSIVE reach(start, role, path) AS (
            SELECT oid, oid, rolname::text FROM pg_roles WHERE rolname::text = ANY ({roles}::text[])
            UNION
            SELECT reach.start, m.roleid, reach.path FROM reach JOIN pg_auth_members m ON m.member = reach.role
        )
        SELECT reach.path, pg_has_role(reach.start, 'USAGE WITH ADMIN OPTION'),
            coalesce(array_agg(DISTINCT power.name ORDER BY power.name) FILTER (WHERE power.name IS NOT NULL), '{{}}')
        FROM reach JOIN pg_roles r ON r.oid = reach.role
        CROSS JOIN LATERAL (
            SELECT 'SUPERUSER' WHERE r.rolsuper UNION ALL
            SELECT 'CREATEROLE' WHERE r.rolcreaterole UNION ALL
            SELECT 'CREATEDB' WHERE r.rolcreatedb UNION ALL
            SELECT 'REPLICATION' WHERE r.rolreplication UNION ALL
            SELECT 'BYPASSRLS' WHERE r.rolbypassrls UNION ALL
            SELECT r.rolname::text WHERE r.rolname ~ '^pg_' AND r.rolname::text <> ALL ({harmless}::text[]) UNION ALL
            SELECT 'ADMIN on ' || held.rolname FROM pg_auth_members m JOIN pg_roles held ON held.oid = m.roleid
                WHERE m.member = r.oid AND m.admin_option UNION ALL
            SELECT NULL
        ) AS power(name)
        GROUP BY reach.path, reach.start
        """,
        {"roles": list(roles), "harmless": HARMLESS},
    )


HARMLESS = ["pg_read_all_data", "pg_monitor", "pg_read_all_settings", "pg_read_all_stats", "pg_stat_scan_tables"]
"""PostgreSQL's own roles that can only read. Any other, of today or of a later version, is refused."""


def create(login: str, roles: Sequence[str], until: datetime, marker: str) -> tuple[Statement, ...]:
    """A login that cannot log in yet, for it has no password. Its oid is the answer."""
    made = Statement(
        "CREATE ROLE {login} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS "
        "CONNECTION LIMIT {connections} VALID UNTIL {until}",
        {"login": Name(login), "connections": CONNECTIONS, "until": timestamp(until)},
    )
    return (made, *_memberships(login, roles), _marked(login, marker), _oid(login))


def mend(login: str, roles: Sequence[str], until: datetime, marker: str) -> tuple[Statement, ...]:
    """Brings a login of the same grant to what it should be. Its oid is the answer."""
    set_right = Statement(
        "ALTER ROLE {login} LOGIN CONNECTION LIMIT {connections} VALID UNTIL {until}",
        {"login": Name(login), "connections": CONNECTIONS, "until": timestamp(until)},
    )
    return (set_right, *_memberships(login, roles), _marked(login, marker), _oid(login))


def expire(login: str, until: datetime, marker: str) -> tuple[Statement, ...]:
    """Only the end: whether anybody gets in is not touched."""
    moved = Statement("ALTER ROLE {login} VALID UNTIL {until}", {"login": Name(login), "until": timestamp(until)})
    return (moved, _marked(login, marker))


def _memberships(login: str, roles: Sequence[str]) -> Iterable[Statement]:
    # SET FALSE: a session that had said SET ROLE would keep reading after the membership is gone.
    for role in roles:
        yield Statement(
            "GRANT {role} TO {login} WITH INHERIT TRUE, SET FALSE", {"role": Name(role), "login": Name(login)}
        )


def _marked(login: str, marker: str) -> Statement:
    return Statement("COMMENT ON ROLE {login} IS {marker}", {"login": Name(login), "marker": marker})


def _oid(login: str) -> Statement:
    return Statement("SELECT oid::bigint FROM pg_roles WHERE rolname::text = {login}", {"login": login})


_HAS_DIRECT_RIGHTS = """EXISTS (SELECT FROM pg_shdepend s
        WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = r.oid
        AND s.deptype = 'a' AND s.classid <> 'pg_auth_members'::regclass
        AND NOT EXISTS (SELECT FROM pg_shdepend o JOIN pg_roles w ON w.oid = o.refobjid
            WHERE o.dbid = s.dbid AND o.classid = s.classid AND o.objid = s.objid AND o.deptype = 'o'
            AND (w.rolname = current_user OR w.rolname ~ '^cs_[0-9a-z]{{26}}$')))"""
"""Whether anything in any database was granted to the login itself, where we only ever give memberships.

What a holder made and shared with another does not count, also once it became the bot's: else anybody who can make
something could have another's access ended.
"""


def look(login: str) -> Statement:
    """All the catalogue says of a login; the columns are those of `catalogue.Login`."""
    return Statement(
        """
        SELECT r.oid::bigint, r.rolcanlogin,
            CASE WHEN isfinite(r.rolvaliduntil) THEN extract(epoch FROM r.rolvaliduntil)::float8 END,
            coalesce(shobj_description(r.oid, 'pg_authid'), ''),
            r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls,
            """  # noqa: S608  (all of it is fixed)
        + _HAS_DIRECT_RIGHTS
        + """,
            ARRAY(SELECT g.rolname::text FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
                WHERE m.member = r.oid ORDER BY 1),
            (SELECT count(*) FROM pg_stat_activity WHERE usesysid = r.oid)
        FROM pg_roles r WHERE r.rolname::text = {login}
        """,
        {"login": login},
    )


TEMPORARY_LOGINS = Statement(
    """
    SELECT r.rolname::text, coalesce(shobj_description(r.oid, 'pg_authid'), ''),
        ARRAY(SELECT g.rolname::text FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
            WHERE m.member = r.oid ORDER BY 1),
        r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls,
        """  # noqa: S608  (all of it is fixed)
    + _HAS_DIRECT_RIGHTS
    + """
    FROM pg_roles r
    WHERE r.rolname ~ '^cs_[0-9a-z]{{26}}$' AND (r.rolcanlogin
        OR EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid)
        OR EXISTS (SELECT FROM pg_stat_activity a WHERE a.usesysid = r.oid))
    """,
    {},
)
"""All that are named as ours are and still give access: comment, roles, and what somebody added that is no role."""


def set_password(login: str, hashed: str) -> Statement:
    return Statement("ALTER ROLE {login} PASSWORD {hashed}", {"login": Name(login), "hashed": hashed})


def lock(login: str) -> Statement:
    """From here on nobody gets in; first, so that a client that reconnects in a loop loses the race."""
    return Statement("ALTER ROLE {login} NOLOGIN VALID UNTIL '-infinity' PASSWORD NULL", {"login": Name(login)})


def terminate(oid: int, wait: timedelta) -> Statement:
    """Ends the sessions of a login, found by its number: the name is gone from them once the login is dropped."""
    return Statement(
        "SELECT pid, pg_terminate_backend(pid, {wait}) FROM pg_stat_activity WHERE usesysid = {oid}",
        {"oid": oid, "wait": int(wait.total_seconds() * 1000)},
    )


def signal(oid: int) -> Statement:
    """The same without waiting for their end, so that many end at once."""
    return Statement("SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE usesysid = {oid}", {"oid": oid})


def strip(login: str, roles: Sequence[str]) -> tuple[Statement, ...]:
    return tuple(Statement("REVOKE {role} FROM {login}", {"role": Name(role), "login": Name(login)}) for role in roles)


def drop(login: str) -> Statement:
    return Statement("DROP ROLE {login}", {"login": Name(login)})


def databases_with_traces(oid: int) -> Statement:
    """Where the login owns something or was granted something; what all databases share can be seen to from any."""
    return Statement(
        "SELECT DISTINCT coalesce(d.datname::text, current_database()::text) FROM pg_shdepend s "
        "LEFT JOIN pg_database d ON d.oid = s.dbid "
        "WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = {oid} ORDER BY 1",
        {"oid": oid},
    )


def owned_here(oid: int) -> Statement:
    """What the login made in this database, in PostgreSQL's own words: `table copy`."""
    return Statement(
        "SELECT pg_describe_object(s.classid, s.objid, 0) FROM pg_shdepend s "
        "JOIN pg_database d ON d.oid = s.dbid AND d.datname = current_database() "
        "WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = {oid} AND s.deptype = 'o' ORDER BY 1 LIMIT 20",
        {"oid": oid},
    )


def hand_over(login: str) -> tuple[Statement, ...]:
    """Keeps what the login made, as ours, and removes what was granted to it; in one database."""
    values: dict[str, str | int | list[str]] = {"login": Name(login)}
    return (
        Statement("GRANT {login} TO CURRENT_USER WITH INHERIT TRUE, SET TRUE", values),
        Statement("REASSIGN OWNED BY {login} TO CURRENT_USER", values),
        Statement("DROP OWNED BY {login}", values),
    )


def sessions_of_no_role(oid: int | None) -> Statement:
    """How many sessions belong to that number, and how many in all to roles that no longer exist."""
    return Statement(
        "SELECT count(*) FILTER (WHERE a.usesysid = {oid}), count(*) FROM pg_stat_activity a "
        "WHERE a.usesysid > 0 AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = a.usesysid)",
        {"oid": -1 if oid is None else oid},
    )


def by_hand(login: str) -> tuple[Statement, ...]:
    """How to end a grant without us, as a superuser or as the bot."""
    sessions = Statement(
        "SELECT pg_terminate_backend(pid, 3000) FROM pg_stat_activity "
        "WHERE usesysid = (SELECT oid FROM pg_roles WHERE rolname = {login})",
        {"login": login},
    )
    return (lock(login), sessions, *hand_over(login), drop(login))


def timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S+00")


BOT = Statement(
    "SELECT rolname::text, rolsuper, rolcreaterole OR rolsuper, "
    "pg_has_role(oid, 'pg_signal_backend', 'USAGE'), pg_is_in_recovery() FROM pg_roles WHERE rolname = current_user",
    {},
)
"""The bot's own account: name, superuser, may make logins, may end sessions; and whether the server is a standby."""

PUBLIC_RIGHTS = Statement(
    """
    SELECT ARRAY(SELECT datname::text FROM pg_database
            WHERE datallowconn AND has_database_privilege('public', oid, 'CONNECT') ORDER BY 1),
        ARRAY(SELECT datname::text FROM pg_database
            WHERE datallowconn AND has_database_privilege('public', oid, 'TEMPORARY') ORDER BY 1)
    """,
    {},
)

CLOCK = Statement("SELECT extract(epoch FROM clock_timestamp())::float8", {})


def role_use(roles: Sequence[str]) -> Statement:
    """Whether one of the roles may connect here, which of them the bot itself can use, the database, the bot."""
    return Statement(
        """
        SELECT bool_or(has_database_privilege(oid, current_database(), 'CONNECT')),
            coalesce(array_agg(rolname::text ORDER BY rolname) FILTER (
                WHERE pg_has_role(oid, 'USAGE') OR pg_has_role(oid, 'SET')), '{{}}'),
            current_database()::text, current_user::text
        FROM pg_roles WHERE rolname::text = ANY ({roles}::text[])
        """,
        {"roles": list(roles)},
    )
