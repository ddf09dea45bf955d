"""A town to live in: the real core, two targets with their weather, a policy that changes, and points to die at."""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from sqlmodel import Session, select

from access.core import Core
from access.grants.cleanup import CleanupHandler
from access.grants.end import Result, RevokeHandler
from access.grants.start import GrantHandler
from access.messages.outbox import Outbox
from access.models import AuditEvent, Grant, MessageKind, Request, Review, Verdict
from access.monitor.offboarding import Members
from access.monitor.routing import CLEANUP, DRIFT, MEMBERS, Route
from access.monitor.sweep import Schedule
from access.policy_source import PolicySource
from access.ports import AgendaItem, Deadline
from access.reconcile.drift import Drift
from access.signs_of_life import SignsOfLife
from access.store import Database
from tests.fakes import FakeAgenda, FakeClock, FakeProvider
from tests.invariants.commons import Commons, CommonsProvider
from tests.invariants.hostile_checks import wrong_cleanups, wrong_ends
from tests.invariants.leavers import Leavers
from tests.invariants.rules import RESOURCES, Rules
from tests.invariants.servers import Points, Server
from tests.invariants.town_provider import TownProvider
from tests.invariants.town_slack import TownSlack
from tests.world import World
from workers.member_lookup import MemberLookup

CALL = timedelta(seconds=20)
"""A call that has not begun so long after its claim is not made any more: its deadline has passed."""
MINDS_ENDS = "two"
"""The server that ends access by itself when its time is up."""


@dataclass
class MortalDatabase:
    """A database whose writers die before or after a commit."""

    real: Database
    points: Points

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    @contextmanager
    def write(self) -> Generator[Session]:
        with self.real.write() as session:
            yield session
            session.flush()
            self.points.reach("commit.before")
        self.points.reach("commit.after")


@dataclass
class MortalAgenda(FakeAgenda):
    points: Points = field(default_factory=Points)

    def add(self, items: Iterable[tuple[AgendaItem, datetime]]) -> None:
        with self.points.around("agenda.add"):
            super().add(items)


@dataclass
class TownTargets:
    servers: dict[str, Server]

    def of(self, provider: str, settings: Mapping[str, Any], resource: str) -> TownProvider | CommonsProvider:
        del provider, resource
        server = self.servers[settings["server"]]
        return CommonsProvider(server) if isinstance(server, Commons) else TownProvider(server)

    def version(self, name: str) -> str:
        return f"{name} 1.0 (tests)"


@dataclass
class Held:
    """A worker that was stopped in the middle of a batch."""

    business: Any
    """An Activation or a Deactivation."""
    claimed: list[Any]
    at: datetime
    results: list[Any] | None = None
    """None: stopped before its calls."""


