"""What a person may ask for, made ready once so that it can be searched while somebody types."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from access.words import clean

_BETWEEN_WORDS = re.compile(r"[\W_]+")


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One entitlement that a person may ask for."""

    resource_id: str
    resource_title: str
    role: str
    role_title: str
    level: str
    longest: timedelta

    @property
    def entitlement(self) -> str:
        return f"{self.resource_id}/{self.role}"


@dataclass(frozen=True)
class Found:
    """The best of what fits, the best first; `total` counts all that fit."""

    best: Sequence[Choice]
    total: int


@dataclass(frozen=True)
class _Key:
    """A choice with what is compared with typed words."""

    choice: Choice
    text: str
    """Ids and titles, each after a line end."""
    words: str
    """The same as words alone, each after a space."""


class Choices:
    """In the order of their titles, as people read them."""

    def __init__(self, choices: Iterable[Choice]) -> None:
        self._keys = [_key(choice) for choice in choices]

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[Choice]:
        return (key.choice for key in self._keys)

    def search(self, typed: str, *, most: int) -> Found:
        """First what begins as typed, then what has words that begin so, then what has it anywhere."""
        wanted = _folded(typed).split()
        if not wanted:
            return Found([key.choice for key in self._keys[:most]], len(self._keys))
        ranked: tuple[list[Choice], ...] = ([], [], [])
        begins, starts = "\n" + " ".join(wanted), [_words(word) for word in wanted]
        for key in self._keys:
            if all(word in key.text for word in wanted):
                ranked[_rank(key, begins, starts)].append(key.choice)
        fitting = [choice for rank in ranked for choice in rank]
        return Found(fitting[:most], len(fitting))


def _rank(key: _Key, begins: str, starts: list[str]) -> int:
    if begins in key.text:
        return 0
    return 1 if all(word in key.words for word in starts) else 2


def _key(choice: Choice) -> _Key:
    named = (choice.entitlement, choice.resource_title, choice.role, choice.role_title)
    folded = [_folded(name) for name in named]
    return _Key(choice, "".join(f"\n{name}" for name in folded), _words(" ".join(folded)))


def _words(folded: str) -> str:
    return " " + _BETWEEN_WORDS.sub(" ", folded).strip()


def _folded(text: str) -> str:
    return clean(text).text.casefold()
