"""Open alerts of which nobody was told: neither Slack nor a page took a message about them."""

from datetime import timedelta

from sqlmodel import Session, col, func, select

from access.core import Core
from access.models import Alert

LONG = timedelta(minutes=5)
"""As long as telling may take that is tried again and again; after it somebody outside has to look."""


def undelivered(session: Session) -> int:
    """How many there are, however new."""
    waiting = select(func.count()).select_from(Alert)
    return session.exec(waiting.where(col(Alert.closed_at).is_(None), col(Alert.delivered_at).is_(None))).one()


def long_unsent(core: Core) -> int:
    """How many have been open for long."""
    waiting = select(func.count()).select_from(Alert).where(col(Alert.opened_at) < core.clock.now() - LONG)
    with core.database.read() as session:
        return session.exec(waiting.where(col(Alert.closed_at).is_(None), col(Alert.delivered_at).is_(None))).one()