@dataclass
class Town(World):
    """Everything at once, and a hand on each part."""

    rules: Rules = field(default_factory=Rules)
    servers: dict[str, Server] = field(default_factory=dict)
    points: Points = field(default_factory=Points)
    held: list[Held] = field(default_factory=list)
    granted_against: list[str] = field(default_factory=list)
    """Sentences: what was claimed for granting though it was not allowed just then."""
    ended_wrongly: list[str] = field(default_factory=list)
    """Sentences: an end that waited for what gives no access, and leftovers that were not seen to."""
    slack: TownSlack = field(init=False)
    leavers: Leavers = field(default_factory=Leavers)

    def __post_init__(self) -> None:
        self.slack = TownSlack(self.clock, self.points, self.said)

    @classmethod
    def found(cls, database: Database, directory: Path) -> "Town":
        rules, points, clock = Rules(), Points(), FakeClock()
        file = directory / "access.yml"
        rules.write(file)
        providers = {"fake": FakeProvider, "commons": CommonsProvider}
        agenda = MortalAgenda(points=points)
        mortal: Any = MortalDatabase(database, points)
        signs = SignsOfLife(lambda: clock.now().timestamp())
        core = Core(mortal, clock, agenda, PolicySource(file, providers), providers, signs=signs)
        servers = {
            name: Server(clock, points, minds_ends=name == MINDS_ENDS)
            for name in RESOURCES.values()
            if name != "commons"
        }
        servers["commons"] = Commons(clock, points)
        return cls(core, clock, agenda, TownTargets(servers), file, rules=rules, servers=servers, points=points)  # pyright: ignore[reportArgumentType] -- its own targets

    @property
    def commons(self) -> Commons:
        server = self.servers["commons"]
        assert isinstance(server, Commons)
        return server

    @property
    def noticed(self) -> bool:
        """Whether somebody has looked since the database was restored."""
        return True

    @property
    def looks(self) -> bool:
        """Whether anybody looks at targets here."""
        return False

    def wrongs(self, events: Sequence[AuditEvent]) -> Iterator[str]:
        """Sentences: what a town knows beside its rows and targets."""
        del events
        yield from self.granted_against
        yield from self.ended_wrongly

    def disturbed(self) -> None:
        """Something that was under way may have got lost, and comes when its claim or lease has ended."""
        self.slack.disturbed()
        self.leavers.looked_for(self.clock.now(), in_vain=True)

    def land(self) -> None:
        for server in self.servers.values():
            server.land()

    def turn(self, *, hold: Literal["", "before", "after"] = "", again: bool = False) -> int:
        """One sweep and one round of every queue; returns how much was due. `hold` stops the workers of this round."""
        readable = not self.rules.broken and self.slack.weather == "fine"
        self.leavers.looked_for(self.clock.now(), in_vain=not readable)
        with self.slack.listening(self.alerts(), self.alerts_in_line):
            return self._turn(hold=hold, again=again)

    def _turn(self, *, hold: Literal["", "before", "after"], again: bool) -> int:
        routes = self.due(Schedule(self.core))
        businesses = ((self.activation, "grant"), (self.extension, "grant"), (self.deactivation, "revoke"))
        for business, queue in businesses:
            ids = [route.id for route in routes if route.queue == queue]
            self._round(business, ids * (2 if again else 1), hold=hold, again=again)
        self.compare([route.id for route in routes if route.target == DRIFT])
        self.clean_up([route.id for route in routes if route.target == CLEANUP])
        self.ask_slack([route.id for route in routes if route.target == MEMBERS])
        self.tell([route.id for route in routes if route.queue == "tell" and route.target != MEMBERS])
        return len(routes)

    def due(self, schedule: Schedule) -> list[Route]:
        """By the rows alone. To look at targets and at people is nobody's work here."""
        due = schedule.route([item for item, _ in schedule.sweep()]).now
        return [route for route in due if route.item.startswith(("grant:", "notice:"))]

    def alerts_in_line(self) -> set[str]:
        """Those whose message has a turn of its own at Slack, seconds from now."""
        now, soon = self.clock.now(), self.clock.now() + timedelta(seconds=30)
        messages = self.messages(MessageKind.ALERT)
        return {one.subject for one in messages if one.attempts == 0 and one.due_at and now < one.due_at <= soon}

    def settle(self, rounds: int = 8) -> None:
        for _ in range(rounds):
            if self.turn() == 0:
                return

    def resume(self, held: Held) -> None:
        """The stopped worker goes on as if nothing had happened, unless its calls' deadline has passed."""
        if held.results is None:
            if self.clock.now() - held.at > CALL:
                return
            held.results = [held.business.act(one, Deadline.after(5)) for one in held.claimed]
        held.business.commit(held.results)

    def compare(self, looks: Sequence[str]) -> None:
        """Counts those that were answered."""
        drift = Drift(self.core, self.targets)
        for claimed in drift.claim(looks) if looks else []:
            compared = drift.act(claimed, Deadline.after(5))
            drift.commit([compared])
            self.servers[RESOURCES[claimed.look.subject]].looks += not compared.problem

    def clean_up(self, looks: Sequence[str]) -> None:
        """With a question after each look that was answered."""
        handler = CleanupHandler(self.core, self.targets)
        for claimed in handler.claim(looks) if looks else []:
            tidied = handler.act(claimed, Deadline.after(5))
            handler.commit([tidied])
            if not tidied.problem:
                rows = self.grants(), self.alerts()
                self.ended_wrongly += wrong_cleanups(claimed.grants, tidied.found, *rows, self.clock.now())

    def tell(self, ids: Sequence[str]) -> None:
        telling = Outbox(self.core)
        for claimed in telling.claim(ids) if ids else []:
            telling.commit([self.slack.post(claimed)])

    def ask_slack(self, looks: Sequence[str]) -> None:
        """With the eyes of the real worker."""
        asking = MemberLookup(Members(self.core), self.slack)  # pyright: ignore[reportArgumentType] -- as much of a client as it needs
        for claimed in asking.claim(looks) if looks else []:
            asking.commit([asking.act(claimed, Deadline.after(5))])

    def _round(self, business: Any, ids: Sequence[str], *, hold: str, again: bool) -> None:
        if not ids:
            return
        claimed: list[Any] = business.claim(ids)
        if isinstance(business, GrantHandler):
            self._note_claimed([one.grant for one in claimed])
        held = Held(business, claimed, self.clock.now())
        if hold and claimed:
            self.held.append(held)
            if hold == "after":
                held.results = [business.act(one, Deadline.after(5)) for one in claimed]
            return
        results = list[Any]()
        for _ in range(2 if again else 1):
            results = [business.act(one, Deadline.after(5)) for one in claimed]
        for _ in range(2 if again else 1):
            business.commit(results)
        if isinstance(business, RevokeHandler):
            ends = [one for one in results if isinstance(one, Result)]
            self.ended_wrongly += wrong_ends(ends, self.grants(), self.clock.now())

    def approved_by(self, request: str) -> set[str]:
        """Who has approved the version that stands."""
        with self.core.database.read() as session:
            row = session.get_one(Request, request)
            votes = select(Review.reviewer).filter_by(request_id=row.id, version=row.version, verdict=Verdict.APPROVE)
            return set(session.exec(votes))

    def _note_claimed(self, grants: Sequence[Grant]) -> None:
        for grant in grants:
            said = f"{grant.entitlement} of {grant.subject} was claimed"
            if self.rules.broken:
                self.granted_against.append(f"{said} on a policy that cannot be read")
            elif grant.subject not in self.rules.engineers:
                self.granted_against.append(f"{said}, who may not have it any more")
            elif self.rules.power[grant.role] != grant.definition["power"]:
                self.granted_against.append(f"{said}, and the role means something else by now")
            elif len(self.approved_by(grant.request_id)) < len(self.rules.chain(grant.role)):
                self.granted_against.append(f"{said} with fewer approvals than its rule wants")
            if abs(self.clock.offset) > timedelta(seconds=30):
                self.granted_against.append(f"{said} with clocks that differ")
            if self.clock.now() < grant.starts_at:
                self.granted_against.append(f"{said} before its start")
            if self.clock.now() >= grant.start_by:
                self.granted_against.append(f"{said} too late to start")
