"""The timers that the rows want: what Redis should hold, and what is said when it held none any more."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_
from sqlmodel import Session, col, select

from access.actors import system
from access.core import Core
from access.models import AlertKind, AlertVariant, AuditEvent, CheckKind, Grant, Message, PeriodicCheck, TargetCheck
from access.monitor.target_checks import target_check_item
from access.periodic_checks import check_item
from access.ports import AgendaItem
from access.unit_of_work import grant_item, message_item
from access.words import counted

ACTOR = system("timekeeper")
FILLED = "timers.filled"
UNREACHABLE = "redis"
UNANSWERING = "it does not answer"
EMPTIED = "emptied"
"""The subject of the alert that Redis had lost its timers."""
EMPTIED_SAID = "Redis had lost its timers: {timers} put in again from the database."
_AT_A_TIME = 20_000

_WAITING: tuple[tuple[Callable[[Any], AgendaItem], Any, Any, ColumnElement[bool]], ...] = (
    # Each where the few rows that wait have an index; what is over is due no more.
    (grant_item, Grant.id, Grant.due_at, col(Grant.due_at).is_not(None)),
    (message_item, Message.id, Message.due_at, col(Message.due_at).is_not(None)),
    (target_check_item, TargetCheck.id, TargetCheck.due_at, col(TargetCheck.due_at).is_not(None)),
    (check_item, PeriodicCheck.id, PeriodicCheck.due_at, col(PeriodicCheck.kind) != CheckKind.ROSTER),
)


def timers_wanted(session: Session) -> int:
    """How many there are."""
    numbers = (select(func.count(identifier)).where(waits) for _, identifier, _, waits in _WAITING)
    return sum(session.connection().execute(number).scalar_one() for number in numbers)


@dataclass(frozen=True)
class Timers:
    """What Redis should hold; each that is said may be said twice."""

    core: Core

    def all(self) -> Iterator[tuple[AgendaItem, datetime]]:
        """Every unfinished item, of each kind the soonest first; in many short looks, for Redis is asked in between."""
        for item, identifier, due_at, waits in _WAITING:
            page = select(identifier, due_at).where(waits).order_by(due_at, identifier).limit(_AT_A_TIME)
            there_is_more, further = True, page
            while there_is_more:
                with self.core.database.read() as session:
                    found = session.connection().execute(further).all()
                for one, moment in found:
                    yield item(one), moment
                there_is_more = len(found) == _AT_A_TIME
                if there_is_more:
                    last, reached = found[-1]
                    further = page.where(due_at >= reached, or_(due_at > reached, identifier > last))

    def lost(self, why: str = UNANSWERING) -> None:
        """Redis cannot be used: access still ends, from the database; the security team should know."""
        sentence = (
            f"Redis cannot be used: {why}. Access still starts and ends, by the sweep of the database, a little slower."
        )
        with self.core.work(ACTOR) as work:
            work.open_alert(AlertKind.TIMERS, UNREACHABLE, sentence, channel=self.core.security_channel())

    def back(self) -> None:
        """It can."""
        with self.core.work(ACTOR) as work:
            work.close_alerts(UNREACHABLE, AlertKind.TIMERS)

    def filled(self, number: int) -> bool:
        """Redis had no timers and holds this many again. A new one never had any; of another somebody should know.

        Whether it had lost some.
        """
        channel = self.core.security_channel()
        sentence = EMPTIED_SAID.format(timers=counted(number, "was", "were"))
        with self.core.work(ACTOR) as work:
            known = select(AuditEvent.seq).where(col(AuditEvent.action) == FILLED).limit(1)
            was_filled_before = work.session.exec(known).first() is not None
            work.record(FILLED, None, timers=number)
            lost = was_filled_before and number > 0
            if lost:
                work.open_alert(AlertKind.TIMERS, EMPTIED, sentence, channel=channel, variant=AlertVariant.EMPTIED)
        return lost

    def compared(self) -> None:
        """Each row has its timer again."""
        with self.core.work(ACTOR) as work:
            work.close_alerts(EMPTIED, AlertKind.TIMERS)
