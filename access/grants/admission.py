"""The gate: while it is closed nothing new is asked, approved or granted, and all that is open still ends."""

from datetime import datetime

from sqlmodel import Session, select

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


def blocked(session: Session) -> str | None:
    """A sentence for whoever asks or approves; None while the gate is open."""
    if being_compared(session) is not None:
        return _CLOSED
    unlisted = select(Alert.id).filter_by(kind=AlertKind.SWEEP, subject=UNLISTED, closed_at=None)
    return None if session.exec(unlisted).first() is None else _BLIND


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
