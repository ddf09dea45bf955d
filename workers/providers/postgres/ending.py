"""How the provider postgres ends a grant, with its holder on the same server: rights, sessions, the way in, the proof.

Nothing here waits for what a holder can lock; which locks those are: docs/adr/0021-an-end-that-no-holder-delays.md
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from access.errors import NotPermitted, Permanent, ProviderError, TargetConflict, TargetNotFound, Transient
from access.ports import Deadline, Removal
from workers.providers.postgres import ending_statements as statements
from workers.providers.postgres.as_login import end_hidden, end_sessions_as, roll_back, take_passed_on
from workers.providers.postgres.catalogue import marked_grant
from workers.providers.postgres.ending_statements import LOCKS
from workers.providers.postgres.errors import IN_USE, NO_LOCKS
from workers.providers.postgres.typed import typed

if TYPE_CHECKING:  # they need the driver
    from workers.providers.postgres.session import Connections, Session

_PATIENCE_SECONDS = 2.0
"""After that a session without any right that was told to end is one in a computation that cannot be interrupted."""
_TO_ANSWER_SECONDS = 0.2
_LONGEST_SECONDS = 3.0
"""Of one call: who locks again and again must not keep a thread from the ends of others."""


@dataclass(frozen=True)
class Standing:
    """What is left of a login; the fields are the columns of `statements.standing`."""

    oid: int
    name: str
    can_log_in: bool
    marker: str
    ours: list[str]
    """Roles that the bot gave."""
    others: list[str]
    """Roles that others gave, each with who did."""
    sessions: int
    has_traces: bool
    """It owns something, or something was granted to it, in whichever database."""

    @property
    def gives_access(self) -> bool:
        return self.can_log_in or bool(self.ours)


def find(session: "Session", name: str, oid: int | None) -> Standing | None:
    """By its name; else by its number, which may be a stranger's since then: so our mark must be on it."""
    for row in session.read(statements.standing(name, oid)):
        found = Standing(*row)
        if found.name == name or f"cs_{marked_grant(found.marker)}" == name:
            return found
    return None


