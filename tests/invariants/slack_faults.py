"""Wrong variants of what has to do with Slack: an alert that nobody is told of."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import update
from sqlmodel import col

from access.models import Notice, NoticeKind
from access.operations import telling
from access.operations.work import Work
from tests.invariants.faults import Fault, around
from tests.invariants.machine import Life

READ = "customers-db/read"


def _but_alerts(tell: Callable[..., None]) -> Callable[..., None]:
    def wrong(self: Work, kind: NoticeKind, *rest: Any, **more: Any) -> None:
        if kind != NoticeKind.ALERT:
            tell(self, kind, *rest, **more)

    return wrong


def _once(write: Callable[..., None]) -> Callable[..., None]:
    def wrong(work: Work, told: telling.Told) -> None:
        write(work, told)
        if told.problem:
            of_it = update(Notice).where(col(Notice.id) == told.claimed.id)
            work.session.connection().execute(of_it.values(due_at=None))

    return wrong


def _overdue(life: Life) -> None:
    """With a look after the one that opens the alert."""
    life.opens("ann", READ, 1, None)
    life.weather("one", "down")
    life.nobody_looks_for(1800)
    life.look(None)
    life.look(None)


def _overdue_while_slack_refuses(life: Life) -> None:
    life.weather_in_slack("refuses")
    _overdue(life)
    life.weather_in_slack("fine")
    life.all_is_done_in_time_for(300)


SLACK_FAULTS: Mapping[str, Fault] = {
    "opened, nobody told": Fault("an alert is a row that nobody reads", around(Work, "tell", _but_alerts), _overdue),
    "told once": Fault(
        "what Slack refused is not said again", around(telling, "_write", _once), _overdue_while_slack_refuses
    ),
}
