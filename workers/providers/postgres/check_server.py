"""What the provider postgres tells of the server, beside the bot and its roles.

Who could stand in the way of an end, who could plant something, and where nothing was looked at.
"""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, LiteralString

from access.ports import Finding
from workers.providers.postgres import ending_statements
from workers.providers.postgres.managed_statements import PREPARED
from workers.providers.postgres.statements import Name, Statement, Value
from workers.providers.postgres.typed import typed

if TYPE_CHECKING:  # it needs the driver
    from workers.providers.postgres.session import Session

HINDERERS = Statement(
    """
    SELECT r.rolname::pg_catalog.text, m.rolname::pg_catalog.text FROM pg_catalog.pg_roles m
    JOIN pg_catalog.pg_roles r ON m.oid <> r.oid AND CASE WHEN r.rolname = CURRENT_USER
        THEN pg_catalog.pg_has_role(m.oid, r.oid, 'USAGE')
        ELSE r.rolname IN ('pg_maintain', 'pg_signal_backend') AND pg_catalog.pg_has_role(m.oid, r.oid, 'MEMBER') END
    WHERE NOT m.rolsuper AND m.rolname <> CURRENT_USER ORDER BY 1, 2
    """,
    {},
)
"""Who may lock the catalogues in which an end is written (version 17 and later), or end the bot's own sessions."""

PREPARES = Statement("SELECT pg_catalog.current_setting('max_prepared_transactions')::pg_catalog.int4", {})

OPEN_SCHEMAS = Statement(
    """
    SELECT n.nspname::pg_catalog.text, g.rolname::pg_catalog.text, pg_catalog.current_database()::pg_catalog.text
    FROM pg_catalog.pg_namespace n
    CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) AS a
    LEFT JOIN pg_catalog.pg_roles g ON g.oid = a.grantee
    WHERE a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner AND n.nspname !~ '^pg_(temp|toast_temp)_'
    ORDER BY 1, 2 NULLS FIRST
    """,
    {},
)
"""In this database: schema, who beside its owner may create in it (None: PUBLIC), the database."""

_HAS_LOGIN_TRIGGERS = 170000
LOGIN_TRIGGERS = Statement(
    """
    SELECT d.datname::pg_catalog.text, CURRENT_USER::pg_catalog.text FROM pg_catalog.pg_database d
    WHERE d.dathasloginevt AND d.datallowconn AND pg_catalog.has_database_privilege(d.oid, 'CONNECT')
        AND pg_catalog.current_setting('event_triggers')::pg_catalog.bool ORDER BY 1
    """,
    {},
)
"""Databases that the bot enters and whose event triggers run in each new session; seen from any. And the bot."""

COPIED_BY = Statement("SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_get_wal_senders()", {})
"""Standbys and others that take this server's changes as they come."""

NOT_ENTERED = Statement(
    """
    SELECT datname::pg_catalog.text FROM pg_catalog.pg_database
    WHERE datallowconn AND NOT pg_catalog.has_database_privilege(oid, 'CONNECT') ORDER BY 1
    """,
    {},
)

PLANTED_BY_ALL = Statement(
    """
    SELECT DISTINCT a.privilege_type, n.nspname::pg_catalog.text FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) AS a
    WHERE a.grantee = 0 AND a.privilege_type IN ('TRIGGER', 'REFERENCES', 'MAINTAIN') AND c.relpersistence <> 't'
    ORDER BY 2, 1 LIMIT 20
    """,
    {},
)
"""What PUBLIC may do that no role may have which is granted."""

_FROM_PUBLIC: dict[str, LiteralString] = {
    "TRIGGER": "REVOKE TRIGGER ON ALL TABLES IN SCHEMA {schema} FROM PUBLIC",
    "REFERENCES": "REVOKE REFERENCES ON ALL TABLES IN SCHEMA {schema} FROM PUBLIC",
    "MAINTAIN": "REVOKE MAINTAIN ON ALL TABLES IN SCHEMA {schema} FROM PUBLIC",
}


def server_findings(session: "Session") -> Iterator[Finding]:
    yield from _hinderers(session)
    yield from _prepared(session)
    yield from _open_schemas(session)
    yield from _planted_by_all(session)
    yield from login_triggers(session)
    yield from _copied(session)
    yield from _not_entered(session)


