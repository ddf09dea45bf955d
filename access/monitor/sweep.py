"""What is due when, from SQL: the timekeeper's view, and the sweep that finds whatever was lost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlmodel import col, select

from access.agenda_items import ids_by_kind
from access.bulk import one_of
from access.core import Core
from access.messages.rate_limits import rank
from access.models import AlertKind, Grant, Heartbeat, Message
from access.monitor.due import all_due
from access.monitor.overdue import TIMEKEEPER
from access.monitor.routing import Routes, routes_of
from access.monitor.sweep_plan import plan_sweep
from access.monitor.timers import Timers
from access.ports import AgendaItem
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
        """Does the chores that have something to do; returns every item that is overdue or stuck."""
        core, plan = self.core, plan_sweep(self.core)
        for chore in plan.chores:
            chore.does(core)
        if not plan.anything:
            return []
        with core.database.read() as session:
            return all_due(session, core.clock.now(), SWEEP_MOST)

    @property
    def timers(self) -> Timers:
        return Timers(self.core)

    def beat(self, name: str, kind: str) -> None:
        """This process lives. Those that have been silent for a day are forgotten."""
        now = self.core.clock.now()
        with self.core.database.write() as session:
            session.merge(Heartbeat(name=name, kind=kind, beat_at=now))
            session.connection().execute(delete(Heartbeat).where(col(Heartbeat.beat_at) < now - FORGOTTEN))

    def ranks(self, items: Sequence[str]) -> dict[str, int]:
        """What may outlive its end the least, by its level, ends before what was due earlier: seconds. Of messages, who
        needs one most comes first."""
        ids, dialect = ids_by_kind(items), self.core.database.dialect
        ranks = dict[str, int]()
        with self.core.database.read() as session:
            if grants := ids.get("grant"):
                ends = select(Grant.id, Grant.alert_after_s).where(one_of(col(Grant.id), "ids", dialect))
                for identifier, seconds in session.exec(ends, params={"ids": grants}):
                    ranks[grant_item(identifier)] = seconds
            if messages := ids.get("notice"):
                told = select(Message.id, Message.kind, col(Message.ts).is_not(None))
                its = told.where(one_of(col(Message.id), "ids", dialect))
                for identifier, kind, stands in session.exec(its, params={"ids": messages}):
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
