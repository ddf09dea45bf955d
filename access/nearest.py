"""Finds the right word nearest to a wrong one."""

from collections.abc import Iterable
from difflib import get_close_matches

_LONGEST = 150
"""Nobody mistypes more than this; comparing a longer text only costs time."""


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """The choice most like `word`, whatever the case of its letters; None if none is like it."""
    if len(word) > _LONGEST:
        return None
    by_folded = {choice.casefold(): choice for choice in sorted(choices, reverse=True)}
    close = get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else None
