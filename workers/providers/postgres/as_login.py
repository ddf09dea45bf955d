"""What the bot does in a temporary login's own role, because the server lets nobody else: each time undone at once."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from access.errors import Permanent, ProviderError, TargetConflict, Transient
from access.ports import Deadline
from workers.providers.postgres import ending_statements as statements
from workers.providers.postgres.typed import typed

if TYPE_CHECKING:  # they need the driver
    from workers.providers.postgres.session import Connections, Session


def end_hidden(session: "Session", name: str) -> bool:
    """Ends sessions that show no role yet. False: the server did not let us; the looks that follow find them."""
    try:
        session.write(*statements.end_hidden(name))
    except (Permanent, Transient, TargetConflict):
        return False
    return True


def end_sessions_as(session: "Session", name: str, oid: int) -> list[tuple[Any, ...]]:
    """For a bot that was not given `pg_signal_backend`. Raises NotPermitted where that is refused as well."""
    there = session.read(statements.sessions(oid))
    if there:
        session.write(*statements.end_as_login(name, oid))
    return there


def roll_back(connections: "Connections", session: "Session", name: str, deadline: Deadline) -> list[str]:
    """Undoes the login's prepared transactions. Returns, for people, those that could not be."""
    left: list[str] = []
    with suppress(ProviderError):  # what is not seen now is seen by the next look
        for gid, database in session.read(statements.prepared(name)):
            if not _undone(connections, name, gid, database, deadline):
                left.append(f"in the database {database}: {typed(statements.undo(gid))}")
    return left


def _undone(connections: "Connections", name: str, gid: str, database: str, deadline: Deadline) -> bool:
    """On a session of its own, which is not used again: it was the login's for a moment."""
    try:
        with connections.session_on(database, deadline) as there:
            try:
                there.write_apart(*statements.become(name), statements.undo(gid), lock_timeout=statements.LOCKS)
            finally:
                there.write_apart(*statements.stop_being(name))
    except ProviderError:
        return False
    return True


def take_passed_on(session: "Session", name: str, oid: int) -> list[str]:
    """A holder to whom another gave ADMIN may have given the role on. Returns what is left of that, for people."""
    left: list[str] = []
    for role, member in session.read(statements.passed_on(oid)):
        take = statements.take_passed_on(role, member, name)
        try:
            session.write(*take, lock_timeout=statements.LOCKS)
        except ProviderError:
            left.append(f"The login {name} gave {role} to {member}. As a superuser: {typed(take[1])}")
    return left
