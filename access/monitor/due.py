"""The statements that find what is due; the sweep asks with the same whether there is anything (sweep_plan.py)."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy import ColumnElement, literal, or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select, SelectOfScalar

from access.agenda_items import ItemKind, item_of
from access.lifecycle import UNFINISHED
from access.models import (
    CheckKind,
    Grant,
    Message,
    PeriodicCheck,
    Request,
    RequestStatus,
    TargetCheck,
)
from access.ports import AgendaItem

Moment = datetime | ColumnElement[datetime]


def lapsed_requests(now: Moment) -> SelectOfScalar[str]:
    # A value in the statement itself: for one that is bound, SQLite does not use the index over what is pending.
    waits = col(Request.status) == literal(RequestStatus.PENDING, literal_execute=True)
    return select(Request.id).where(waits, col(Request.lapses_at) <= now).order_by(col(Request.lapses_at))


def overdue_grants(now: Moment) -> SelectOfScalar[str]:
    return select(Grant.id).where(col(Grant.alert_at) <= now).order_by(col(Grant.alert_at))


def due_grants(now: Moment) -> Select[str, datetime]:
    """What may outlive its end the least, by its level, comes first."""
    due = select(Grant.id, _time(Grant.due_at)).where(col(Grant.status).in_(UNFINISHED), col(Grant.due_at) <= now)
    return due.order_by(col(Grant.alert_after_s), col(Grant.due_at))


def due_messages(now: Moment) -> Select[str, datetime]:
    due = select(Message.id, _time(Message.due_at)).where(col(Message.due_at) <= now)
    return due.order_by(col(Message.urgency), col(Message.due_at))


def due_target_checks(now: Moment) -> Select[str, datetime]:
    return select(TargetCheck.id, _time(TargetCheck.due_at)).where(col(TargetCheck.due_at) <= now)


def due_checks(now: Moment) -> Select[str, datetime]:
    """All but the roster, which the sweep calls itself."""
    return select(PeriodicCheck.id, PeriodicCheck.due_at).where(
        PeriodicCheck.kind != CheckKind.ROSTER, col(PeriodicCheck.due_at) <= now
    )


DUE: Mapping[ItemKind, tuple[Callable[[Moment], Select[Any, datetime]], datetime | None]] = {
    "grant": (due_grants, Grant.due_at), "notice": (due_messages, Message.due_at),
    "checkup": (due_target_checks, TargetCheck.due_at), "look": (due_checks, PeriodicCheck.due_at),
}  # fmt: skip
"""By kind of item: what finds those that are due, and the column that says since when."""


def any_is_due(now: Moment) -> ColumnElement[bool]:
    return or_(*(first(statement(now), moment) for statement, moment in DUE.values()))


def all_due(session: Session, now: datetime, most: int) -> list[tuple[AgendaItem, datetime]]:
    """What is overdue or stuck, so many of each kind."""
    found = session.connection().execute  # of thousands of rows, without the mapping of each
    return [
        (item_of(kind, one), due_at)
        for kind, (statement, _) in DUE.items()
        for one, due_at in found(statement(now).limit(most))
    ]


def _time(column: datetime | None) -> ColumnElement[datetime]:
    """Of a row that is due, which therefore has one."""
    return cast(ColumnElement[datetime], column)


def first(statement: sa.Select[*tuple[Any, ...]], moment: datetime | None) -> ColumnElement[bool]:
    """Whether it finds a row: its earliest, by the index over the moment.

    Asked whether there is any, PostgreSQL reads the whole table wherever it takes many of its rows for due: after many
    were, or before anybody has counted them.
    """
    earliest = statement.with_only_columns(_time(moment)).order_by(None).order_by(_time(moment)).limit(1)
    return earliest.scalar_subquery().is_not(None)


def exists(statement: sa.Select[*tuple[Any, ...]]) -> ColumnElement[bool]:
    """Whether it finds a row, in whatever order."""
    return statement.order_by(None).exists()
