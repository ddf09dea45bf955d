"""Statements about the rows of alerts."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from access.models import Alert, AlertKind, Grant

GRANT_ALERTS = (AlertKind.OVERDUE, AlertKind.UNREMOVABLE, AlertKind.DRIFT, AlertKind.LEFTOVER)
"""What is about access to a resource; of these, many may open at once."""
OF_MANY = "/*"
"""Ends the subject of one that tells of many; neither an id nor what drift calls a stranger ends so."""
TELLS_OF_MANY = sa.and_(col(Alert.kind).in_(GRANT_ALERTS), col(Alert.subject).endswith(OF_MANY))
_ITS_GRANT = col(Grant.id) == col(Alert.subject)


def open_alerts(subject: str, kinds: Sequence[AlertKind]) -> SelectOfScalar[str]:
    """Those of these kinds that are open about this subject."""
    about = select(Alert.id).where(Alert.subject == subject, col(Alert.closed_at).is_(None))
    return about.where(col(Alert.kind).in_(kinds))


@cache
def alerts_to_close() -> sa.Select[*tuple[Any, ...]]:
    """Takes `about` (subjects) and `kinds`. Asked at every end and almost never true, so it is built once.

    Held in one order: who tells of many alerts at once holds them in the same.
    """
    return (
        sa.select(col(Alert.id), col(Alert.kind), col(Alert.subject), col(Grant.resource))
        .join_from(Alert, Grant, _ITS_GRANT, isouter=True)
        .where(col(Alert.subject).in_(bindparam("about", expanding=True)), col(Alert.closed_at).is_(None))
        .where(col(Alert.kind).in_(bindparam("kinds", expanding=True)))
        .order_by(col(Alert.id))
        .with_for_update(of=Alert)
    )


def of_resource(kind: str, resource: str) -> tuple[sa.ColumnElement[bool], ...]:
    """Of alerts, each joined with its grant by `with_grant`: those of this kind about access to a resource."""
    stranger = col(Alert.subject).startswith(f"{resource} ", autoescape=True)
    return col(Alert.kind) == kind, sa.or_(col(Grant.resource) == resource, stranger)


def with_grant(*columns: Any) -> sa.Select[*tuple[Any, ...]]:
    """What is known of alerts and of the grants that they are about, where they are about one."""
    return sa.select(*columns).join_from(Alert, Grant, _ITS_GRANT, isouter=True)


def number_open(session: Session, kind: str, resource: str) -> int:
    """How many alerts of this kind are open about access to this resource."""
    session.flush()
    counted = with_grant(sa.func.count()).where(*of_resource(kind, resource), col(Alert.closed_at).is_(None))
    return session.connection().execute(counted).scalar_one()
