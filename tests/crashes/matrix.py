"""The cases: each step of a life, killed at each of its points, in each weather of the target."""

import json
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from access.actors import by_slack
from access.grants.revoke import return_access, revoke
from access.models import GrantStatus, Request
from access.requests.cancel import cancel
from access.store import Database
from tests.cast import ANN, KIM, SAM
from tests.invariants.checks import Sight, check, check_the_end
from tests.invariants.commons import Commons
from tests.invariants.servers import Change, Server, Weather
from tests.invariants.town import Town

WEATHERS: tuple[Weather, ...] = ("fine", "down", "slow", "answer lost")
STORM_SECONDS = 90
"""How long the weather lasts after the restart."""


@dataclass
class FileServer(Server):
    """A target that outlives whoever calls it: what it holds stands in a file."""

    file: Path = Path()

    def add(self, spec: Any) -> None:
        super().add(spec)
        self.save()

    def extend(self, spec: Any) -> None:
        super().extend(spec)
        self.save()

    def remove(self, grant_id: str) -> bool:
        removed = super().remove(grant_id)
        self.save()
        return removed

    def save(self) -> None:
        changes = [(change.at.isoformat(), change.what, change.grant_id) for change in self.changes]
        new = self.file.with_suffix(".new")
        ends = {grant_id: at.isoformat() for grant_id, at in self.ends.items()}
        new.write_text(json.dumps({"holders": self.holders, "changes": changes, "ends": ends}), encoding="utf-8")
        new.replace(self.file)

    def load(self) -> None:
        """What is there after a death."""
        if self.file.exists():
            said = json.loads(self.file.read_text(encoding="utf-8"))
            self.holders = {grant_id: (principal, role) for grant_id, (principal, role) in said["holders"].items()}
            self.changes = [Change(datetime.fromisoformat(at), what, grant) for at, what, grant in said["changes"]]
            self.ends = {grant_id: datetime.fromisoformat(at) for grant_id, at in said["ends"].items()}


@dataclass
class FileCommons(Commons):
    """The same where grants share what they give."""

    file: Path = Path()

    def call(self, verb: str, effect: Callable[[], None]) -> None:
        def kept() -> None:
            effect()
            self.save()

        super().call(verb, kept)

    def save(self) -> None:
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps(sorted(self.members)), encoding="utf-8")
        new.replace(self.file)

    def load(self) -> None:
        """What is there after a death."""
        if self.file.exists():
            self.members = {(role, principal) for role, principal in json.loads(self.file.read_text(encoding="utf-8"))}


@dataclass
class Life:
    """One request and what came of it, on a database and two targets in files."""

    database: Database
    directory: Path
    town: Town = field(init=False)

    def __post_init__(self) -> None:
        self.town = self.found()
        for name in self.town.servers:
            if name == "commons":
                self.town.servers[name] = FileCommons(
                    self.town.clock, self.town.points, file=self.directory / f"{name}.json"
                )
                continue
            server = FileServer(self.town.clock, self.town.points, file=self.directory / f"{name}.json")
            self.town.servers[name] = server

    def found(self) -> Town:
        return Town.found(self.database, self.directory)

    def request(self) -> Request:
        return self.town.requests()[-1]

    def turn(self) -> int:
        """Whoever keeps time and works does all that is due; returns nought when nothing is left to do just now."""
        return self.town.turn()

    def settle(self) -> None:
        for _ in range(8):
            if self.turn() == 0:
                return

    def back(self) -> None:
        """Whoever comes after the death has come."""

    def all_is_over(self) -> None:
        """Nothing is left to be done."""

    def nothing(self) -> None:
        pass

    # The steps; each begins where those before it have ended.

    def stands(self) -> None:
        """Something that Ann has had for long."""
        self.town.commons.given_by_hand(("look", "ann"))

    def ask_for_both(self) -> None:
        """Two grants that share something, on a server where one of them has been there before."""
        self.stands()
        for role in ("read", "fix"):
            self.town.ask(by=ANN, minutes=10, entitlement=f"wiki/{role}")

    def approve_both(self) -> None:
        for request in self.town.requests():
            self.town.approve(request, by=KIM)

    def look_until_both_are_open(self) -> None:
        for _ in range(6):
            self.turn()
            self.town.clock.tick(seconds=1)

    def return_the_first(self) -> None:
        return_access(self.town.core, grant_id=self.town.grants()[0].id, by=by_slack(ANN))

    def ask(self) -> None:
        self.town.ask(by=ANN, minutes=10)

    def approve(self) -> None:
        self.town.approve(self.request(), by=KIM)

    def deny(self) -> None:
        self.town.deny(self.request(), by=KIM)

    def take_back(self) -> None:
        cancel(self.town.core, request_id=self.request().id, by=by_slack(ANN))

    def look(self) -> None:
        self.turn()

    def return_it(self) -> None:
        return_access(self.town.core, grant_id=self.town.grants()[-1].id, by=by_slack(ANN))

    def revoke(self) -> None:
        revoke(self.town.core, grant_id=self.town.grants()[-1].id, by=by_slack(SAM), reason="The laptop was stolen.")

    def ask_for_more(self) -> None:
        self.town.extend(self.town.grants()[-1], minutes=30)

    def approve_more(self) -> None:
        self.town.approve(next(one for one in self.town.requests() if one.extends), by=KIM)

    def check_again(self) -> None:
        """After the pause that follows a failure."""
        self.town.clock.tick(seconds=5)
        self.turn()

    def let_it_expire(self) -> None:
        self.town.clock.tick(minutes=11)
        self.turn()

    def let_it_lapse(self) -> None:
        self.town.clock.tick(hours=2)
        self.turn()


