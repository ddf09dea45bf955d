"""When all is quiet again: what became of every grant, by the rows and by what the target itself remembers."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from redis import Redis
from sqlmodel import col, select

from access.audit import verify
from access.core import Core
from access.models import Alert, AlertKind, EndedBy, Grant, GrantStatus
from access.monitor.sweep import Schedule
from access.ports import AgendaItem
from tests.chaos.city import ALERT_AFTER, City, foreign
from tests.chaos.harm import Harm
from tests.chaos.hostile import Holdouts, trick_of
from tests.chaos.people import People
from tests.chaos.rooms import OPENS_WITHIN, SLACK_OF_CLOCKS, Rooms, drifted, seconds
from tests.chaos.target import Premises, Stay
from workers.agenda import AGENDA

TOLD_WITHIN = 45.0
"""Seconds, where an alert opens within OPENS_WITHIN; a killed worker's claim of a notice lasts half a minute."""
FINAL = (GrantStatus.ENDED, GrantStatus.FAILED)


@dataclass(frozen=True)
class Verdict:
    """What was wrong, as sentences; and the figures."""

    wrong: Sequence[str]
    table: str


@dataclass(frozen=True)
class Scene:
    """Where to look."""

    core: Core
    own: Premises
    holdouts: Holdouts
    shared: Premises
    redis_url: str
    made: Set[str]
    """Requests that were written, as the store said."""
    away: Callable[[float, float], float]
    """For how many seconds between two moments the store could not be used."""
    meanwhile: Callable[[float, float], str]
    """What was broken between two moments."""
    lock_expired: Callable[[float], bool]
    """Whether somebody may have done at this moment what he was stopped in the middle of before his turn was over."""


class Records:
    """All that is known when everything is over."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        with scene.core.database.read() as session:
            self.grants = list(session.exec(select(Grant).order_by(col(Grant.id))))
            self.alerts = list(session.exec(select(Alert).where(Alert.kind == AlertKind.OVERDUE)))
            self.verified = verify(session)
        self.stays = defaultdict[str, list[Stay]](list)
        for stay in sorted(scene.own.stays(), key=lambda one: one.since):
            self.stays[stay.name].append(stay)
        self.first: dict[str, Grant] = {grant.id: grant for grant in self.grants if grant.supersedes_grant_id is None}
        self.again = defaultdict[str, list[Grant]](list)
        self.rooms = Rooms(self.grants, list(scene.shared.stays()))
        for grant in self.grants:
            if grant.supersedes_grant_id is not None:
                self.again[grant.supersedes_grant_id].append(grant)

    def lateness(self) -> dict[str, float]:
        """Seconds from its end until the access was gone, or, of what came late, how long it then stood there."""
        return {
            name: max(stay.until - max(stay.since, seconds(self.first[name].end_due_at)) for stay in stays)
            for name, stays in self.stays.items()
            if name in self.first
        }

    def lost(self) -> Iterator[str]:
        """Nothing that was written is unfinished, and nothing of ours stands on a target."""
        for grant in self.grants:
            if grant.status not in FINAL:
                yield f"{grant.id} is still {grant.status}: {grant.problem}"
            elif grant.expires_at is not None and grant.proven_at is None:
                yield f"{grant.id} ended and was never proven gone"
        yield from (f"{name} still has its own door open" for name in self.scene.own.all_in())
        yield from (f"{name} is still in a shared room" for name in self.scene.shared.all_in() - foreign())
        known = {grant.request_id for grant in self.grants}
        yield from (f"request {one} was written, and has no grant" for one in self.scene.made - known)

    def unknown(self) -> Iterator[str]:
        """Everything that stood on the target has a row."""
        yield from (f"nobody was told to open a door for {name}" for name in self.stays.keys() - self.first.keys())

    def early(self) -> Iterator[str]:
        """Nothing was taken away before it was over, or somebody ended it."""
        for name, stays in self.stays.items():
            grant = self.first.get(name)
            if grant is None or grant.ended_by == EndedBy.LATE:
                continue
            ahead = seconds(grant.end_due_at) - stays[0].until
            if ahead > SLACK_OF_CLOCKS:
                yield f"{name} was ended {ahead:.3f} s early (by {grant.ended_by})"

    def overdue(self) -> Iterator[str]:
        """What outlived its end by more than it may had an alert meanwhile, and somebody was told."""
        alerts = {alert.subject: alert for alert in self.alerts}
        for name, late in self.lateness().items():
            if late <= ALERT_AFTER + OPENS_WITHIN:
                continue
            due = seconds(self.first[name].end_due_at)
            mine = [alerts[one.id] for one in [self.first[name], *self.again[name]] if one.id in alerts]
            if not mine:
                yield f"{name} was gone {late:.1f} s after its end, and no alert was opened"
                continue
            opened = min(seconds(alert.opened_at) for alert in mine)
            excused = self.scene.away(due + ALERT_AFTER - 5, opened)
            if opened - due > ALERT_AFTER + OPENS_WITHIN + excused:
                because = self.scene.meanwhile(due, opened)
                yield (
                    f"{name} was gone {late:.1f} s after its end, and its alert opened {opened - due:.1f} s after it; "
                    f"meanwhile: {because}"
                )

    def undelivered(self) -> Iterator[str]:
        """Soon after an alert opened somebody was told of it, by a message of its own or by one that tells of many."""
        for alert in self.alerts:
            if alert.delivered_at is None:
                yield f"nobody was told of the alert about {alert.subject}"
                continue
            opened, told = seconds(alert.opened_at), seconds(alert.delivered_at)
            if told - opened > TOLD_WITHIN + self.scene.away(opened - 5, told):
                said = f"of the alert about {alert.subject} nobody was told for {told - opened:.1f} s"
                yield f"{said}; meanwhile: {self.scene.meanwhile(opened, told)}"

    def touched(self) -> Iterator[str]:
        """What others gave stands there as it stood."""
        gone = {stay.name for stay in self.scene.shared.stays()} & foreign()
        yield from (f"{name} was there before us and was taken away" for name in gone)
        yield from (f"{name} was there before us and is missing" for name in foreign() - self.scene.shared.all_in())

    def ways_in(self) -> Iterator[str]:
        """Whoever fought was shut out before his end was proven, and nothing can get in now."""
        yield from (f"{name} can still log in" for name in self.scene.holdouts.ways.all_in())
        shut = dict[str, float]()
        for stay in self.scene.holdouts.ways.stays():
            shut[stay.name] = max(stay.until, shut.get(stay.name, 0.0))
        for name, until in shut.items():
            rows = [self.first[name], *self.again[name]] if name in self.first else []
            proven = [seconds(one.proven_at) for one in rows if one.proven_at is not None]
            if proven and until > max(proven) + SLACK_OF_CLOCKS:
                yield f"{name} could log in until {until - max(proven):.3f} s after its end was proven"

    def left_behind(self) -> Iterator[str]:
        """What holders left is tidied up, and the rows know it."""
        yield from (f"{name} left something that is there still" for name in self.scene.holdouts.all_left())
        yield from (f"{one.id} has a leftover: {one.leftover}" for one in self.grants if one.leftover)

    def outlived(self) -> dict[str, float]:
        """Seconds for which a right outlived its end, by the hostile holder's grant."""
        return {name: late for name, late in self.lateness().items() if trick_of(name) is not None}

    def unverified(self) -> Iterator[str]:
        if self.verified.flaw is not None:
            yield f"the audit log does not hold: {self.verified.flaw}"

    def left_on_the_agenda(self) -> Iterator[str]:
        """Only what waits for its time; what is over leaves when its lease ends."""
        with Redis.from_url(self.scene.redis_url) as redis:
            found = [AgendaItem(one.decode()) for one in redis.zrange(AGENDA, 0, -1)]  # pyright: ignore[reportGeneralTypeIssues, reportAttributeAccessIssue] -- redis-py's own types
        grants = [one for one in found if one.startswith("grant:")]
        routes = Schedule(self.scene.core).route(grants)
        yield from (f"{one.item} is on the agenda and not finished" for one in routes.now)
        yield from (f"{one} is on the agenda for later" for one, _ in routes.later)


