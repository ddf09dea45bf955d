"""How the provider postgres ends what a person's own login was given: role by role, then what was under way with it.

The login stays its owner's: only transactions that are older than the removal are ended, for an open cursor or a COPY
goes on with rights that are gone; before version 16, where SET ROLE outlives a membership, all its sessions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from access.errors import NotPermitted, ProviderError, TargetConflict, TargetNotFound, Transient
from access.ports import Deadline
from workers.providers.postgres import membership_statements as statements
from workers.providers.postgres.ending_statements import A_MOMENT, LOCKS
from workers.providers.postgres.errors import NO_LOCKS

if TYPE_CHECKING:  # they need the driver
    from workers.providers.postgres.session import Connections, Session

_LONGEST_SECONDS = 3.0
"""Of one call, for locks that others hold."""
_TO_ANSWER_SECONDS = 0.2


@dataclass
class MembershipEnding:
    """The end of one grant; `ours` says what is left of it on the server."""

    connections: "Connections"
    session: "Session"
    deadline: Deadline
    login: str
    ours: Callable[[], list[str]]
    ended: set[int] = field(default_factory=set[int], init=False)
    """Sessions that were told to end."""
    refused: bool = field(default=False, init=False)
    """The bot may not end sessions."""
    _failure: ProviderError | None = field(default=None, init=False)

    def end(self, waiting: Sequence[str], *, was_open: bool) -> bool:
        """Whether anything was there. Raises the server's refusal for what could not be taken away."""
        left = self._taken_away(waiting)
        if waiting or was_open:
            # Looked at now: one that began while we waited for a lock, or tried again, has the rights as well.
            self._end_what_is_older(self._under_way())
        if left:
            raise self._failure or TargetConflict()
        return bool(waiting)

    def _taken_away(self, waiting: Sequence[str]) -> list[str]:
        """Role by role, again and again for a while. What is left."""
        longest = Deadline.after(min(_LONGEST_SECONDS, self.deadline.left() - _TO_ANSWER_SECONDS))
        while waiting:
            for role in waiting:
                self._take(role)
            waiting = self.ours()
            if not waiting or longest.passed or isinstance(self._failure, NotPermitted):
                break
            self.session.read(A_MOMENT)
        return list(waiting)

    def _take(self, role: str) -> None:
        (take,) = statements.remove(self.login, [role])
        try:
            self.session.write(take, lock_timeout=LOCKS)
        except TargetNotFound:
            return  # dropped meanwhile: the look that follows says what is left
        except (Transient, TargetConflict, NotPermitted) as error:
            self._failure = error
            if error.code == NO_LOCKS:
                self.connections.guard.make_room(None)

    def _under_way(self) -> set[tuple[int, str]]:
        """The login's transactions, by session and their own number there."""
        return {(pid, number) for pid, number in self.session.read(statements.transactions(self.login))}

    def _end_what_is_older(self, before: set[tuple[int, str]]) -> None:
        if self.session.tells_grantors_apart:
            pids = sorted({pid for pid, _ in before & self._under_way()})
        else:
            pids = sorted(pid for (pid,) in self.session.read(statements.sessions(self.login)))
        if not pids:
            return
        try:
            inherits = self.session.tells_grantors_apart
            self.session.write(*statements.end_sessions(pids, self.login, inherits=inherits))
        except NotPermitted:
            self.refused = True
            return
        self.ended.update(pids)
        patience = Deadline.after(min(1.0, self.deadline.left() - _TO_ANSWER_SECONDS))
        while not patience.passed:
            there = {pid for (pid,) in self.session.read(statements.sessions(self.login))}
            if not there & self.ended:
                return
            self.session.read(A_MOMENT)
