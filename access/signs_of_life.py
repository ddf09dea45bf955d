"""Which processes have fallen silent, as one process sees it from the times that they write into the database.

A time is only held against the one that stood there before, and the silence is counted by our own steady clock: no
clock that is wrong or jumps makes a process dead, and none keeps a dead one alive. What passes between two looks counts
for little: where the whole machine stood still, the others did so too, and have yet to write.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from access import clock

MISSED_SECONDS = 12.0
"""Two signs of life that did not come, and a moment for a busy machine."""
BETWEEN_LOOKS = 5.0
"""As much counts at most."""


@dataclass(frozen=True)
class _Sign:
    """What stood there last, and for how many seconds it has been the same."""

    beat: datetime | None
    seconds: float = 0.0


class SignsOfLife:
    """Remembers what it was shown."""

    def __init__(self, steady: Callable[[], float] = clock.monotonic) -> None:
        self._steady = steady
        self._looked = steady()
        self._signs: dict[str, _Sign] = {}

    def look(self, beats: Mapping[str, datetime | None]) -> tuple[set[str], set[str]]:
        """Those of these that have been silent for too long, and those of them that were not at the look before.

        None: it has never given a sign of life.
        """
        now = self._steady()
        passed, self._looked = min(now - self._looked, BETWEEN_LOOKS), now
        before = self._silent
        self._signs = {name: self._after(name, beat, passed) for name, beat in beats.items()}
        return self._silent, self._silent - before

    @property
    def _silent(self) -> set[str]:
        return {name for name, sign in self._signs.items() if sign.seconds > MISSED_SECONDS}

    def _after(self, name: str, beat: datetime | None, passed: float) -> _Sign:
        before = self._signs.get(name)
        if before is None or before.beat != beat:
            return _Sign(beat)
        return _Sign(beat, before.seconds + passed)
