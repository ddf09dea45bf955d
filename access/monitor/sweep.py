"""What is due when, from SQL: the timekeeper's view, and the sweep that finds whatever was lost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import case, delete
from sqlmodel import Session, col, select

from access.alerts.undelivered import why_never_asked
from access.answer_times import LAPSED
from access.core import POLICY_LOADED, Core
from access.errors import PolicyError
from access.messages.digest.make import make_when_due
from access.messages.home import all_homes_changed
from access.messages.rate_limits import rank
from access.models import (
    Alert,
    AlertKind,
    CheckKind,
    Grant,
    GrantStatus,
    Heartbeat,
    Message,
    MessageKind,
    PeriodicCheck,
    Request,
    RequestStatus,
    TargetCheck,
)
from access.monitor.canary import run_canaries
from access.monitor.overdue import TIMEKEEPER, alert_overdue
from access.monitor.schedule_checks import schedule_checks
from access.monitor.sweep_plan import (
    UNFINISHED,
    due_checks,
    due_grants,
    due_messages,
    due_target_checks,
    lapsed_requests,
    plan_sweep,
)
from access.monitor.target_checks import target_check_item
from access.monitor.timers import UNANSWERING, timers, timers_back, timers_compared, timers_filled, timers_lost
from access.monitor.undelivered_alerts import settle_undelivered
from access.periodic_checks import check_item
from access.policy_versions import keep_policy, last_policy_kept
from access.ports import AgendaItem
from access.reconcile import restored
from access.requests.extend import cancel_what_is_over
from access.unit_of_work import grant_item, message_item

Queue = Literal["grant", "revoke", "tell"]
SLACK = "slack"
TARGET_CHECKS = ":checkups"
"""A lane of its own, which no resource can be called: to look at a hanging target must not delay a grant."""
DRIFT = ":drift"
"""The same for comparing a target with the rows."""
CLEANUP = ":cleanup"
"""The same for tidying up behind access that has ended, which may take long."""
MEMBERS = ":members"
"""The same for asking Slack about people, who must not wait behind messages, nor messages behind them."""
PAGES = ":pages"
"""As much its own: an address that hangs must not delay a message in Slack."""
SWEEP_MOST = 10_000
FORGOTTEN = timedelta(days=1)
"""A process that has been silent for so long is not missed any more."""
_QUEUES: dict[str, Queue] = {
    GrantStatus.SCHEDULED: "grant",
    GrantStatus.ACTIVATING: "grant",
    GrantStatus.ACTIVE: "revoke",
    GrantStatus.REVOKING: "revoke",
    "extended": "grant",
}

_LANES: dict[CheckKind, tuple[Queue, str]] = {
    CheckKind.MEMBER: ("tell", MEMBERS),
    CheckKind.CLEANUP: ("grant", CLEANUP),
}


@dataclass(frozen=True)
class Route:
    """Who must look at an item: a queue, and the target whose pool it needs."""

    item: AgendaItem
    id: str
    queue: Queue
    target: str


@dataclass(frozen=True)
class Routes:
    now: list[Route] = field(default_factory=list[Route])
    later: list[tuple[AgendaItem, datetime]] = field(default_factory=list[tuple[AgendaItem, datetime]])
    finished: list[AgendaItem] = field(default_factory=list[AgendaItem])


@dataclass(frozen=True)
class Schedule:
    """The timekeeper asks this what the rows say."""

    core: Core

    def route(self, items: Sequence[AgendaItem]) -> Routes:
        """Sorts what the agenda holds into now, later and finished; the rows decide."""
        routes, now = Routes(), self.core.clock.now()
        with self.core.database.read() as session:
            found = (
                dict(_grants(session, items, now))
                | dict(_messages(session, items))
                | dict(_target_checks(session, items))
            )
            found |= dict(_looks(session, items))
        for item in items:
            if item not in found:
                routes.finished.append(item)
                continue
            route, due_at = found[item]
            if due_at <= now:
                routes.now.append(route)
            else:
                routes.later.append((item, due_at))
        return routes

    def sweep(self) -> list[tuple[AgendaItem, datetime]]:
        """Lapses what nobody answered, alerts what is overdue, makes the day's digest; returns all that is due."""
        core, seen = self.core, plan_sweep(self.core)
        # First, for what is written before it is noticed belongs to another life than what is remembered.
        closed = restored.watch(core) if seen.restored else False
        if seen.policy:
            note_policy(core)
        if seen.lapsed:
            self._lapse()
        if seen.over:
            cancel_what_is_over(core)
        if seen.overdue:
            self.alert_overdue()
        if seen.undelivered:
            settle_undelivered(core)
        if seen.digest:
            make_when_due(core)
        if seen.canary and not closed:
            run_canaries(core)
        if seen.roster:
            schedule_checks(core)
        return self._due() if seen.anything else []

    def _due(self) -> list[tuple[AgendaItem, datetime]]:
        now = self.core.clock.now()
        with self.core.database.read() as session:
            found = session.connection().execute  # of thousands of rows, without the mapping of each
            return [
                *((grant_item(one), due_at) for one, due_at in found(due_grants(now).limit(SWEEP_MOST))),
                *((message_item(one), due_at) for one, due_at in found(due_messages(now).limit(SWEEP_MOST))),
                *((target_check_item(one), due_at) for one, due_at in found(due_target_checks(now))),
                *((check_item(one), due_at) for one, due_at in found(due_checks(now))),
            ]

    def timers(self) -> Iterator[tuple[AgendaItem, datetime]]:
        """Every unfinished item: what a flushed Redis must hold again."""
        return timers(self.core)

    def timers_filled(self, number: int) -> bool:
        """Redis held none and holds this many again; may be said twice. Whether it had lost some."""
        return timers_filled(self.core, number)

    def timers_compared(self) -> None:
        """Redis and the rows have been compared, and agree."""
        timers_compared(self.core)

    def beat(self, name: str, kind: str) -> None:
        """This process lives. Those that have been silent for a day are forgotten."""
        now = self.core.clock.now()
        with self.core.database.write() as session:
            session.merge(Heartbeat(name=name, kind=kind, beat_at=now))
            session.connection().execute(delete(Heartbeat).where(col(Heartbeat.beat_at) < now - FORGOTTEN))

    def timers_lost(self, why: str = UNANSWERING) -> None:
        """Redis cannot be used; may be said twice."""
        timers_lost(self.core, why)

    def timers_back(self) -> None:
        """It can; may be said twice."""
        timers_back(self.core)

    def ranks(self, ids: Sequence[str]) -> dict[str, int]:
        """What may outlive its end the least, by its level, ends before what was due earlier: seconds. Of messages, who
        needs one most comes first."""
        with self.core.database.read() as session:
            ends = select(Grant.id, Grant.alert_after_s).where(col(Grant.id).in_(ids))
            messages = select(Message.id, Message.kind, col(Message.ts).is_not(None)).where(col(Message.id).in_(ids))
            told = {identifier: rank(kind, stands=stands) for identifier, kind, stands in session.exec(messages)}
            return dict(session.exec(ends).all()) | told

    def sweep_fails(self, times: int, why: str) -> None:
        """The sweep failed so many times in a row. `why` is a type and a place, never an exception's own words."""
        sentence = f"The sweep has failed {times} times in a row, with {why}."
        with self.core.work(TIMEKEEPER) as work:
            work.open_alert(AlertKind.SWEEP, "sweep", sentence, channel=self.core.security_channel())

    def sweep_works(self) -> None:
        with self.core.work(TIMEKEEPER) as work:
            work.close_alerts("sweep", AlertKind.SWEEP)

    def _lapse(self) -> None:
        with self.core.database.read() as session:
            lapsed = sorted(session.exec(lapsed_requests(self.core.clock.now()).limit(500)))
        if not lapsed:
            return
        with self.core.work(TIMEKEEPER) as work:
            for request_id in lapsed:
                request = work.session.get_one(Request, request_id)
                if request.status != RequestStatus.PENDING:
                    continue
                because = why_never_asked(work.session, request)
                details = {"because": because} if because else {}
                if work.move_request(request, RequestStatus.LAPSED, action=LAPSED, details=details, because=because):
                    work.tell(MessageKind.ANSWER, request.id, request.requester_slack)

    def alert_overdue(self) -> None:
        """Opens an alert for each grant that may outlive its end; whoever still lives may do it."""
        alert_overdue(self.core)