Step = Callable[[Any], None]
"""Of a Life, or of a kind of it."""
Steps = tuple[Step, ...]
OPEN = (Life.ask, Life.approve, Life.look)
BOTH = (Life.ask_for_both, Life.approve_both, Life.look_until_both_are_open)
STEPS: Mapping[str, Steps] = {
    "asking": (Life.ask,),
    "telling of the request": (Life.ask, Life.look),
    "approving": (Life.ask, Life.look, Life.approve),
    "denying": (Life.ask, Life.deny),
    "taking it back": (Life.ask, Life.take_back),
    "lapsing": (Life.ask, Life.let_it_lapse),
    "opening": OPEN,
    "opening again": (*OPEN, Life.check_again),
    "asking for more": (*OPEN, Life.ask_for_more),
    "extending": (*OPEN, Life.ask_for_more, Life.approve_more),
    "telling the target of the later end": (*OPEN, Life.ask_for_more, Life.approve_more, Life.look),
    "returning": (*OPEN, Life.return_it),
    "revoking": (*OPEN, Life.revoke),
    "closing what was returned": (*OPEN, Life.return_it, Life.look),
    "closing what has expired": (*OPEN, Life.let_it_expire),
    "telling of the end": (*OPEN, Life.let_it_expire, Life.look),
    "looking at what stands there": (*BOTH[:2], Life.look),
    "opening what is shared": BOTH,
    "closing what another needs": (*BOTH, Life.return_the_first, Life.look),
    "closing what is shared": (*BOTH, Life.let_it_expire),
}
"""The last one is killed; those before it go well, but what is opened again, which failed before."""
CASES: list[tuple[str, Weather]] = [
    (step, weather)
    for step in STEPS
    for weather in WEATHERS
    if not (step == "opening again" and weather in ("fine", "slow"))  # it is open then
]
AT_HOME = {
    "asking", "telling of the request", "approving", "denying", "taking it back", "lapsing", "asking for more",
    "extending", "returning", "revoking", "telling of the end",
}  # fmt: skip
"""Steps that call no target: one good and one bad weather of it tell as much as all."""
TRIED: list[tuple[str, Weather]] = [
    (step, weather) for step, weather in CASES if step not in AT_HOME or weather in ("fine", "down")
]


_MINUTES: Mapping[Step, int] = {Life.let_it_expire: 11, Life.let_it_lapse: 120}
"""What goes by in a step."""


def points_of(life: Life, steps: Steps, weather: Weather) -> list[str]:
    """The points that the last step passes when nobody dies."""
    _lead_up(life, steps, weather)
    before = len(life.town.points.passed)
    steps[-1](life)
    return life.town.points.passed[before:]


def killed_at(life: Life, steps: Steps, weather: Weather, point: int) -> None:
    """Lives up to the last step, and dies in it in a process of its own; then somebody else goes on. Raises Broken."""
    _lead_up(life, steps, weather)
    town = life.town
    life.database.close()  # no connection is shared with the child
    child = os.fork()
    if child == 0:
        _die_in(life, steps[-1], point)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"the process was to be killed at point {point}"
    assert os.WTERMSIG(status) == signal.SIGKILL, f"the process died of {os.WTERMSIG(status)}"
    for server in town.servers.values():
        assert isinstance(server, FileServer | FileCommons)
        server.load()
    town.clock.tick(minutes=_MINUTES.get(steps[-1], 0))  # its clock had gone on
    town.slack.disturbed()
    _go_on(life)


def _lead_up(life: Life, steps: Steps, weather: Weather) -> None:
    life.settle()
    *well, last = steps[:-1] or (Life.nothing,)
    for before in well:
        before(life)
    if steps[-1] is Life.check_again:
        _turn(life, weather)
    last(life)
    _turn(life, weather)


def _turn(life: Life, weather: Weather) -> None:
    for server in life.town.servers.values():
        server.weather = weather


def _die_in(life: Life, step: Step, point: int) -> None:
    """Never returns."""
    life.town.points.left = point
    life.town.points.die = lambda _name: os.kill(os.getpid(), signal.SIGKILL)
    try:
        step(life)
    finally:
        os._exit(0)  # it lived: the parent will say so


def _go_on(life: Life) -> None:
    town = life.town
    check(Sight.of(town), kept=False)
    life.back()
    for seconds in (0, 10, 20, 30, STORM_SECONDS - 60):
        town.clock.tick(seconds=seconds)
        life.turn()
        check(Sight.of(town), kept=True)
    for server in town.servers.values():
        server.weather = "fine"
    for seconds in (1, 31, 61, 600, 3600, 3600, 86400):
        town.clock.tick(seconds=seconds)
        life.settle()
        check(Sight.of(town), kept=True)
    sight = Sight.of(town)
    check_the_end(sight)
    assert all(grant.status != GrantStatus.ACTIVE for grant in sight.grants)
    life.all_is_over()
