"""Who looks after those who should look: alerts that whoever still lives opens about the others, and closes again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session, and_, col, or_, select

from access.actors import system
from access.alert_rows import GRANT_ALERTS
from access.alerts.groups import resolved
from access.core import Core
from access.durations import format_duration
from access.models import Alert, AlertKind, AlertVariant, Heartbeat, Message, MessageKind
from access.monitor.overdue import alert_overdue
from access.monitor.routing import PAGES, SLACK
from access.monitor.undelivered_alerts import settle_undelivered, stuck
from access.unit_of_work import PAGED, URGENT, WEBHOOK

SILENT = timedelta(seconds=15)
"""Three signs of life."""
OLD = timedelta(seconds=10)
"""What has waited for so long in a queue, or to be told, does not wait for its turn any more."""
SHOWN = timedelta(minutes=5)
WATCHER = system("watch")
_WATCHED = (AlertKind.TIMEKEEPING, AlertKind.QUEUE, AlertKind.JOBS)


@dataclass(frozen=True)
class Seen:
    """What stands in Redis: how long the first job of each queue has waited, and whether jobs failed of late."""

    heads: Mapping[str, timedelta] = field(default_factory=dict[str, timedelta])
    failing: bool = False


@dataclass(frozen=True)
class Watch:
    """Every process looks, so that an alert needs no particular one."""

    core: Core

    def look(self, seen: Seen | None) -> dict[str, list[str]]:
        """Opens and closes alerts; returns the notices that whoever looks should tell itself, by lane.

        `seen` is None while Redis cannot be asked: then nothing is said of its queues.
        """
        now = self.core.clock.now()
        with self.core.database.read() as session:
            kept = _is_time_kept(session, now)
            alerts = select(Alert.kind, Alert.subject).where(col(Alert.closed_at).is_(None))
            # That a mark was forged is seen only once; it stands for a while, as what is wrong with a job.
            young = and_(col(Alert.variant) == AlertVariant.FOREIGN_MARK, col(Alert.opened_at) > now - SHOWN)
            open_now = set(session.exec(alerts.where(col(Alert.kind).in_(_WATCHED), ~young)).all())
            over = resolved(session)
        troubles = {} if kept else {(AlertKind.TIMEKEEPING, "timekeeper"): _NOBODY}
        if seen is not None:
            troubles |= _of_queues(seen)
        judged = [(kind, subject) for kind, subject in open_now if seen is not None or kind == AlertKind.TIMEKEEPING]
        self._settle(troubles, opened=open_now, over=set(judged) - troubles.keys())
        if over:
            with self.core.work(WATCHER) as work:
                work.groups.look_at(over)
        if not kept:
            alert_overdue(self.core)
            settle_undelivered(self.core)
        if self.core.pages:
            self._page()
        with self.core.database.read() as session:
            return _undelivered(session, now - OLD if kept else now, pages=self.core.pages)

    def _page(self) -> None:
        """For alerts that were opened by a process which cannot page."""
        with self.core.database.read() as session:
            unpaged = _unpaged(session)
        if not unpaged:
            return
        with self.core.work(WATCHER) as work:
            for identifier in unpaged:
                work.tell(MessageKind.PAGE, identifier, WEBHOOK, urgency=URGENT)

    def _settle(
        self, troubles: Mapping[tuple[AlertKind, str], str], *, opened: set[tuple[str, str]], over: set[tuple[str, str]]
    ) -> None:
        new = sorted(troubles.keys() - opened)
        if not new and not over:
            return
        channel = self.core.security_channel()
        with self.core.work(WATCHER) as work:
            for kind, subject in sorted(over):
                work.close_alerts(subject, AlertKind(kind))
            for kind, subject in new:
                work.open_alert(kind, subject, troubles[kind, subject], channel=channel)


_NOBODY = (
    f"No timekeeper has given a sign of life for {format_duration(SILENT)}. "
    "Access neither starts nor ends by itself."
)  # fmt: skip
_FAILING = "In the last five minutes a job was refused, or could not be started."


def _of_queues(seen: Seen) -> dict[tuple[AlertKind, str], str]:
    troubles = {
        (AlertKind.QUEUE, queue): f"A job has been waiting in the queue {queue} for {format_duration(age)}, "
        "and no worker takes it."
        for queue, age in seen.heads.items()
        if age > OLD
    }
    return troubles | ({(AlertKind.JOBS, "jobs"): _FAILING} if seen.failing else {})


def _is_time_kept(session: Session, now: datetime) -> bool:
    living = select(Heartbeat.name).where(Heartbeat.kind == "timekeeper", col(Heartbeat.beat_at) > now - SILENT)
    return session.exec(living).first() is not None


def _unpaged(session: Session) -> list[str]:
    said = select(Message.id).where(col(Message.subject) == col(Alert.id))
    paged, told = (said.where(Message.kind == kind).exists() for kind in (MessageKind.PAGE, MessageKind.ALERT))
    # What has no message of its own is one of a group, which is paged for all of them.
    alone = or_(col(Alert.kind).not_in(GRANT_ALERTS), told)
    unheard = and_(col(Alert.delivered_at).is_(None), stuck(col(Alert.id)))
    wanted = or_(col(Alert.kind).in_(PAGED), unheard)
    alerts = select(Alert.id).where(col(Alert.closed_at).is_(None), wanted, ~paged, alone)
    return sorted(session.exec(alerts))


def _undelivered(session: Session, since: datetime, *, pages: bool) -> dict[str, list[str]]:
    """Notices of alerts that nobody told when they were due; of pages only where they can be sent."""
    lanes = {MessageKind.ALERT: SLACK} | ({MessageKind.PAGE: PAGES} if pages else {})
    waiting = select(Message.id, Message.kind).where(col(Message.kind).in_(lanes), col(Message.due_at) <= since)
    found = dict[str, list[str]]()
    for identifier, kind in session.exec(waiting.order_by(col(Message.due_at)).limit(100)):
        found.setdefault(lanes[MessageKind(kind)], []).append(identifier)
    return found
