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


def session_findings(connections: "Connections", session: "Session", deadline: Deadline) -> Iterator[Finding]:
    """Beside what the session itself can do; nothing where nothing is to be said."""
    yield from _tls(connections)
    ((bot,),) = session.read(_BOT)
    yield from _own_database(connections, bot, deadline)
    yield from _reserved(session, bot)
    if connections.guard.fault is not None:
        yield Finding(
            level="warning",
            subject="guard",
            sentence=f"The session that ends access on a starved server could not be opened: {connections.guard.fault}",
            cure="Allow the bot's account one connection more for each worker process and server.",
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
        cure=f"As a superuser: GRANT pg_use_reserved_connections TO {_quoted(bot)} WITH INHERIT TRUE; and set "
        "reserved_connections = 3 in the server's configuration, which takes a restart.",
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
