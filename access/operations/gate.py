"""The gate: while it is closed nothing new is asked, approved or granted, and all that is open still ends."""

import json
from datetime import datetime

from sqlmodel import Session, col, select

from access.errors import NotNow
from access.models import Alert, AlertKind, AuditEvent

RESTORED = "database.restored"
"""The audit event; its details say since when the database knows nothing."""
_CLOSED = (
    "The database of Countersign was restored from a backup and is being compared with every target. Nothing new can "
    "be asked, approved or granted until that is done; please try again in a few minutes. What is open still ends."
)


def why_closed(session: Session) -> str | None:
    """A sentence for whoever asks or approves; None while the gate is open."""
    return None if being_compared(session) is None else _CLOSED


def refuse_while_closed(session: Session) -> None:
    """Raises NotNow."""
    because = why_closed(session)
    if because is not None:
        raise NotNow(because)


def being_compared(session: Session) -> Alert | None:
    """The open alert that the database was restored."""
    return session.exec(select(Alert).filter_by(kind=AlertKind.RESTORED, closed_at=None)).first()


def lost_since(session: Session) -> datetime | None:
    """Since when a restored database knows nothing, until every target was compared with it."""
    alert = being_compared(session)
    if alert is None:
        return None
    noticed = select(AuditEvent.entry).where(AuditEvent.action == RESTORED, col(AuditEvent.at) >= alert.opened_at)
    said = [json.loads(entry)["details"]["since"] for entry in session.exec(noticed)]
    return min((datetime.fromisoformat(since) for since in said), default=alert.opened_at)
