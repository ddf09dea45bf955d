"""Chooses few of many cases so that every pair of values that can meet meets at least once."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import combinations
from typing import TypeVar

Row = TypeVar("Row", bound=Sequence[Hashable])
Pair = tuple[tuple[int, Hashable], tuple[int, Hashable]]


def pairs_of(row: Sequence[Hashable]) -> frozenset[Pair]:
    """Each two values of a row, with their places."""
    return frozenset(combinations(enumerate(row), 2))


def pairwise(product: Iterable[Row]) -> list[Row]:
    """Of the rows that make sense, few that have all of their pairs; the same ones each time."""
    pairs = {row: pairs_of(row) for row in product}
    missing = set[Pair]().union(*pairs.values())
    used = Counter[tuple[int, Hashable]]()
    chosen = list[Row]()
    while missing:
        gains = {row: gain for row in pairs if (gain := len(pairs[row] & missing))}
        most = max(gains.values())
        # Of those that bring as much, the one whose values were had least: else the first ones have all the work.
        best = min(
            (row for row, gain in gains.items() if gain == most), key=lambda row: sum(used[v] for v in enumerate(row))
        )
        chosen.append(best)
        used.update(enumerate(best))
        missing -= pairs.pop(best)
        pairs = {row: pairs[row] for row in gains if row in pairs}
    return chosen


def _used(row: Sequence[Hashable], used: Counter[tuple[int, Hashable]]) -> int:
    return sum(used[value] for value in enumerate(row))


def uncovered(product: Iterable[Row], chosen: Iterable[Row]) -> Iterator[Pair]:
    """Pairs that no chosen row has."""
    have = set[Pair]().union(*(pairs_of(row) for row in chosen))
    for row in product:
        yield from pairs_of(row) - have
