"""Many open grants, quickly: one is opened by the verbs, the others are copies of its rows."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel, select

from access.ids import ulid
from access.models import Grant, Notice, Request
from access.operations.activate import Activation, Targets
from access.operations.core import Core, grant_item
from access.ports import Deadline
from bench.core import approve, ask
from bench.policy import Crowd

Row = dict[str, Any]


def open_grants(core: Core, targets: Targets, crowd: Crowd, count: int, *, due: datetime) -> list[str]:
    """The ids of `count` open grants that all end at `due`, on the agenda as if each had been approved."""
    (request,) = ask(core, crowd, 1)
    approve(core, request)
    activation = Activation(core, targets)
    with core.database.read() as session:
        (grant_id,) = session.exec(select(Grant.id)).all()
    activation.commit([activation.act(claimed, Deadline.after(5)) for claimed in activation.claim([grant_id])])
    with core.database.write() as session:
        ids = [grant_id, *copy_rows(session.connection(), count - 1, core.clock.now(), due)]
    core.agenda.add((grant_item(identifier), due) for identifier in ids)
    return ids


def copy_rows(connection: sa.Connection, count: int, now: datetime, due: datetime) -> list[str]:
    """The rows of the one request that is there, again and again; nobody waits for their messages."""
    tables: dict[type[SQLModel], sa.Table] = {row: getattr(row, "__table__") for row in (Request, Grant, Notice)}  # noqa: B009
    over = {"expires_at": due, "end_due_at": due, "due_at": due, "alert_at": due + timedelta(hours=1)}
    connection.execute(sa.update(tables[Grant]).values(over))
    connection.execute(sa.update(tables[Notice]).values(due_at=None))
    (request,), (grant,), notices = (_rows(connection, table) for table in tables.values())
    copies: dict[type[SQLModel], list[Row]] = {Request: [], Grant: [], Notice: []}
    for _ in range(count):
        names = {request["id"]: ulid(now), grant["id"]: ulid(now)}
        own = names[request["id"]]
        copies[Request].append(request | {"id": own, "batch_id": own})
        copies[Grant].append(grant | {"id": names[grant["id"]], "request_id": own})
        copies[Notice] += [notice | {"id": ulid(now), "subject": names[notice["subject"]]} for notice in notices]
    for row, values in copies.items():
        if values:
            connection.execute(sa.insert(tables[row]), values)
    return [copy["id"] for copy in copies[Grant]]


def _rows(connection: sa.Connection, table: sa.Table) -> list[Row]:
    return [dict(row) for row in connection.execute(sa.select(table)).mappings()]
