"""Many alerts of one kind about one resource: beyond the first few, one message tells of all of them (ADR 16)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from access.alert_rows import GRANT_ALERTS, OF_MANY, number_open, of_resource, with_grant
from access.ids import AlertId, ulid
from access.models import Alert
from access.store import insert_unless_there
from access.unit_of_work import TOLD_ALONE, UnitOfWork

SHOWN = 5
_BEFORE = timedelta(minutes=1)
_TIME_OF_ID = 10
"""Characters."""
_ALL = OF_MANY
_SENTENCE = f"More than {TOLD_ALONE} alerts of this kind are open about {{resource}}; one message tells of all of them."


@dataclass(frozen=True, kw_only=True)
class AlertGroup:
    """The alerts of its kind that are open about a resource."""

    resource: str
    number: int
    """How many are open."""
    closed: int
    """How many were opened since it began, and are closed."""
    oldest: datetime | None
    """Since when the oldest of those that are open is; None: none is."""
    first: Sequence[str]
    """What the oldest say."""
    untold: Sequence[str]
    """The ids of those, open or closed, of which nobody was told yet."""


def settle_groups(work: UnitOfWork) -> None:
    """Begins, changes or ends the storms of what was opened and closed.

    At the end of the work and in one order, or two could wait for each other.
    """
    for kind, resource in sorted(work.touched):
        storm = _held(work.session, kind, resource)
        if storm is not None:
            _changed(work, storm, kind, resource)
        elif (kind, resource) in work.ungrouped:
            _begin(work, kind, resource)
    work.write()


def resolved(session: Session) -> set[tuple[str, str]]:
    """Kind and resource of those that are open and of which nothing is left: who closed the last knew no storms."""
    stands = select(Alert).where(col(Alert.kind).in_(GRANT_ALERTS), col(Alert.closed_at).is_(None))
    storms = session.exec(stands.where(col(Alert.subject).endswith(_ALL))).all()
    about = {(one.kind, one.subject.removesuffix(_ALL)) for one in storms}
    return {(kind, resource) for kind, resource in about if not number_open(session, kind, resource)}


def resource_of_group(alert: Alert) -> str | None:
    """What a storm is about; None: this is an alert like any other."""
    is_group = alert.kind in GRANT_ALERTS and alert.subject.endswith(_ALL)
    return alert.subject.removesuffix(_ALL) if is_group else None


def group_sentence(storm: AlertGroup) -> str:
    """What it says in one sentence."""
    known = "1 alert of this kind is" if storm.number == 1 else f"{storm.number} alerts of this kind are"
    closed = f", and {storm.closed} closed since this began" if storm.closed else ""
    return f"{known} open about {storm.resource}{closed}."


def group_facts(session: Session, alert: Alert) -> AlertGroup | None:
    """As it is now."""
    resource = resource_of_group(alert)
    if resource is None:
        return None
    found, is_open = session.connection().execute, col(Alert.closed_at).is_(None)
    its = of_resource(alert.kind, resource)
    since = sa.or_(is_open, col(Alert.id) >= _first_id(alert.opened_at))
    counts = sa.func.count().filter(is_open), sa.func.count().filter(~is_open)
    number, closed = found(with_grant(*counts).where(*its, since)).one()
    open_now = with_grant(col(Alert.sentence), col(Alert.opened_at)).where(*its, is_open).order_by(col(Alert.id))
    first = found(open_now.limit(SHOWN)).all()
    untold = with_grant(col(Alert.id)).where(*its, since, col(Alert.delivered_at).is_(None)).order_by(col(Alert.id))
    return AlertGroup(
        resource=resource, number=number, closed=closed, oldest=first[0].opened_at if first else None,
        first=[one.sentence for one in first], untold=list(found(untold).scalars()),
    )  # fmt: skip


def _first_id(moment: datetime) -> str:
    """What is older is no matter of a storm that began then, but who opened one may have looked at the clock before."""
    return ulid(moment - _BEFORE)[:_TIME_OF_ID]


def _held(session: Session, kind: str, resource: str) -> str | None:
    """Until the commit nobody else opens or closes one of it, so that none is left that no message tells of."""
    storm = select(Alert.id).where(
        Alert.kind == kind, Alert.subject == f"{resource}{_ALL}", col(Alert.closed_at).is_(None)
    )
    return session.exec(storm.with_for_update()).first()


def _changed(work: UnitOfWork, storm: str, kind: str, resource: str) -> None:
    if not number_open(work.session, kind, resource):
        work.close_alert(storm, kind, f"{resource}{_ALL}")
    work.storms.add(storm)


def _begin(work: UnitOfWork, kind: str, resource: str) -> None:
    alert = Alert(
        id=AlertId(ulid(work.now)), kind=kind, subject=f"{resource}{_ALL}",
        sentence=_SENTENCE.format(resource=resource), opened_at=work.now,
    )  # fmt: skip
    while not insert_unless_there(work.session, alert):
        storm = _held(work.session, kind, resource)
        if storm is not None:  # somebody else has begun it
            work.storms.add(storm)
            return
    work.record("alert.opened", alert.id, kind=kind, subject=alert.subject, sentence=alert.sentence)
    work.tell_of_alert(alert.id, kind, channel=work.ungrouped[kind, resource], resource=resource)