def note_policy(core: Core) -> None:
    """Writes down when another policy came into force, and alerts while the file cannot be used."""
    try:
        policy = core.policy.current()
    except PolicyError as error:
        with core.work(TIMEKEEPER) as work:
            work.open_alert(AlertKind.POLICY, "policy", error.sentence, channel=core.security_channel())
        return
    with core.database.read() as session:
        alerted = session.exec(select(Alert.id).filter_by(kind=AlertKind.POLICY, closed_at=None)).first()
        kept = session.exec(last_policy_kept()).first()
    if kept == policy.sha256 and alerted is None:
        return
    with core.work(TIMEKEEPER) as work:
        if kept != policy.sha256 and keep_policy(work.session, policy, work.now):
            channel = policy.security.channel
            work.record(POLICY_LOADED, policy.sha256, file=policy.file, security_channel=channel)
            all_homes_changed(work)
        work.close_alerts("policy", AlertKind.POLICY)


def _grants(
    session: Session, items: Sequence[AgendaItem], now: datetime
) -> Iterator[tuple[AgendaItem, tuple[Route, datetime]]]:  # fmt: skip
    ids = _ids(items, "grant")
    if not ids:
        return
    # Open access that is due before its end has a later end than its target knows.
    extended = case((col(Grant.expires_at) > now, "extended"), else_=col(Grant.status))
    status = case((col(Grant.status) == GrantStatus.ACTIVE, extended), else_=col(Grant.status))
    unfinished = select(Grant.id, status, Grant.resource, Grant.due_at).where(
        col(Grant.id).in_(ids), col(Grant.status).in_(UNFINISHED), col(Grant.due_at).is_not(None)
    )
    for identifier, known, resource, due_at in session.connection().execute(unfinished):
        assert due_at is not None
        item = grant_item(identifier)
        yield item, (Route(item, identifier, _QUEUES[known], resource), due_at)


