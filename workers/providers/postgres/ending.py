"""How the provider postgres ends a grant: block new sessions, end those there are, drop the login, read back."""

from datetime import timedelta
from typing import TYPE_CHECKING

from access.errors import NotPermitted, Permanent, TargetConflict, TargetNotFound
from access.ports import Deadline, Removal
from workers.providers.postgres import statements
from workers.providers.postgres.catalogue import Login, look
from workers.providers.postgres.errors import IN_USE, UNDEFINED

if TYPE_CHECKING:  # they need the driver
    from workers.providers.postgres.session import Connections, Session

_PATIENCE = timedelta(seconds=2)
"""How long one message waits for sessions to end before it looks again."""


class Ending:
    """The end of one grant."""

    def __init__(self, connections: "Connections", session: "Session", deadline: Deadline) -> None:
        self._connections = connections
        self._session = session
        self._deadline = deadline

    def end(self, name: str, oid: int | None) -> Removal:
        """`oid` is the login's number by the receipt: it finds the sessions of a login that is gone."""
        login = look(self._session, name)
        if login is None:
            return self._end_ghosts(oid)
        try:
            self._session.write(statements.lock(name))
        except TargetNotFound:  # another worker was faster
            return self._end_ghosts(login.oid)
        try:
            ended, left = self._end_sessions(login.oid)
        except NotPermitted:
            self._strip(login, name)
            raise NotPermitted(
                "The bot may not end sessions; the login is locked and has lost its rights. "
                "As a superuser: GRANT pg_signal_backend TO <the bot>."
            ) from None
        if left:
            self._strip(login, name)
            return _unfinished(ended, left)
        residual = self._drop(login, name)
        # A session may have been half-way in when the login was locked.
        late, left = self._end_sessions(login.oid)
        if left:
            return _unfinished(ended + late, left)
        return Removal(state="removed", sessions_ended=ended + late, residual=residual)

    def _end_sessions(self, oid: int) -> tuple[int, int]:
        """How many were ended, and how many are left when the time is up."""
        found = self._session.write(statements.signal(oid))
        pids = {pid for pid, _ in found}
        while found and not self._deadline.passed:
            wait = min(_PATIENCE, timedelta(seconds=self._deadline.left() / 2))
            found = self._session.write(statements.terminate(oid, wait))
            pids |= {pid for pid, _ in found}
        return len(pids) - len(found), len(found)

    def _end_ghosts(self, oid: int | None) -> Removal:
        ((ours, nobodys),) = self._session.read(statements.sessions_of_no_role(oid))
        if oid is not None and ours:
            ended, left = self._end_sessions(oid)
            return _unfinished(ended, left) if left else Removal(state="removed", sessions_ended=ended)
        if oid is None and nobodys:
            doubt = (
                f"Open sessions of logins that were dropped: {nobodys}. Whether they are of this access can't be told."
            )
            return Removal(state="absent", sessions_ended=0, residual=(doubt,))
        return Removal(state="absent", sessions_ended=0)

    def _drop(self, login: Login, name: str) -> tuple[str, ...]:
        """Drops the login and reads back. Returns sentences about what it leaves behind."""
        kept: list[str] = []
        if not self._dropped(name):
            stuck, kept = self._hand_over(login, name)
            if stuck or not self._dropped(name):
                self._strip(login, name)
                return (*kept, _cannot_drop(name, stuck))
        if look(self._session, name) is not None:
            raise TargetConflict
        return tuple(kept)

    def _dropped(self, name: str) -> bool:
        try:
            self._session.write(statements.drop(name))
        except Permanent as error:
            if error.code == UNDEFINED:  # another worker was faster
                return True
            if error.code != IN_USE:
                raise
            return False
        return True

    def _hand_over(self, login: Login, name: str) -> tuple[list[str], list[str]]:
        """In each database with traces of the login. Returns where that was refused, and what we keep for it."""
        stuck: list[str] = []
        kept: list[str] = []
        for (database,) in self._session.read(statements.databases_with_traces(login.oid)):
            try:
                with self._connections.session_on(database, self._deadline) as there:
                    owned = [str(described) for (described,) in there.read(statements.owned_here(login.oid))]
                    there.write(*statements.hand_over(name))
            except Permanent:
                stuck.append(database)
                continue
            if owned:
                kept.append(
                    f"Made through this access and kept, now owned by the bot, in the database {database}: "
                    f"{', '.join(owned)}. Rights on it that were given to others still stand."
                )
        return stuck, kept

    def _strip(self, login: Login, name: str) -> None:
        """Takes the rights from sessions that can't be ended just now."""
        if login.memberships:
            self._session.write(*statements.strip(name, login.memberships))


def _unfinished(ended: int, left: int) -> Removal:
    sentence = f"Sessions that have not ended yet: {left}. Nobody new can log in."
    return Removal(state="pending", sessions_ended=ended, residual=(sentence,), look_again=timedelta(seconds=1))


def _cannot_drop(name: str, databases: list[str]) -> str:
    where = f" in the database {', '.join(databases)}" if databases else ""
    return (
        f"The login {name} is locked, has no session and no membership, but could not be dropped: "
        f"it owns something{where} that the bot may not touch. "
        f"As a superuser, there: DROP OWNED BY {name}; then: DROP ROLE {name};"
    )
