"""What the provider postgres finds about its own sessions: who hears its secret, what can starve or mislead them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from access.errors import ProviderError
from access.ports import Deadline, Finding
from workers.providers.postgres.statements import Statement

if TYPE_CHECKING:  # they need the driver
    from workers.providers.postgres.session import Connections, Session

_RESERVES = 160000
_RESERVED = Statement(
    "SELECT pg_catalog.pg_has_role(CURRENT_USER, 'pg_use_reserved_connections', 'USAGE'), "
    "pg_catalog.current_setting('reserved_connections')::pg_catalog.int4",
    {},
)
_BOT = Statement("SELECT CURRENT_USER::pg_catalog.text", {})
_OPEN_SCHEMAS = Statement(
    """
    SELECT pg_catalog.current_database()::pg_catalog.text, n.nspname::pg_catalog.text,
        pg_catalog.array_agg(DISTINCT pg_catalog.pg_get_userbyid(a.grantee)::pg_catalog.text)
            FILTER (WHERE a.grantee OPERATOR(pg_catalog.<>) 0::pg_catalog.oid),
        pg_catalog.bool_or(a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid)
    FROM pg_catalog.pg_namespace n
    CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) a
    WHERE a.privilege_type OPERATOR(pg_catalog.=) 'CREATE' AND a.grantee OPERATOR(pg_catalog.<>) n.nspowner
        AND n.nspname OPERATOR(pg_catalog.!~) '^pg_(temp|toast)'
    GROUP BY n.nspname ORDER BY n.nspname
    """,
    {},
)
"""Schemas of this database that others than the owner may create in, and who."""


def session_findings(connections: "Connections", session: "Session", deadline: Deadline) -> Iterator[Finding]:
    """Beside what the session itself can do; nothing where nothing is to be said."""
    yield from _tls(connections)
    ((bot,),) = session.read(_BOT)
    yield from _own_database(connections, bot, deadline)
    yield from _reserved(session, bot)
    yield from _open_schemas(session)
    if connections.guard.fault is not None:
        yield Finding(
            level="warning",
            subject="guard",
            sentence=f"The session that ends access on a starved server could not be opened: {connections.guard.fault}",
            cure="Allow the bot's account one connection more for each worker process and target.",
        )


def _tls(connections: "Connections") -> Iterator[Finding]:
    refused = connections.refusal
    if refused is not None:
        yield Finding(
            level="error",
            subject="tls",
            sentence=f"Nothing is granted here. {refused}",
            cure="Add sslmode=verify-full and sslrootcert=/path/of/the/authority.pem to the `dsn`.",
        )
    elif connections.is_loosened:
        yield Finding(
            level="ok",
            subject="tls",
            sentence="The settings demand less of the server than that it proves who it is and asks by scram-sha-256.",
            cure="Take `tls` out of the settings as soon as the server can do both.",
        )


def _own_database(connections: "Connections", bot: str, deadline: Deadline) -> Iterator[Finding]:
    try:
        found = connections.has_own_database(deadline)
    except ProviderError as error:
        yield Finding(level="warning", subject="own database", sentence=error.sentence, cure="Ask the doctor again.")
        return
    if not found:
        yield Finding(
            level="warning",
            subject="own database",
            sentence="The bot may not connect to the database postgres, so the owner of the target's database can keep "
            "it from ending access.",
            cure=f"As a superuser: GRANT CONNECT ON DATABASE postgres TO {_quoted(bot)};",
        )


def _reserved(session: "Session", bot: str) -> Iterator[Finding]:
    if session.version < _RESERVES:
        return
    ((allowed, reserved),) = session.read(_RESERVED)
    if allowed and reserved:
        return
    yield Finding(
        level="ok",
        subject="reserved",
        sentence="No connection is kept free for the bot's account: logins that take all connections can delay an end.",
        cure=f"As a superuser: GRANT pg_use_reserved_connections TO {_quoted(bot)}; and set "
        "reserved_connections = 3 in the server's configuration, which takes a restart.",
    )


def _open_schemas(session: "Session") -> Iterator[Finding]:
    for database, schema, roles, everybody in session.read(_OPEN_SCHEMAS):
        names = ", ".join((["PUBLIC"] if everybody else []) + list(roles or []))
        yield Finding(
            level="warning",
            subject=f"schema {schema}",
            sentence=f"Others than the owner may create in the schema {schema} of the database {database}: {names}.",
            cure=f"Where that is not meant: REVOKE CREATE ON SCHEMA {_quoted(schema)} FROM …;",
        )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
