"""What a lane has claimed and not started yet: the most urgent first, as much as will start soon."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import Generic

from access import clock
from workers.handlers import C
from workers.pacing import Limits

AHEAD_SECONDS = 0.5
"""As much is claimed at once as ends within this time: many in one transaction cost half of what they do alone."""
_MEASURED_SECONDS = 0.1
MOST_EACH = 16
"""For each thread, however quick the target is."""
LONGEST_WAIT_SECONDS = 20.0
"""A call must end long before its claim does, so what waited for so long is claimed anew."""


@dataclass(order=True)
class _Place(Generic[C]):
    rank: int
    number: int
    claimed: C = field(compare=False)
    since: float = field(compare=False)


class ClaimedAhead(Generic[C]):
    """Measures how many end in a second, and says how many more are to be claimed."""

    def __init__(self, limits: Limits) -> None:
        self.limit(limits)
        self._places: list[_Place[C]] = []
        self._numbers = count()
        self._ended, self._ended_since = 0, clock.monotonic()

    def limit(self, limits: Limits) -> None:
        """From now on; what is claimed already stays so."""
        self._threads = limits.threads
        self._least = self._most = 2 * limits.threads
        if limits.per_second:
            self._least = self._most = min(self._least, max(1, int(limits.per_second)))
        else:
            self._most = MOST_EACH * limits.threads
        self._ahead = self._least

    def __len__(self) -> int:
        return len(self._places)

    def put(self, claimed: Iterable[C], ranks: Mapping[str, int]) -> None:
        """By the ranks of their ids; of one rank, who was claimed first starts first."""
        now = clock.monotonic()
        measured = now - self._ended_since
        if measured >= _MEASURED_SECONDS:
            self._ahead = min(max(self._least, int(AHEAD_SECONDS * self._ended / measured)), self._most)
            self._ended, self._ended_since = 0, now
        for one in claimed:
            heappush(self._places, _Place(ranks[one.id], next(self._numbers), one, now))

    def start(self) -> C:
        """Takes the first."""
        return heappop(self._places).claimed

    def note_end(self) -> None:
        """A call has ended."""
        self._ended += 1

    def clear(self) -> list[tuple[C, int]]:
        """Takes all, each with its rank."""
        taken = [(place.claimed, place.rank) for place in sorted(self._places)]
        self._places.clear()
        return taken

    def room(self, waiting: int | None) -> int:
        """How many to claim. `waiting`: the lowest rank of those that wait; it goes before all of a higher one."""
        if 2 * len(self) <= self._ahead:
            return self._ahead - len(self)
        if waiting is not None and waiting < max(place.rank for place in self._places):
            return max(0, min(self._threads, 2 * self._ahead - len(self)))
        return 0

    @property
    def has_waited_too_long(self) -> bool:
        """The one that would start next."""
        return bool(self._places) and clock.monotonic() - self._places[0].since > LONGEST_WAIT_SECONDS