def _hinderers(session: "Session") -> Iterator[Finding]:
    for role, rows in groupby(session.read(HINDERERS), key=itemgetter(0)):
        members = [member for _, member in rows]
        taken = (Statement("REVOKE {role} FROM {member}", {"role": Name(role), "member": Name(member)})
                 for member in members)  # fmt: skip
        can = "end the bot's sessions, and so delay an end"
        if role == "pg_maintain":
            can = "lock the catalogues in which an end is written, and so delay it"
        yield Finding(
            level="warning",
            subject=role if role == "pg_maintain" else f"members of {role}",
            sentence=f"Members of {role}: {', '.join(members)}. They can {can}.",
            cure=f"As a superuser: {typed(*taken)}",
        )


def _prepared(session: "Session") -> Iterator[Finding]:
    ((most,),) = session.read(PREPARES)
    if not most:
        return
    yield Finding(
        level="ok",
        subject="prepared transactions",
        sentence=f"Transactions can be prepared here (max_prepared_transactions is {most}): one outlives the session "
        "that prepared it. Set it to 0 where no application needs it.",
    )
    for gid, database, owner in session.read(PREPARED):
        whose = f"of the temporary login {owner}" if owner else "of a login that no longer exists"
        ends = typed(ending_statements.undo(gid))
        yield Finding(
            level="error",
            subject="prepared transactions",
            sentence=f"A prepared transaction {whose} holds its locks in the database {database}.",
            cure=f"As a superuser, in the database {database}: {ends}",
        )


def _open_schemas(session: "Session") -> Iterator[Finding]:
    for schema, grantee, database in session.read(OPEN_SCHEMAS):
        values: dict[str, Value] = {"schema": Name(schema)}
        taken = Statement("REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC", values)
        if grantee is not None:
            taken = Statement("REVOKE CREATE ON SCHEMA {schema} FROM {role}", values | {"role": Name(grantee)})
        yield Finding(
            level="warning",
            subject=f"schema {schema}",
            sentence=f"{grantee or 'PUBLIC, so also every temporary login,'} may create objects in the schema {schema} "
            f"of the database {database}: what is planted there can run for others.",
            cure=f"In the database {database}, as the schema's owner: {typed(taken)}",
        )


def _planted_by_all(session: "Session") -> Iterator[Finding]:
    for privilege, schema in session.read(PLANTED_BY_ALL):
        taken = Statement(_FROM_PUBLIC[privilege], {"schema": Name(schema)})
        yield Finding(
            level="warning",
            subject=f"public {privilege}",
            sentence=f"PUBLIC, so also every temporary login, has {privilege} on tables of the schema {schema}: a role "
            "with it would not be granted.",
            cure=typed(taken),
        )


def login_triggers(session: "Session") -> Iterator[Finding]:
    if session.version < _HAS_LOGIN_TRIGGERS:
        return
    rows = session.read(LOGIN_TRIGGERS)
    if not rows:
        return
    bot: dict[str, Value] = {"bot": Name(rows[0][1])}
    yield Finding(
        level="warning",
        subject="login triggers",
        sentence="Event triggers on login run in each new session, the bot's too, in: "
        f"{', '.join(database for database, _ in rows)}. One that hangs or fails keeps the bot out and delays an end.",
        cure=f"As a superuser: {typed(Statement('ALTER ROLE {bot} SET event_triggers = off', bot))}",
    )


def _copied(session: "Session") -> Iterator[Finding]:
    ((number,),) = session.read(COPIED_BY)
    if number:
        yield Finding(
            level="ok",
            subject="standbys",
            sentence=f"Connections that copy this server as it changes: {number}. On a standby no session is ended "
            "from here, and what is taken away holds there only when it has arrived: let holders connect to this "
            "server alone (pg_hba.conf of the standby).",
        )


def _not_entered(session: "Session") -> Iterator[Finding]:
    databases = [database for (database,) in session.read(NOT_ENTERED)]
    if databases:
        yield Finding(
            level="ok",
            subject="not looked at",
            sentence=f"The bot may not connect to: {', '.join(databases)}. What roles allow there is not looked at.",
        )
