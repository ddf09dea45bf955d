"""The targets of the town with their weather, and the points at which a process may die."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from access.errors import Ambiguous, NotPermitted, Transient
from access.ports import GrantSpec
from tests.fakes import FakeClock
from tests.invariants.hostile import Footholds

Weather = Literal["fine", "down", "refuses", "answer lost", "delayed", "slow", "stubborn"]
WEATHERS: tuple[Weather, ...] = ("fine", "down", "refuses", "answer lost", "delayed", "slow", "stubborn")
DELAY = timedelta(seconds=25)
"""How long after an unanswered call the target carries it out: less than the core allows for."""
SLOW = timedelta(seconds=12)


class Killed(BaseException):
    """This process has died, here and now."""


def _killed(where: str) -> None:
    """As far as a test in one process can die: nothing after this is done."""
    raise Killed(where)


@dataclass
class Points:
    """The points to die at: both sides of every call over a border, and of every commit."""

    left: int | None = None
    """Points to pass before dying; None: nobody dies."""
    passed: list[str] = field(default_factory=list)
    die: Callable[[str], None] = _killed

    def reach(self, name: str) -> None:
        self.passed.append(name)
        if self.left is None:
            return
        self.left -= 1
        if self.left < 0:
            self.left = None
            self.die(name)

    @contextmanager
    def around(self, name: str) -> Generator[None]:
        self.reach(f"{name}.before")
        yield
        self.reach(f"{name}.after")


@dataclass(frozen=True)
class Change:
    """What really changed on a target, and when."""

    at: datetime
    what: Literal["added", "removed", "ran out"]
    grant_id: str


@dataclass
class Server:
    """A target: who has what by grant id, and everything that ever changed there."""

    clock: FakeClock
    points: Points
    weather: Weather = "fine"
    holders: dict[str, tuple[str, str]] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    later: list[tuple[datetime, Callable[[], None]]] = field(default_factory=list)
    ends: dict[str, datetime] = field(default_factory=dict)
    """The target's own end of each."""
    minds_ends: bool = False
    """Whether it ends access by itself, when nobody else does."""
    strangers: set[str] = field(default_factory=set)
    """Of the holders, those that bear a mark like ours and are not ours."""
    looks: int = 0
    """How often it was compared with the rows, and answered."""
    by_hand: dict[str, int] = field(default_factory=dict)
    """What somebody added or took away behind our back, and the looks at it until then."""
    more: dict[str, int] = field(default_factory=dict)
    """Grants to which somebody added a right by hand, as before."""
    footholds: Footholds = field(default_factory=Footholds)

    def found_by_now(self, since: int | None) -> bool:
        """Whether it was looked at twice since: that is when a difference counts."""
        return since is not None and self.looks >= since + 2

    def forget_looks(self) -> None:
        """What was seen once is in no row any more."""
        self.by_hand = dict.fromkeys(self.by_hand, self.looks)
        self.more = dict.fromkeys(self.more, self.looks)

    def add(self, spec: GrantSpec) -> None:
        if spec.grant_id not in self.holders:
            self.changes.append(Change(self.clock.now(), "added", spec.grant_id))
        self.holders[spec.grant_id] = (spec.principal, spec.role)
        self.ends[spec.grant_id] = spec.expires_at

    def extend(self, spec: GrantSpec) -> None:
        if spec.grant_id in self.holders:
            self.ends[spec.grant_id] = spec.expires_at

    def remove(self, grant_id: str) -> bool:
        self.more.pop(grant_id, None)
        if self.holders.pop(grant_id, None) is None:
            return False
        self.changes.append(Change(self.clock.now(), "removed", grant_id))
        return True

    def land(self) -> None:
        """What was under way when the answer was lost is carried out when its time has come."""
        due = [effect for at, effect in self.later if at <= self.clock.now()]
        self.later = [(at, effect) for at, effect in self.later if at > self.clock.now()]
        for effect in due:
            effect()
        over = [one for one in self.holders if self.minds_ends and self.ends[one] <= self.clock.now()]
        for grant_id in over:
            del self.holders[grant_id]
            self.more.pop(grant_id, None)
            self.changes.append(Change(self.ends[grant_id], "ran out", grant_id))

    def look(self) -> None:
        """One call of this weather that lists what is there."""
        self.land()
        with self.points.around("provider.list"):
            if self.weather == "down":
                raise Transient("The server does not answer.")

    def call(self, verb: str, effect: Callable[[], None]) -> None:
        """One call of this weather that changes something."""
        self.land()
        with self.points.around(f"provider.{verb}"):
            if self.weather == "down":
                raise Transient("The server does not answer.")
            if self.weather == "refuses":
                raise NotPermitted("The server refuses the bot.")
            if self.weather == "delayed":
                self.later.append((self.clock.now() + DELAY, effect))
                raise Ambiguous("No answer came in time.")
            if self.weather == "slow":
                self.clock.tick(seconds=SLOW.total_seconds())
            effect()
            if self.weather == "answer lost":
                raise Ambiguous("The answer was lost.")
