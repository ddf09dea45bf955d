"""The borders between engine and core: what a queue does with a row, what the timekeeper asks of the rows."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from access.monitor.routing import Queue, Route, Routes
from access.ports import AgendaItem, Deadline

__all__ = [
    "FAILING", "MAX_AGE", "QUEUES", "Claimed", "Handler", "Queue", "Result", "Route", "Router", "Routes", "Schedule",
    "Timers",
]  # fmt: skip

QUEUES: tuple[Queue, ...] = ("grant", "revoke", "tell")
MAX_AGE = timedelta(minutes=10)
"""Of a job: a replay within this time finds nothing to claim; after it, it is not even looked at."""
FAILING = "countersign:failing"
"""There in Redis while a job was refused or failed in the last five minutes."""


class Claimed(Protocol):
    """A row this process has won: what it needs to act without looking at the database again."""

    @property
    def id(self) -> str: ...


class Result(Protocol):
    """What came of one call."""

    @property
    def healthy(self) -> bool:
        """False when the target could not be reached or did not answer: the breaker counts these."""
        ...


C = TypeVar("C", bound=Claimed)
R = TypeVar("R", bound=Result)


class Handler(Protocol[C, R]):
    """What is done with rows of one kind. Every step may run twice: rows are won by compare-and-set with a fence and a
    claim time."""

    def claim(self, ids: Sequence[str]) -> list[C]:
        """One short transaction; returns only what was won."""
        ...

    def act(self, claimed: C, deadline: Deadline) -> R:
        """The calls over the network, outside any transaction. Never raises: errors are results."""
        ...

    def commit(self, results: Sequence[R]) -> None:
        """One short transaction for a chunk."""
        ...

    def release(self, claimed: Sequence[C]) -> None:
        """Claimed but not started: given back at once."""
        ...


class Router(Protocol):
    """What a worker asks of the rows about items that it was sent."""

    def route(self, items: Sequence[AgendaItem]) -> Routes: ...

    def ranks(self, items: Sequence[str]) -> Mapping[str, int]:
        """Which grants end, and which messages are told, before others that are due as well: the lowest first."""
        ...


class Timers(Protocol):
    """What Redis should hold, and what is said when it does not. Each may be said twice."""

    def all(self) -> Iterator[tuple[AgendaItem, datetime]]:
        """Every unfinished item, for filling an empty Redis."""
        ...

    def filled(self, number: int) -> bool:
        """Redis held none and holds this many again. Whether it had lost some."""
        ...

    def compared(self) -> None:
        """Redis and the rows have been compared, and agree."""
        ...

    def lost(self, why: str) -> None:
        """Redis could not be used for a while, and why."""
        ...

    def back(self) -> None:
        """Redis is there."""
        ...


class Schedule(Router, Protocol):
    """The timekeeper's view of the core."""

    @property
    def timers(self) -> Timers: ...

    def sweep(self) -> list[tuple[AgendaItem, datetime]]:
        """Does the housekeeping of the rows; returns every item that is overdue or stuck, with the time it was due."""
        ...

    def beat(self, name: str, kind: str) -> None:
        """Says that this process lives."""
        ...

    def sweep_fails(self, times: int, why: str) -> None:
        """It failed so many times in a row; may be said twice."""
        ...

    def sweep_works(self) -> None:
        """May be said twice."""
        ...
