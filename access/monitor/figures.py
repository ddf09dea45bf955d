"""How things stand, in numbers alone: what the rows say when somebody asks for figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session, col, func, select

from access.bulk import one_of
from access.core import Core
from access.lifecycle import ON_TARGET, UNFINISHED
from access.models import Alert, AlertKind, Grant, GrantStatus
from access.monitor.canary import Standing, standing
from access.monitor.timers import timers_wanted
from access.monitor.unsent_alerts import undelivered


@dataclass(frozen=True)
class Figures:
    """Numbers by the words of the rows; no row is named."""

    grants: dict[str, int]
    """Unfinished ones by status. Those that are over are not counted: there may be millions."""
    attempts: dict[str, int]
    """What was tried for them altogether, by status."""
    overdue: int
    """Should have ended by now, and may still be there."""
    alerts: dict[str, int]
    """Open ones by kind."""
    undelivered: int
    """Those of which nobody was told yet."""
    canary: Standing | None
    """None where the policy has none."""
    timers: int
    """Whatever somebody must look at, now or later: grants, messages, targets, members."""


def figures(core: Core, session: Session) -> Figures:
    """A few questions, each answered by an index over the few rows that are unfinished."""
    now = core.clock.now()
    waiting = col(Grant.due_at).is_not(None)
    unfinished = (
        select(Grant.status, func.count(), func.sum(Grant.attempts))
        .where(waiting, col(Grant.status).in_(UNFINISHED))
        .group_by(Grant.status)
    )
    grants = {status: (number, int(attempts or 0)) for status, number, attempts in session.exec(unfinished)}
    should_have_ended = func.coalesce(col(Grant.end_due_at), col(Grant.expires_at)) <= now
    overdue = select(func.count()).select_from(Grant).where(waiting, col(Grant.status).in_(ON_TARGET))
    alerts = select(Alert.kind, func.count()).where(col(Alert.closed_at).is_(None)).group_by(Alert.kind)
    return Figures(
        grants={status: grants.get(status, (0, 0))[0] for status in UNFINISHED},
        attempts={status: grants.get(status, (0, 0))[1] for status in UNFINISHED},
        overdue=session.exec(overdue.where(should_have_ended)).one(),
        alerts=dict.fromkeys(AlertKind, 0) | dict(session.exec(alerts).all()),
        undelivered=undelivered(session),
        canary=standing(core, session),
        timers=timers_wanted(session),
    )


def lateness(session: Session, ids: Sequence[str]) -> list[timedelta]:
    """Of those of these grants that are proven gone: how long after their time."""
    its = one_of(col(Grant.id), "ids", session.get_bind().dialect.name)
    ended = select(Grant.proven_at, Grant.end_due_at).where(its, Grant.status == GrantStatus.ENDED)
    found = session.exec(ended, params={"ids": ids})
    return [proven - due for proven, due in found if proven is not None and due is not None]
