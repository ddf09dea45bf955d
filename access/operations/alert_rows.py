"""Statements about the rows of alerts."""

from collections.abc import Sequence
from functools import cache

from sqlalchemy import Update, bindparam, update
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from access.models import Alert, AlertKind


def open_alerts(subject: str, kinds: Sequence[AlertKind]) -> SelectOfScalar[str]:
    """Those of these kinds that are open about this subject."""
    about = select(Alert.id).where(Alert.subject == subject, col(Alert.closed_at).is_(None))
    return about.where(col(Alert.kind).in_(kinds))


@cache
def closing_of_alerts() -> Update:
    """Takes `about` (subjects), `kinds` and `now`. Asked at every end and almost never true, so it is built once."""
    return (
        update(Alert)
        .where(col(Alert.subject).in_(bindparam("about", expanding=True)), col(Alert.closed_at).is_(None))
        .where(col(Alert.kind).in_(bindparam("kinds", expanding=True)))
        .values(closed_at=bindparam("now"))
        .returning(col(Alert.id), col(Alert.kind), col(Alert.subject))
    )
