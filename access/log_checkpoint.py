"""How far the log had come, remembered outside the database: by it one that was restored from a backup is noticed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlmodel import select

from access.models import AuditEvent
from access.store import Database

FOREIGN_MARK = "high-water"
"""The subject of the alert that somebody else wrote one."""


@dataclass(frozen=True)
class LogCheckpoint:
    """The event `seq` was written, has this hash, and is of this time."""

    seq: int
    hash: str
    at: datetime


class Checkpoints(Protocol):
    """Where it is remembered. No method raises."""

    def known(self) -> Sequence[LogCheckpoint]:
        """All that are remembered; none where nothing is, or nothing can be read."""
        ...

    def refused(self) -> Sequence[str]:
        """Why what was found there is not believed, in words of ours, until `note` has written over it."""
        ...

    def note(self, reached: LogCheckpoint) -> None:
        """Remembers this one in the place of those that were known; of another process's only once that was known."""
        ...


class NullStore:
    """For a core that need not notice: that of a test, or of a command."""

    def known(self) -> Sequence[LogCheckpoint]:
        return ()

    def refused(self) -> Sequence[str]:
        return ()

    def note(self, reached: LogCheckpoint) -> None:
        pass


def installation(database: Database) -> str:
    """What tells one installation's log from another's, also after a restore: its first event. Empty before that.

    Raises Unavailable.
    """
    with database.read() as session:
        return session.exec(select(AuditEvent.hash).where(AuditEvent.seq == 1)).first() or ""
