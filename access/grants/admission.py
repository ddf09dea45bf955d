"""The gate: while it is closed nothing new is asked, approved or granted, and all that is open still ends."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from access.errors import NotNow
from access.models import Alert, AlertKind

RESTORED = "database.restored"
"""The audit event."""
UNLISTED = "overdue"
"""The subject of the alert that a process could not list what is overdue when it started."""
_BLIND = (
    "Countersign cannot list what should have ended by now, so nothing new can be asked, approved or granted. The "
    "security team has been told; please try again in a few minutes. What is open still ends."
)
_CLOSED = (
    "The database of Countersign was restored from a backup and is being compared with every target. Nothing new can "
    "be asked, approved or granted until that is done; please try again in a few minutes. What is open still ends."
)
# Kept: asked at every click; to build a statement anew costs more than to execute it.
_CLOSING = sa.select(col(Alert.kind)).where(
    sa.or_(
        col(Alert.kind) == AlertKind.RESTORED,
        sa.and_(col(Alert.kind) == AlertKind.SWEEP, col(Alert.subject) == UNLISTED),
    ),
    col(Alert.closed_at).is_(None),
)


def blocked(session: Session) -> str | None:
    """A sentence for whoever asks or approves; None while the gate is open."""
    kinds = set(session.connection().execute(_CLOSING).scalars())
    if AlertKind.RESTORED in kinds:
        return _CLOSED
    return _BLIND if kinds else None


def refuse_while_closed(session: Session) -> None:
    """Raises NotNow."""
    because = blocked(session)
    if because is not None:
        raise NotNow(because)


def being_compared(session: Session) -> Alert | None:
    """The open alert that the database was restored."""
    return session.exec(select(Alert).filter_by(kind=AlertKind.RESTORED, closed_at=None)).first()


def lost_since(session: Session) -> datetime | None:
    """Since when a restored database knows nothing, until every target was compared with it."""
    alert = being_compared(session)
    return None if alert is None else alert.since or alert.opened_at