@dataclass
class Ending:
    """The end of one grant."""

    connections: "Connections"
    session: "Session"
    deadline: Deadline
    name: str
    oid: int | None
    """The login's number by the receipt: it finds the sessions of a login that is gone."""
    waiting: list[str] = field(default_factory=list[str], init=False)
    """Roles that could not be taken yet."""
    refused: list[str] = field(default_factory=list[str], init=False)
    """Roles that the bot may not take."""
    pids: set[int] = field(default_factory=set[int], init=False)
    """Sessions that were told to end."""

    def end(self) -> Removal:
        """Each step has a short time for each lock, and one that is refused stops no other:

        1. take the rights, role by role;
        2. end the sessions, and lock the login, in a loop, clearing out of the way what is the holder's own;
        3. end what hides: sessions half-way in, that show no role yet;
        4. drop the login, where nothing hangs on it: that takes what could not be taken one by one, too.
        """
        login = self._found()
        if login is None:
            return self._end_ghosts(self.oid)
        self.oid = login.oid
        self.waiting = login.ours
        left, dropped = self._shut(login)
        if left is None:
            return self._unfinished(login, len(self._signal()))
        if self.refused and not dropped:
            raise NotPermitted(_refused(login, self.refused))
        return Removal(
            state="removed",
            sessions_ended=len(self.pids) - left,
            residual=_lingers(left),
            lingering=left,
            leftover=() if dropped else left_behind(login),
        )

    def _found(self) -> Standing | None:
        """Also where the table of locks is full: then first that which needs none."""
        while True:
            try:
                return find(self.session, self.name, self.oid)
            except Transient as error:
                if error.code != NO_LOCKS or self.deadline.left() <= _TO_ANSWER_SECONDS:
                    raise
                self._make_room()

    def _make_room(self) -> None:
        self.pids.update(self.connections.guard.make_room(self.oid))

    def _shut(self, login: Standing) -> tuple[int | None, bool]:
        """How many sessions linger, told to end and without any right (None: the time was over); is it dropped?"""
        locked, hidden, dropped = not login.can_log_in, False, False
        patience = Deadline.after(_PATIENCE_SECONDS)
        longest = Deadline.after(min(_LONGEST_SECONDS, self.deadline.left() - _TO_ANSWER_SECONDS))
        while True:
            self._take_rights(login.name)
            left = self._signal()
            locked = locked or self._lock(login)
            if locked and not hidden:
                end_hidden(self.session, login.name)
                hidden, left = True, self._signal()
                login = self._without_what_it_passed_on(login)
            if locked and (not left or patience.passed):
                dropped = dropped or self._drop(login)
                if dropped or not self.waiting:
                    return len(left), dropped
            if longest.passed:
                return None, False
            self.session.read(statements.A_MOMENT)

    def _without_what_it_passed_on(self, login: Standing) -> Standing:
        """As it is then; what is left of it is tidied up next."""
        if not login.has_traces:
            return login
        with suppress(ProviderError):
            take_passed_on(self.session, login.name, login.oid)
            return find(self.session, login.name, login.oid) or login
        return login

    def _take_rights(self, name: str) -> None:
        waiting, self.waiting = self.waiting, []
        for role in waiting:
            try:
                self.session.write(statements.take(role, name), lock_timeout=LOCKS)
            except TargetNotFound:
                continue  # the role or the login was dropped
            except NotPermitted:
                self.refused.append(role)
            except (Transient, TargetConflict) as error:
                self.waiting.append(role)
                self._note(error)

    def _signal(self) -> list[int]:
        """The sessions that are there, each told to end."""
        assert self.oid is not None
        try:
            found = self.session.write(statements.end_sessions(self.oid))
        except NotPermitted:
            found = end_sessions_as(self.session, self.name, self.oid)
        except Transient as error:
            self._note(error)
            found = self.session.read(statements.sessions(self.oid))
        pids = [pid for pid, _ in found]
        self.pids.update(pids)
        return pids

    def _note(self, error: ProviderError) -> None:
        if error.code == NO_LOCKS:
            self._make_room()

    def _lock(self, login: Standing) -> bool:
        try:
            self.session.write(statements.lock(login.name), lock_timeout=LOCKS)
        except TargetNotFound:
            return True  # another worker was faster
        except NotPermitted:
            # Of a login that another worker drops at this moment the bot's right over it may go first.
            if find(self.session, self.name, self.oid) is None:
                return True
            raise
        except (Transient, TargetConflict) as error:
            self._note(error)
            roll_back(self.connections, self.session, login.name, self.deadline)
            return False
        return True

    def _drop(self, login: Standing) -> bool:
        """Whether it is gone. What hangs on it is seen to afterwards; it does not hold up the end."""
        if login.has_traces:
            return False
        try:
            self.session.write(statements.drop(login.name), lock_timeout=LOCKS)
        except TargetNotFound:
            return True
        except (Transient, TargetConflict):
            return False
        except Permanent as error:
            if error.code == IN_USE:
                return False
            if find(self.session, self.name, self.oid) is None:
                return True  # another worker was faster, as above
            raise
        return True

    def _end_ghosts(self, oid: int | None) -> Removal:
        """Sessions of a login that is gone have no rights of it any more, and no way back in."""
        ((ours, of_no_role),) = self.session.read(statements.sessions_of_no_role(oid))
        if oid is not None and ours:
            patience = Deadline.after(_PATIENCE_SECONDS)
            while (left := self._signal()) and not patience.passed and not self.deadline.passed:
                self.session.read(statements.A_MOMENT)
            return Removal(
                state="removed", sessions_ended=len(self.pids) - len(left),
                residual=_lingers(len(left)), lingering=len(left),
            )  # fmt: skip
        if oid is None and of_no_role:
            doubt = f"Open sessions of dropped logins: {of_no_role}. Whether they are of this access can't be told."
            return Removal(state="absent", sessions_ended=0, residual=(doubt,))
        return Removal(state="absent", sessions_ended=0)

    def _unfinished(self, login: Standing, left: int) -> Removal:
        held_by = ""
        with suppress(ProviderError):
            held_by = _named(self.session.read(statements.in_the_way(login.oid, self.waiting)))
        sentence = _unfinished_sentence(self.waiting, left, held_by)
        return Removal(
            state="pending", sessions_ended=len(self.pids) - left, residual=(sentence,),
            look_again=timedelta(seconds=1),
        )  # fmt: skip


def _refused(login: Standing, roles: Sequence[str]) -> str:
    return (
        f"The bot may not take {', '.join(roles)} from {login.name}, which is locked and has no session. "
        f"As a superuser: {typed(*(statements.take(role, login.name) for role in roles))}"
    )


def _named(rows: Sequence[tuple[object, ...]]) -> str:
    who = [f"{account} (session {pid})" if pid else f"{account} (prepared as {gid!r} in {database})"
           for account, pid, gid, database in rows]  # fmt: skip
    return ", ".join(who[:5])


def _unfinished_sentence(waiting: Sequence[str], left: int, held_by: str) -> str:
    by = f" An open transaction is in the way, of {held_by}." if held_by else ""
    if waiting:
        return f"Not yet taken away: {', '.join(waiting)}.{by}"
    if left:
        return f"Sessions that have not ended yet: {left}. They have no rights of this access any more.{by}"
    return f"The login has no rights and no session, but is not locked yet.{by}"


def _lingers(left: int) -> tuple[str, ...]:
    if not left:
        return ()
    sessions = "1 session is" if left == 1 else f"{left} sessions are"
    return (
        f"{sessions} in the middle of a computation that the database server cannot interrupt, without any rights, and "
        "told to end: it ends without giving an answer. Only a restart of the server ends it sooner.",
    )


def left_behind(login: Standing) -> tuple[str, ...]:
    """Until it is tidied up."""
    said = "The login is locked, without rights of this access and without sessions. What it left is tidied up next."
    return (said, *still_has(login))


def still_has(login: Standing) -> tuple[str, ...]:
    """What the holder left behind runs with this, until the login is dropped."""
    if not login.others:
        return ()
    return (
        f"The locked login {login.name} still has {', '.join(login.others)}, which the bot may not take away, and what "
        f"its holder left behind can use that. As a superuser: {drop_by_hand(login.name)}",
    )


def drop_by_hand(name: str) -> str:
    return typed(statements.drop_owned(name), statements.drop(name))