CHECKS: Mapping[str, Callable[[Records], Iterator[str]]] = {
    "lost": Records.lost,
    "without a row": Records.unknown,
    "early": Records.early,
    "overdue without an alert": Records.overdue,
    "ended with a way in": Records.ways_in,
    "left behind": Records.left_behind,
    "early in the rooms": lambda records: records.rooms.early(records.scene.lock_expired),
    "in the rooms without a row": lambda records: records.rooms.unknown(records.scene.lock_expired),
    "overdue in the rooms": lambda records: records.rooms.overdue(records.alerts, records.scene.away),
    "gone by itself": lambda records: drifted(records.grants),
    "alerts untold": Records.undelivered,
    "foreign access touched": Records.touched,
    "audit log": Records.unverified,
    "on the agenda": Records.left_on_the_agenda,
}


def found_wrong(records: Records) -> dict[str, list[str]]:
    """Sentences, by check."""
    return {name: list(check(records)) for name, check in CHECKS.items()}


def judge(city: City, core: Core, people: People, harm: Harm) -> Verdict:
    """Everything is quiet."""
    records = Records(_scene(city, core, people, harm))
    found = found_wrong(records)
    wrong = [f"{name}: {sentence}" for name, sentences in found.items() for sentence in sentences]
    late, fought = sorted(records.lateness().values()), records.outlived()
    told = [seconds(one.delivered_at) - seconds(one.opened_at) for one in records.alerts if one.delivered_at]
    ended = Counter(f"ended by {grant.ended_by or grant.status}" for grant in records.grants)
    table = {
        "done": people.did | ended,
        "broken": harm.done | Counter({"processes started again": city.restarts()}),
        "seen": {
            "grants": len(records.grants),
            "of hostile holders": len(fought),
            "found again after their end": sum(map(len, records.again.values())),
            "audit events": records.verified.events,
            "alerts of late access": len(records.alerts),
            "messages": city.ears.messages,
        },
        "late, in seconds": {
            "p50": _quantile(late, 0.5), "p99": _quantile(late, 0.99), "max": _quantile(late, 1.0),
            "of hostile holders, max": _quantile(sorted(fought.values()), 1.0),
            "in the rooms, max": round(max(records.rooms.lateness().values(), default=0.0), 2),
            f"more than {ALERT_AFTER} s (grants)": sum(one > ALERT_AFTER for one in late),
            "alert until told, max": round(max(told, default=0.0), 2),
        },
        "wrong": {name: len(sentences) for name, sentences in found.items()},
    }  # fmt: skip
    return Verdict(wrong, _shown(table))


def _scene(city: City, core: Core, people: People, harm: Harm) -> Scene:
    looks = harm.away, harm.meanwhile, harm.lock_expired
    return Scene(core, city.own, city.holdouts, city.shared, city.redis.url, people.made, *looks)


def _shown(table: Mapping[str, Mapping[str, float]]) -> str:
    lines = list[str]()
    for section, rows in table.items():
        lines += [section, *(f"  {name:<36}{value:>10}" for name, value in rows.items())]
    return "\n".join(lines)


def _quantile(ordered: Sequence[float], share: float) -> float:
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2) if ordered else 0.0
