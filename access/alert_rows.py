"""Statements about the rows of alerts."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from access.bulk import one_of
from access.models import Alert, AlertKind, AlertVariant

GRANT_ALERTS = (AlertKind.OVERDUE, AlertKind.UNREMOVABLE, AlertKind.DRIFT, AlertKind.LEFTOVER)
"""What is about access to a resource; of these, many may open at once."""
TELLS_OF_MANY = sa.and_(col(Alert.kind).in_(GRANT_ALERTS), col(Alert.variant) == AlertVariant.GROUP)
_ALONE = (AlertVariant.GROUP, AlertVariant.CHANGED)


def is_grouped(kind: str, variant: str) -> bool:
    """Whether one message tells of it and of others, where there are many. Of a changed record each is told."""
    return kind in GRANT_ALERTS and variant not in _ALONE


def owners_are_told(kind: str, variant: str) -> bool:
    """What is wrong with Countersign's own settings or records is for the security team alone."""
    return kind != AlertKind.PROVIDER and variant != AlertVariant.CHANGED


def open_alerts(subject: str, kinds: Sequence[AlertKind]) -> SelectOfScalar[str]:
    """Those of these kinds that are open about this subject."""
    about = select(Alert.id).where(Alert.subject == subject, col(Alert.closed_at).is_(None))
    return about.where(col(Alert.kind).in_(kinds))


@cache
def alerts_to_close(dialect: str) -> sa.Select[*tuple[Any, ...]]:
    """Takes `about` (subjects) and `kinds`. Asked at every end and almost never true, so it is built once.

    Held in one order: who tells of many alerts at once holds them in the same.
    """
    return (
        sa.select(col(Alert.id), col(Alert.kind), col(Alert.subject), col(Alert.resource), col(Alert.variant))
        .where(one_of(col(Alert.subject), "about", dialect), col(Alert.closed_at).is_(None))
        .where(one_of(col(Alert.kind), "kinds", dialect))
        .order_by(col(Alert.id))
        .with_for_update(of=Alert)
    )


def of_resource(kind: str, resource: str) -> tuple[sa.ColumnElement[bool], ...]:
    """Those of this kind about access to a resource that are told together."""
    return col(Alert.kind) == kind, col(Alert.resource) == resource, col(Alert.variant).not_in(_ALONE)


def number_open(session: Session, kind: str, resource: str) -> int:
    """How many alerts of this kind are open about access to this resource."""
    session.flush()
    counted = sa.select(sa.func.count()).where(*of_resource(kind, resource), col(Alert.closed_at).is_(None))
    return session.connection().execute(counted).scalar_one()
