"""What is said of many alerts of one kind about one resource (ADR 16)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from access.alert_rows import GRANT_ALERTS, TELLS_OF_MANY, number_open, of_resource
from access.ids import ulid
from access.models import Alert, AlertVariant

SHOWN = 5
_BEFORE = timedelta(minutes=1)
_TIME_OF_ID = 10
"""Characters."""


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
    undelivered: Sequence[str]
    """The ids of those, open or closed, of which nobody was told yet."""


def resolved(session: Session) -> set[tuple[str, str]]:
    """Kind and resource of those that are open and of which nothing is left: who closed the last knew no groups."""
    groups = select(Alert.kind, Alert.resource).where(TELLS_OF_MANY, col(Alert.closed_at).is_(None))
    about = {(kind, resource) for kind, resource in session.exec(groups) if resource is not None}
    return {(kind, resource) for kind, resource in about if not number_open(session, kind, resource)}


def resource_of_group(alert: Alert) -> str | None:
    """What a group is about; None: this is an alert like any other."""
    return alert.resource if alert.kind in GRANT_ALERTS and alert.variant == AlertVariant.GROUP else None


def group_sentence(group: AlertGroup) -> str:
    """What it says in one sentence."""
    known = "1 alert of this kind is" if group.number == 1 else f"{group.number} alerts of this kind are"
    closed = f", and {group.closed} closed since this began" if group.closed else ""
    return f"{known} open about {group.resource}{closed}."


def group_facts(session: Session, alert: Alert) -> AlertGroup | None:
    """As it is now."""
    resource = resource_of_group(alert)
    if resource is None:
        return None
    found, is_open = session.connection().execute, col(Alert.closed_at).is_(None)
    its = of_resource(alert.kind, resource)
    since = sa.or_(is_open, col(Alert.id) >= _first_id(alert.opened_at))
    counts = sa.func.count().filter(is_open), sa.func.count().filter(~is_open)
    number, closed = found(sa.select(*counts).where(*its, since)).one()
    open_now = sa.select(col(Alert.sentence), col(Alert.opened_at)).where(*its, is_open).order_by(col(Alert.id))
    first = found(open_now.limit(SHOWN)).all()
    undelivered = sa.select(col(Alert.id)).where(*its, since, col(Alert.delivered_at).is_(None)).order_by(col(Alert.id))
    return AlertGroup(
        resource=resource, number=number, closed=closed, oldest=first[0].opened_at if first else None,
        first=[one.sentence for one in first], undelivered=list(found(undelivered).scalars()),
    )  # fmt: skip


def _first_id(moment: datetime) -> str:
    """What is older is no matter of a group that began then, but who opened one may have looked at the clock before."""
    return ulid(moment - _BEFORE)[:_TIME_OF_ID]
