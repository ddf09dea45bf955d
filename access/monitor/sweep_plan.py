"""What a sweep must see to: one question to the rows, so that a second in which nothing happens costs one statement.

The question is made of the same statements that find the rows themselves.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Date, String, bindparam, literal, or_
from sqlmodel import col, select
from sqlmodel.sql.expression import Select, SelectOfScalar

from access.alerts.undelivered import alerts_due
from access.core import Core
from access.errors import PolicyError
from access.lifecycle import UNFINISHED
from access.log_checkpoint import LogCheckpoint
from access.messages.digest import make
from access.models import (
    Alert,
    AlertKind,
    AuditHead,
    CheckKind,
    Grant,
    Message,
    PeriodicCheck,
    Request,
    RequestStatus,
    TargetCheck,
    UtcDateTime,
)
from access.policy_versions import last_policy_kept
from access.requests.extend import for_what_is_over

Moment = datetime | ColumnElement[datetime]
_TROUBLES = (AlertKind.POLICY, AlertKind.RESTORED, AlertKind.CANARY)
"""While one of these alerts is open, what opened it is looked at again and again."""


@dataclass(frozen=True)
class SweepPlan:
    """Which parts of a sweep have, or may have, something to do."""

    policy: bool = True
    restored: bool = True
    lapsed: bool = True
    over: bool = True
    overdue: bool = True
    undelivered: bool = True
    digest: bool = True
    canary: bool = True
    roster: bool = True
    due: bool = True

    @property
    def anything(self) -> bool:
        return any(vars(self).values())


def plan_sweep(core: Core) -> SweepPlan:
    """Asks once. Where the answer is of no use, every part is to look for itself."""
    try:
        policy = core.policy.current()
    except PolicyError:
        return SweepPlan()
    remembered = core.marks.known()
    now = core.clock.now()
    day = make.newest_day(policy, now)
    asked = {"now": now, "day": day, "hour": make.moment_of(policy, day), "policy": policy.sha256}
    with core.database.read() as session:
        found = session.connection().execute(_question(), asked).mappings().first()
    if found is None:
        return SweepPlan()
    head = LogCheckpoint(found["seq"], found["hash"], found["at"])
    trouble = found["trouble"]
    as_remembered = all((mark.seq, mark.hash) == (head.seq, head.hash) for mark in remembered)
    as_remembered = as_remembered and not core.marks.refused()
    if as_remembered:
        core.marks.note(head)
    return SweepPlan(
        policy=trouble or found["policy"], restored=trouble or not as_remembered, lapsed=found["lapsed"],
        over=found["over"], overdue=found["overdue"], undelivered=found["undelivered"], digest=found["digest"],
        canary=trouble or policy.canary is not None, roster=not found["called"], due=found["due"],
    )  # fmt: skip


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


@cache
def _question() -> sa.Select[*tuple[Any, ...]]:
    """One row: the head of the log, and what there is to do."""
    now: ColumnElement[datetime] = bindparam("now", type_=UtcDateTime())
    due = (
        _first(due_grants(now), Grant.due_at), _first(due_messages(now), Message.due_at),
        _first(due_target_checks(now), TargetCheck.due_at), _first(due_checks(now), PeriodicCheck.due_at),
    )  # fmt: skip
    called = select(PeriodicCheck.id).where(
        col(PeriodicCheck.kind) == CheckKind.ROSTER, col(PeriodicCheck.due_at) > now
    )
    alerted = select(Alert.id).where(col(Alert.closed_at).is_(None), col(Alert.kind).in_(_TROUBLES))
    late = _first(alerts_due(now), Message.alert_at)
    silent = select(Alert.id).where(col(Alert.closed_at).is_(None), col(Alert.kind) == AlertKind.UNDELIVERED)
    return sa.select(
        col(AuditHead.seq), col(AuditHead.hash), col(AuditHead.at),
        last_policy_kept().scalar_subquery().is_distinct_from(bindparam("policy", type_=String())).label("policy"),
        _any(alerted).label("trouble"),
        _first(lapsed_requests(now), Request.lapses_at).label("lapsed"),
        _any(for_what_is_over()).label("over"),
        _first(overdue_grants(now), Grant.alert_at).label("overdue"),
        or_(late, _any(silent)).label("undelivered"),
        make.is_due(bindparam("day", type_=Date()), bindparam("hour", type_=UtcDateTime())).label("digest"),
        _any(called).label("called"),
        or_(*due).label("due"),
    )  # fmt: skip


def _time(column: datetime | None) -> ColumnElement[datetime]:
    """Of a row that is due, which therefore has one."""
    return cast(ColumnElement[datetime], column)


def _first(statement: sa.Select[*tuple[Any, ...]], moment: datetime | None) -> ColumnElement[bool]:
    """Whether it finds a row: its earliest, by the index over the moment.

    Asked whether there is any, PostgreSQL reads the whole table wherever it takes many of its rows for due: after many
    were, or before anybody has counted them.
    """
    earliest = statement.with_only_columns(_time(moment)).order_by(None).order_by(_time(moment)).limit(1)
    return earliest.scalar_subquery().is_not(None)


def _any(statement: sa.Select[*tuple[Any, ...]]) -> ColumnElement[bool]:
    """Whether it finds a row, in whatever order."""
    return statement.order_by(None).exists()
