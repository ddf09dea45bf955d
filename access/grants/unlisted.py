"""Before anything new is taken, what is overdue is listed: who cannot see what should end must not open more."""

import logging
from dataclasses import dataclass, field
from datetime import timedelta

from sqlmodel import Session, col, select

from access.actors import system
from access.core import Core
from access.grants.admission import UNLISTED
from access.lifecycle import UNFINISHED
from access.models import AlertKind, AlertVariant, Grant
from access.words import counted

logger = logging.getLogger(__name__)
ACTOR = system("start")
UNWRITTEN = "database"
"""The subject of an alert that is in no database, because it cannot be written."""
_GRACE = timedelta(minutes=1)
"""An end that is being worked on is not yet late."""
SENTENCE = "A process that starts cannot list what is overdue ({why}). Until it can, nothing new is granted."


@dataclass
class Overdue:
    """Listed once after a start; as long as that fails, the gate is closed by an alert (admission.py)."""

    core: Core
    listed: bool = field(default=False, init=False)

    def look(self) -> bool:
        """Whether it has been listed since the start. Never raises: what is wrong is an alert, or else in the log."""
        if self.listed:
            return True
        try:
            with self.core.database.read() as session:
                number = len(_overdue(session, self.core))
            with self.core.work(ACTOR) as work:
                work.close_alerts(UNLISTED, AlertKind.SWEEP)
        except Exception as error:
            self._tell(type(error.__cause__ or error).__name__)
            return False
        if number:
            logger.info("%s past the end, and must still be proven gone", counted(number, "grant is", "grants are"))
        self.listed = True
        return True

    def _tell(self, why: str) -> None:
        logger.error("what is overdue cannot be listed (%s); nothing new is taken until it can", why)
        try:
            channel = self.core.security_channel()
            with self.core.work(ACTOR) as work:
                work.open_alert(
                    AlertKind.SWEEP, UNLISTED, SENTENCE.format(why=why), channel=channel, variant=AlertVariant.UNLISTED
                )
        except Exception as error:
            # Where no alert can be written, no request can be either.
            logger.error("an alert about that cannot be written (%s)", type(error).__name__)


def _overdue(session: Session, core: Core) -> list[str]:
    """Not all that is due: what has just been approved is about to open, and what has just ended is being ended."""
    since = core.clock.now() - _GRACE
    due = select(Grant.id).where(col(Grant.due_at).is_not(None), col(Grant.status).in_(UNFINISHED))
    return list(session.exec(due.where(col(Grant.end_due_at) <= since).order_by(col(Grant.end_due_at))))
