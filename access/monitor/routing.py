"""Who must look at an item of the agenda, and when: the rows decide, each kind of item by its own table."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, case
from sqlmodel import Session, col, select

from access.agenda_items import ids_by_kind, item_of
from access.bulk import one_of
from access.grants.outage import at_target
from access.lifecycle import UNFINISHED
from access.message_kinds import Way, traits_of
from access.models import CheckKind, Grant, GrantStatus, Message, PeriodicCheck, TargetCheck
from access.ports import AgendaItem

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
    """Who must look at an item: the queue, and the target whose pool it needs."""

    item: AgendaItem
    id: str
    queue: Queue
    target: str


@dataclass(frozen=True)
class Routes:
    now: list[Route] = field(default_factory=list[Route])
    later: list[tuple[AgendaItem, datetime]] = field(default_factory=list[tuple[AgendaItem, datetime]])
    finished: list[AgendaItem] = field(default_factory=list[AgendaItem])


Due = tuple[str, Queue, str, datetime]
"""An id, its queue, its target, and when it is due."""


def routes_of(session: Session, items: Sequence[AgendaItem], now: datetime) -> Routes:
    """Sorts these into now, later and finished: what no row knows, or wants no more, is finished."""
    routes, found = Routes(), dict[AgendaItem, tuple[Route, datetime]]()
    for kind, ids in ids_by_kind(items).items():
        due = _DUE[kind](session, ids, now) if kind in _DUE else ()
        for identifier, queue, target, due_at in due:
            item = item_of(kind, identifier)
            found[item] = (Route(item, identifier, queue, target), due_at)
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


def _grants(session: Session, ids: Sequence[str], now: datetime) -> Iterator[Due]:
    # Open access that is due before its end has a later end than its target knows.
    extended = case((col(Grant.expires_at) > now, "extended"), else_=col(Grant.status))
    status = case((col(Grant.status) == GrantStatus.ACTIVE, extended), else_=col(Grant.status))
    unfinished = select(Grant.id, status, at_target(), Grant.due_at).where(
        _these(session, Grant.id), col(Grant.status).in_(UNFINISHED), col(Grant.due_at).is_not(None)
    )
    for identifier, known, target, due_at in session.connection().execute(unfinished, {"ids": ids}):
        assert due_at is not None
        yield identifier, _QUEUES[known], target, due_at


def _messages(session: Session, ids: Sequence[str], _now: datetime) -> Iterator[Due]:
    undelivered = (
        select(Message.id, Message.kind, Message.due_at, at_target())
        .join(Grant, col(Grant.id) == col(Message.subject), isouter=True)
        .where(_these(session, Message.id), col(Message.due_at).is_not(None))
    )
    for identifier, kind, due_at, target in session.connection().execute(undelivered, {"ids": ids}):
        assert due_at is not None
        yield identifier, *_lane_of(kind, target), due_at


def _these(session: Session, identifier: str) -> ColumnElement[bool]:
    return one_of(col(identifier), "ids", session.get_bind().dialect.name)


def _lane_of(kind: str, target: str) -> tuple[Queue, str]:
    way = traits_of(kind).way
    if way == Way.MODAL:
        return "grant", target  # a secret is made by those who hold the targets' keys
    return "tell", PAGES if way == Way.PAGE else SLACK


def _target_checks(session: Session, ids: Sequence[str], _now: datetime) -> Iterator[Due]:
    asked = select(TargetCheck.id, TargetCheck.due_at).where(
        col(TargetCheck.id).in_(ids), col(TargetCheck.due_at).is_not(None)
    )
    for identifier, due_at in session.exec(asked):
        assert due_at is not None
        yield identifier, "grant", TARGET_CHECKS, due_at


def _periodic_checks(session: Session, ids: Sequence[str], _now: datetime) -> Iterator[Due]:
    looks = select(PeriodicCheck.id, PeriodicCheck.kind, PeriodicCheck.due_at)
    for identifier, kind, due_at in session.exec(looks.where(col(PeriodicCheck.id).in_(ids))):
        yield identifier, *_LANES.get(CheckKind(kind), ("grant", DRIFT)), due_at


_DUE: Mapping[str, Callable[[Session, Sequence[str], datetime], Iterator[Due]]] = {
    "grant": _grants, "notice": _messages, "checkup": _target_checks, "look": _periodic_checks,
}  # fmt: skip
"""By the kind of the item."""
