"""How far the log had come, remembered outside the database: by it one that was restored from a backup is noticed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class HighWater:
    """The event `seq` was written, has this hash, and is of this time."""

    seq: int
    hash: str
    at: datetime


class HighWaterMarks(Protocol):
    """Where it is remembered. Neither method raises."""

    def known(self) -> Sequence[HighWater]:
        """All that are remembered; none where nothing is, or nothing can be read."""
        ...

    def note(self, reached: HighWater) -> None:
        """Remembers this one in the place of those before."""
        ...


class Nowhere:
    """For a core that need not notice: that of a test, or of a command."""

    def known(self) -> Sequence[HighWater]:
        return ()

    def note(self, reached: HighWater) -> None:
        pass
