"""The ids that wait in a lane, in the order in which they are claimed."""

import sys
from collections.abc import Iterable, Iterator, Mapping

FIRST = 0
LAST = sys.maxsize


class Waiting:
    """The lowest rank first, and of one rank who came first. An id waits once."""

    def __init__(self) -> None:
        self._by_rank: dict[int, dict[str, None]] = {}

    def __len__(self) -> int:
        return sum(len(waiting) for waiting in self._by_rank.values())

    def __iter__(self) -> Iterator[str]:
        for rank in sorted(self._by_rank):
            yield from self._by_rank[rank]

    @property
    def lowest_rank(self) -> int | None:
        return min(self._by_rank, default=None)

    def put(self, ids: Iterable[str], ranks: Mapping[str, int]) -> None:
        """Behind those of their rank; one without a rank is among the first."""
        for identifier in ids:
            if not any(identifier in waiting for waiting in self._by_rank.values()):
                self._by_rank.setdefault(ranks.get(identifier, FIRST), {})[identifier] = None

    def put_back(self, taken: Mapping[str, int]) -> None:
        """Before all others of their rank."""
        for rank in set(taken.values()):
            before = dict.fromkeys(identifier for identifier, its in taken.items() if its == rank)
            self._by_rank[rank] = before | self._by_rank.get(rank, {})

    def take(self, number: int) -> dict[str, int]:
        """Up to so many, each with its rank."""
        taken = dict[str, int]()
        for rank in sorted(self._by_rank):
            waiting = self._by_rank[rank]
            while waiting and len(taken) < number:
                identifier = next(iter(waiting))
                del waiting[identifier]
                taken[identifier] = rank
            if not waiting:
                del self._by_rank[rank]
        return taken

    def clear(self) -> list[str]:
        """All of them; none waits any more."""
        left = list(self)
        self._by_rank.clear()
        return left
