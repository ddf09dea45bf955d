"""What a person may ask for, made ready once so that it can be searched while somebody types."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from access.words import clean

_BETWEEN_WORDS = re.compile(r"[\W_]+")

_LONGEST = 150
"""No entitlement and no title is longer; more of what is typed is not looked for."""
_WORDS = 10
"""Each different word is looked for in thousands of choices at each key stroke; more of them tell nothing apart."""


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
        wanted = list(dict.fromkeys(clean(typed[:_LONGEST]).text.casefold().split()))[:_WORDS]
        if not wanted:
            return Found([key.choice for key in self._keys[:most]], len(self._keys))
        fitting = self._keys
        for word in wanted:
            fitting = [key for key in fitting if word in key.text]
        ranked = _ranked(fitting, wanted, most)
        return Found([key.choice for key in ranked[:most]], len(fitting))


def _ranked(fitting: list[_Key], wanted: list[str], most: int) -> list[_Key]:
    """At least the best `most` of them. By whole lists, since a key stroke waits for thousands."""
    begins = "\n" + " ".join(wanted)
    best = [key for key in fitting if begins in key.text]
    if len(best) >= most:
        return best
    others = [key for key in fitting if begins not in key.text]
    starting = others
    for word in wanted:
        starts = _words(word)
        starting = [key for key in starting if starts in key.words]
    known = {id(key) for key in starting}
    return best + starting + [key for key in others if id(key) not in known]


def _key(choice: Choice) -> _Key:
    named = (choice.entitlement, choice.resource_title, choice.role, choice.role_title)
    folded = [name.casefold() for name in named]  # the policy's names are clean
    return _Key(choice, "".join(f"\n{name}" for name in folded), _words(" ".join(folded)))


def _words(folded: str) -> str:
    return " " + _BETWEEN_WORDS.sub(" ", folded).strip()
