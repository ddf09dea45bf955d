"""What a hostile holder has on a target beside the right itself, and how far a provider gets with it in one call.

As a provider of PostgreSQL does it (docs/adr/0021-an-end-that-no-holder-delays.md): rights first, then sessions, then
the way in; what the holder left is tidied up after the end.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from access.ports import Cleanup, Observation, Removal

Trick = Literal["locks his login", "prepares a transaction", "makes objects", "reconnects", "hides", "computes"]
TRICKS: tuple[Trick, ...] = (
    "locks his login", "prepares a transaction", "makes objects", "reconnects", "hides", "computes",
)  # fmt: skip
WINDOW = timedelta(minutes=37)
HIDES = timedelta(minutes=36)
"""For so long a session can keep from showing."""
BATCH = 2
"""Objects that are tidied up in one call."""


@dataclass
class Foothold:
    """Of one holder, by what he did while he had access."""

    can_log_in: bool = True
    sessions: int = 1
    """Those that show, and end when they are told to."""
    locks: int = 0
    """Calls of an end for which clients that come back keep the login's row locked."""
    reconnects: bool = False
    computing: int = 0
    """Sessions that look for no interrupt."""
    shows_at: datetime | None = None
    """A session is open that cannot be seen before."""
    made: int = 0
    """Objects of the holder."""
    being_read: bool = False
    """By a colleague, whose transaction keeps them from being moved."""

    @property
    def is_open(self) -> bool:
        """Something here can still reach the target, beside what can give nothing any more."""
        return self.can_log_in or self.sessions > 0

    @property
    def is_gone(self) -> bool:
        return not (self.is_open or self.computing or self.made or self.shows_at)

    def play(self, trick: Trick, now: datetime, size: int) -> None:
        """Who cannot log in any more cannot do anything new."""
        match trick:
            case "locks his login":
                self.locks = size
            case "prepares a transaction":
                self.locks = max(
                    self.locks, 1
                )  # it is rolled back in his own role, and the row is free in the next try
            case "makes objects":
                self.made += BATCH * size
                self.being_read = size > 1
            case "reconnects":
                self.reconnects = True
            case "hides":
                self.shows_at = now + HIDES
            case "computes":
                self.computing = 1

    def shut(self, *, locks: bool) -> int:
        """One call of an end: sessions, and the way in unless it is held up. Returns how many sessions were ended."""
        ended, self.sessions = self.sessions, 0
        if not locks:
            return ended
        if self.locks:
            self.locks -= 1
            self.sessions = int(self.reconnects)  # he is back before the call is over
        else:
            self.can_log_in = False
        return ended

    def show(self, now: datetime) -> int:
        """Ends the session that was hidden, if it can be seen by now."""
        if self.shows_at is None or now < self.shows_at:
            return 0
        self.shows_at = None
        return 1


_NOTHING = Foothold(can_log_in=False, sessions=0)


@dataclass
class Footholds:
    """All that holders have on one target, by grant."""

    of: dict[str, Foothold] = field(default_factory=dict[str, Foothold])

    def play(self, grant_id: str, trick: Trick, now: datetime, size: int) -> None:
        foothold = self.of.setdefault(grant_id, Foothold())
        if foothold.can_log_in:
            foothold.play(trick, now, size)

    def open(self) -> set[str]:
        return {one for one, foothold in self.of.items() if foothold.is_open}

    def ways_in(self) -> set[str]:
        return {one for one, foothold in self.of.items() if foothold.can_log_in}

    def hidden(self) -> Iterator[str]:
        yield from (one for one, foothold in self.of.items() if foothold.shows_at is not None)

    def left(self) -> Iterator[str]:
        yield from (one for one, foothold in self.of.items() if foothold.made)

    def shut(self, grant_id: str, *, locks: bool) -> int:
        """`locks`: the target does what it says."""
        foothold = self.of.get(grant_id)
        ended = foothold.shut(locks=locks) if foothold else 0
        self._drop(grant_id)
        return ended

    def answer(self, grant_id: str, *, there: bool, ended: int, lies: bool) -> Removal:
        """What a provider says after `shut`; `lies`: it says that all is removed, whatever is there."""
        foothold = self.of.get(grant_id, _NOTHING)
        if foothold.can_log_in and not lies:
            return Removal(state="pending", sessions_ended=ended, look_again=timedelta(seconds=1))
        left = ("What it left is tidied up next.",) if foothold.made else ()
        state = "removed" if there or ended else "absent"
        return Removal(state=state, sessions_ended=ended, lingering=foothold.computing, leftover=left)

    def observe(self, grant_id: str, *, there: bool) -> Observation:
        foothold = self.of.get(grant_id, _NOTHING)
        sessions, way_in = foothold.sessions + foothold.computing, there or foothold.can_log_in
        return Observation(present=way_in or sessions > 0, sessions=sessions, only_sessions=not way_in)

    def tidy(self, grant_id: str, now: datetime, *, moves: bool) -> Cleanup | None:
        """One call of `clean_up` for one grant. None: nothing to say."""
        foothold = self.of.get(grant_id)
        if foothold is None:
            return None
        late, before = foothold.show(now), foothold.made
        if moves and not foothold.being_read:
            foothold.made = max(0, before - BATCH)
        left = (f"Objects of it that are still there: {foothold.made}.",) if foothold.made else ()
        kept = ("What it made is kept.",) if before and not foothold.made else ()
        self._drop(grant_id)
        return Cleanup(left=left, kept=kept, sessions_ended=late) if left or kept or late else None

    def calm(self) -> None:
        """Everybody lets go, and computations end."""
        for grant_id, foothold in [*self.of.items()]:
            foothold.locks, foothold.being_read, foothold.reconnects, foothold.computing = 0, False, False, 0
            self._drop(grant_id)

    def _drop(self, grant_id: str) -> None:
        if grant_id in self.of and self.of[grant_id].is_gone:
            del self.of[grant_id]
