"""What the provider postgres says to a server: statements as data, put together by the driver's own quoting.

Everything here is login mode on PostgreSQL 16 and later; see docs/adr/0003-postgres-login-mode.md.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import LiteralString


class Name(str):
    """A name on the target: quoted as an identifier, where any other value is quoted as a literal."""

    __slots__ = ()


Value = str | int | list[str] | list[int]


@dataclass(frozen=True)
class Statement:
    """One statement: fixed text with `{holes}`, and what goes into them."""

    text: LiteralString
    values: dict[str, Value]


CONNECTIONS = 4
"""How many sessions one temporary login may have."""


def create(login: str, roles: Sequence[str], until: datetime, marker: str) -> tuple[Statement, ...]:
    """A login that cannot log in yet, for it has no password. For the answer see `_answer`."""
    made = Statement(
        "CREATE ROLE {login} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS "
        "CONNECTION LIMIT {connections} VALID UNTIL {until}",
        {"login": Name(login), "connections": CONNECTIONS, "until": timestamp(until)},
    )
    return (made, *_memberships(login, roles), _marked(login, marker), _answer(login))


def mend(login: str, roles: Sequence[str], until: datetime, marker: str) -> tuple[Statement, ...]:
    """Brings a login of the same grant to what it should be; the same answer."""
    set_right = Statement(
        "ALTER ROLE {login} LOGIN CONNECTION LIMIT {connections} VALID UNTIL {until}",
        {"login": Name(login), "connections": CONNECTIONS, "until": timestamp(until)},
    )
    return (set_right, *_memberships(login, roles), _marked(login, marker), _answer(login))


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


def _answer(login: str) -> Statement:
    """Its number, and that of the transaction which first gave it a role: no later call of the grant changes either."""
    return Statement(
        "SELECT r.oid::pg_catalog.int8, (SELECT m.xmin::pg_catalog.text::pg_catalog.int8 "
        "FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles me ON me.oid OPERATOR(pg_catalog.=) m.grantor "
        "WHERE m.member OPERATOR(pg_catalog.=) r.oid AND me.rolname OPERATOR(pg_catalog.=) current_user "
        "ORDER BY pg_catalog.age(m.xmin) DESC LIMIT 1) FROM pg_catalog.pg_roles r "
        "WHERE r.rolname::pg_catalog.text OPERATOR(pg_catalog.=) {login}",
        {"login": login},
    )


_HAS_DIRECT_RIGHTS = """EXISTS (SELECT FROM pg_catalog.pg_shdepend s
        WHERE s.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_authid'::pg_catalog.regclass
            AND s.refobjid OPERATOR(pg_catalog.=) r.oid
        AND s.deptype OPERATOR(pg_catalog.=) 'a'
            AND s.classid OPERATOR(pg_catalog.<>) 'pg_catalog.pg_auth_members'::pg_catalog.regclass
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_shdepend o
            JOIN pg_catalog.pg_roles w ON w.oid OPERATOR(pg_catalog.=) o.refobjid
            WHERE o.dbid OPERATOR(pg_catalog.=) s.dbid AND o.classid OPERATOR(pg_catalog.=) s.classid
                AND o.objid OPERATOR(pg_catalog.=) s.objid AND o.deptype OPERATOR(pg_catalog.=) 'o'
            AND (w.rolname OPERATOR(pg_catalog.=) current_user
                OR w.rolname OPERATOR(pg_catalog.~) '^cs_[0-9a-z]{{26}}$')))"""
"""Whether anything in any database was granted to the login itself, where we only ever give memberships.

What a holder made and shared with another does not count, also once it became the bot's: else anybody who can make
something could have another's access ended.
"""


def look(login: str) -> Statement:
    """All the catalogue says of a login; the columns are those of `catalogue.Login`."""
    return Statement(
        """
        SELECT r.oid::pg_catalog.int8, r.rolcanlogin,
            CASE WHEN pg_catalog.isfinite(r.rolvaliduntil)
                THEN extract(epoch FROM r.rolvaliduntil)::pg_catalog.float8 END,
            coalesce(pg_catalog.shobj_description(r.oid, 'pg_authid'), ''),
            r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls,
            """  # noqa: S608  (all of it is fixed)
        + _HAS_DIRECT_RIGHTS
        + """,
            ARRAY(SELECT g.rolname::pg_catalog.text FROM pg_catalog.pg_auth_members m
                JOIN pg_catalog.pg_roles g ON g.oid OPERATOR(pg_catalog.=) m.roleid
                WHERE m.member OPERATOR(pg_catalog.=) r.oid ORDER BY 1),
            (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity WHERE usesysid OPERATOR(pg_catalog.=) r.oid)
        FROM pg_catalog.pg_roles r WHERE r.rolname::pg_catalog.text OPERATOR(pg_catalog.=) {login}
        """,
        {"login": login},
    )


def set_password(login: str, hashed: str) -> Statement:
    return Statement("ALTER ROLE {login} PASSWORD {hashed}", {"login": Name(login), "hashed": hashed})


def timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S+00")


BOT = Statement(
    "SELECT rolname::pg_catalog.text, rolsuper, rolcreaterole OR rolsuper, "
    "pg_catalog.pg_has_role(oid, 'pg_signal_backend', CASE WHEN "
    "pg_catalog.current_setting('server_version_num')::pg_catalog.int4 OPERATOR(pg_catalog.<) 160000 "
    "THEN 'MEMBER' ELSE 'USAGE' END), pg_catalog.pg_is_in_recovery() "
    "FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) current_user",
    {},
)
"""The bot's own account: name, superuser, may make logins, may end sessions; and whether the server is a standby.

Before 16 the account need not inherit: it becomes the role that may.
"""

PUBLIC_RIGHTS = Statement(
    """
    SELECT ARRAY(SELECT datname::pg_catalog.text FROM pg_catalog.pg_database
            WHERE datallowconn AND pg_catalog.has_database_privilege('public', oid, 'CONNECT') ORDER BY 1),
        ARRAY(SELECT datname::pg_catalog.text FROM pg_catalog.pg_database
            WHERE datallowconn AND pg_catalog.has_database_privilege('public', oid, 'TEMPORARY') ORDER BY 1)
    """,
    {},
)

CLOCK = Statement("SELECT extract(epoch FROM pg_catalog.clock_timestamp())::pg_catalog.float8", {})


def role_use(roles: Sequence[str]) -> Statement:
    """Whether one of the roles may connect here, which of them the bot itself can use, the database, the bot."""
    return Statement(
        """
        SELECT pg_catalog.bool_or(pg_catalog.has_database_privilege(oid, pg_catalog.current_database(), 'CONNECT')),
            coalesce(pg_catalog.array_agg(rolname::pg_catalog.text ORDER BY rolname) FILTER (
                WHERE pg_catalog.pg_has_role(oid, 'USAGE') OR pg_catalog.pg_has_role(oid, 'SET')), '{{}}'),
            pg_catalog.current_database()::pg_catalog.text, current_user::pg_catalog.text
        FROM pg_catalog.pg_roles WHERE rolname::pg_catalog.text OPERATOR(pg_catalog.=) ANY ({roles}::pg_catalog.text[])
        """,
        {"roles": list(roles)},
    )
