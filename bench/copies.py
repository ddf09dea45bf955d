"""Many open grants, quickly: one is opened by the verbs, the others are copies of its rows."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel, select

from access.core import Core
from access.grants.start import GrantHandler, Targets
from access.ids import ulid
from access.models import Grant, Message, Request
from access.ports import Deadline
from access.unit_of_work import grant_item
from bench.core import approve, ask
from bench.policy import Crowd

_DIGITS = 7
_FIRST = 10 ** (_DIGITS - 1)
_AT_ONCE = 20_000
"""Rows a statement: PostgreSQL gives up those that take too long."""
_IDS = ("id", "request_id", "batch_id", "subject")


def open_grants(core: Core, targets: Targets, crowd: Crowd, count: int, *, due: datetime) -> list[str]:
    """The ids of `count` open grants that all end at `due`, on the agenda as if each had been approved."""
    (request,) = ask(core, crowd, 1)
    approve(core, request)
    activation = GrantHandler(core, targets)
    with core.database.read() as session:
        (grant_id,) = session.exec(select(Grant.id)).all()
    activation.commit([activation.act(claimed, Deadline.after(5)) for claimed in activation.claim([grant_id])])
    with core.database.write() as session:
        ids = [grant_id, *copy_rows(session.connection(), count - 1, core.clock.now(), due)]
    core.agenda.add((grant_item(identifier), due) for identifier in ids)
    return ids


def copy_rows(connection: sa.Connection, count: int, now: datetime, due: datetime) -> list[str]:
    """The rows of the one request that is there, again and again; nobody waits for their messages."""
    tables: dict[type[SQLModel], sa.Table] = {row: getattr(row, "__table__") for row in (Request, Grant, Message)}  # noqa: B009
    over = {"expires_at": due, "end_due_at": due, "due_at": due, "alert_at": due + timedelta(hours=1)}
    asked = {"until": due, "duration_s": None}  # an end that nobody asked for is set right
    connection.execute(sa.update(tables[Request]).values(asked))
    connection.execute(sa.update(tables[Grant]).values(over | asked))
    connection.execute(sa.update(tables[Message]).values(due_at=None))
    requests, grants, messages = (_ids(connection, table) for table in tables.values())
    # The database writes them itself: what differs is the last digits of an id.
    stems = {known: ulid(now)[:-_DIGITS] for known in [*requests, *grants, *messages]}
    for first in range(0, count, _AT_ONCE):
        series = _series(first, min(first + _AT_ONCE, count))
        for table in tables.values():
            values = [_copied(column, stems, series) for column in table.columns]
            chosen = table.c.id.in_([*requests, *grants, *messages])
            copies = sa.select(*values).select_from(table.join(series, sa.true())).where(chosen)
            connection.execute(sa.insert(table).from_select([column.name for column in table.columns], copies))
    return [f"{stems[grants[0]]}{_FIRST + number}" for number in range(count)]


def _series(first: int, end: int) -> sa.CTE:
    numbers = sa.select(sa.literal(_FIRST + first).label("number")).cte("numbers", recursive=True)
    return numbers.union_all(sa.select(numbers.c.number + 1).where(numbers.c.number < _FIRST + end - 1))


def _copied(column: sa.Column[Any], stems: Mapping[str, str], series: sa.CTE) -> sa.ColumnElement[Any]:
    """The same, or for an id the one that the copy has instead."""
    if column.name not in _IDS:
        return column
    copy = sa.case(stems, value=column, else_=column) + sa.cast(series.c.number, sa.String)
    return sa.case((column.in_(list(stems)), copy), else_=column)


def _ids(connection: sa.Connection, table: sa.Table) -> list[str]:
    return list(connection.execute(sa.select(table.c.id)).scalars())
