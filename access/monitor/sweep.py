"""What is due when, from SQL: the timekeeper's view, and the sweep that finds whatever was lost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlmodel import col, select

from access.agenda_items import ids_by_kind
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
    Grant,
    Heartbeat,
    Message,
    MessageKind,
    Request,
    RequestStatus,
)
from access.monitor.canary import run_canaries
from access.monitor.overdue import TIMEKEEPER, alert_overdue
from access.monitor.routing import Routes, routes_of
from access.monitor.schedule_checks import schedule_checks
from access.monitor.sweep_plan import (
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

SWEEP_MOST = 10_000
FORGOTTEN = timedelta(days=1)
"""A process that has been silent for so long is not missed any more."""


@dataclass(frozen=True)
class Schedule:
    """The timekeeper asks this what the rows say."""

    core: Core

    def route(self, items: Sequence[AgendaItem]) -> Routes:
        """Sorts what the agenda holds into now, later and finished; the rows decide."""
        with self.core.database.read() as session:
            return routes_of(session, items, self.core.clock.now())

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

    def ranks(self, items: Sequence[str]) -> dict[str, int]:
        """What may outlive its end the least, by its level, ends before what was due earlier: seconds. Of messages, who
        needs one most comes first."""
        ids = ids_by_kind(items)
        with self.core.database.read() as session:
            ends = select(Grant.id, Grant.alert_after_s).where(col(Grant.id).in_(ids.get("grant", ())))
            ranks: dict[str, int] = {grant_item(identifier): seconds for identifier, seconds in session.exec(ends)}
            messages = select(Message.id, Message.kind, col(Message.ts).is_not(None))
            for identifier, kind, stands in session.exec(messages.where(col(Message.id).in_(ids.get("notice", ())))):
                ranks[message_item(identifier)] = rank(kind, stands=stands)
        return ranks

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
