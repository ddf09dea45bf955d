"""What went to and fro, to look at: payloads with their acknowledgements, API calls with their answers, violations."""

import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

KEPT = 1000


@dataclass
class Entry:
    """One thing that happened: `way` is `payload`, `call`, `response_url`, `violation`, `socket` or `fault`.

    `ms` is how long the answer took in true milliseconds; `error` is Slack's word when it went wrong.
    """

    number: int
    at: float
    way: str
    name: str
    sent: Any = None
    answer: Any = None
    ms: float | None = None
    error: str = ""


class Journal:
    """The last entries; `clock` gives seconds since the epoch, by which they are dated."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._numbers = itertools.count(1)
        self._entries: deque[Entry] = deque(maxlen=KEPT)

    def add(self, way: str, name: str, sent: Any = None, **more: Any) -> Entry:
        """Writes an entry, whose answer may be filled in later."""
        entry = Entry(next(self._numbers), self._clock(), way, name, sent, **more)
        self._entries.append(entry)
        return entry

    def after(self, number: int) -> list[dict[str, Any]]:
        """The entries that came after this one, oldest first."""
        return [asdict(entry) for entry in self._entries if entry.number > number]
