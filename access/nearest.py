"""Finds the right word nearest to a wrong one."""

from collections.abc import Iterable
from difflib import get_close_matches
from heapq import nlargest

_LONGEST = 150
"""Nobody mistypes more than this; comparing a longer text only costs time."""
_ALIKE = 0.6
_COMPARED = 32
"""So many are compared letter by letter, which takes a hundred times as long as to see what they have in common."""
_PIECES = 64


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """The choice most like `word`, whatever the case of its letters; None if none is like it."""
    if len(word) > _LONGEST:
        return None
    wanted = word.casefold()
    by_folded = {choice.casefold(): choice for choice in sorted(choices, reverse=True)}
    close = get_close_matches(wanted, _likely(wanted, by_folded), n=1, cutoff=_ALIKE)
    return by_folded[close[0]] if close else None


def _likely(word: str, choices: Iterable[str]) -> list[str]:
    """Those that have most of its letters, and of two and three in a row, for what they have beside them."""
    pieces = sorted({word[at : at + length] for length in (1, 2, 3) for at in range(len(word) - length + 1)})
    pieces = pieces[:: len(pieces) // _PIECES + 1]

    def alike(choice: str) -> float:
        return sum([piece in choice for piece in pieces]) / (len(word) + len(choice))

    near = [choice for choice in choices if 2 * min(len(word), len(choice)) >= _ALIKE * (len(word) + len(choice))]
    return nlargest(_COMPARED, near, key=alike)