def _messages(session: Session, items: Sequence[AgendaItem]) -> Iterator[tuple[AgendaItem, tuple[Route, datetime]]]:
    ids = _ids(items, "notice")
    if not ids:
        return
    untold = (
        select(Message.id, Message.kind, Message.due_at, Grant.resource)
        .join(Grant, col(Grant.id) == col(Message.subject), isouter=True)
        .where(col(Message.id).in_(ids), col(Message.due_at).is_not(None))
    )
    for identifier, kind, due_at, resource in session.connection().execute(untold):
        assert due_at is not None
        item = message_item(identifier)
        yield item, (_route_of(item, identifier, kind, resource), due_at)


def _route_of(item: AgendaItem, message: str, kind: str, resource: str) -> Route:
    if kind == MessageKind.REVEAL:
        return Route(item, message, "grant", resource)  # a secret is made by those who hold the targets' keys
    return Route(item, message, "tell", PAGES if kind == MessageKind.PAGE else SLACK)


def _target_checks(
    session: Session, items: Sequence[AgendaItem]
) -> Iterator[tuple[AgendaItem, tuple[Route, datetime]]]:
    ids = _ids(items, "checkup")
    if not ids:
        return
    asked = select(TargetCheck.id, TargetCheck.due_at).where(
        col(TargetCheck.id).in_(ids), col(TargetCheck.due_at).is_not(None)
    )
    for identifier, due_at in session.exec(asked):
        assert due_at is not None
        item = target_check_item(identifier)
        yield item, (Route(item, identifier, "grant", TARGET_CHECKS), due_at)


def _looks(session: Session, items: Sequence[AgendaItem]) -> Iterator[tuple[AgendaItem, tuple[Route, datetime]]]:
    ids = _ids(items, "look")
    if not ids:
        return
    for identifier, kind, due_at in session.exec(
        select(PeriodicCheck.id, PeriodicCheck.kind, PeriodicCheck.due_at).where(col(PeriodicCheck.id).in_(ids))
    ):
        item = check_item(identifier)
        queue, target = _LANES.get(CheckKind(kind), ("grant", DRIFT))
        yield item, (Route(item, identifier, queue, target), due_at)


def _ids(items: Sequence[AgendaItem], kind: str) -> list[str]:
    return [item.removeprefix(f"{kind}:") for item in items if item.startswith(f"{kind}:")]
