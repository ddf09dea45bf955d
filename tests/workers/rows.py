"""A small core for the engine's tests: rows in SQLite with claims, fences and a memory of every call."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from access.agenda_items import ItemKind
from access.ports import AgendaItem, Deadline
from workers.dispatch import Dispatcher
from workers.handlers import Queue, Route, Routes

_TABLES = """
CREATE TABLE IF NOT EXISTS work (
    id TEXT PRIMARY KEY, queue TEXT NOT NULL, target TEXT NOT NULL, due REAL NOT NULL,
    claimed_until REAL NOT NULL DEFAULT 0, fence INTEGER NOT NULL DEFAULT 0, done_at REAL);
CREATE TABLE IF NOT EXISTS calls (id TEXT NOT NULL, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS commits (size INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS beats (name TEXT PRIMARY KEY, kind TEXT NOT NULL);
"""


@dataclass(frozen=True)
class Won:
    id: str
    fence: int


@dataclass(frozen=True)
class Answer:
    id: str
    fence: int
    healthy: bool


Act = Callable[[str, Deadline], bool]
"""(id, deadline): did the target answer?"""


def answers(_id: str, _deadline: Deadline) -> bool:
    """A target that answers at once."""
    return True


class Rows:
    """Work that is due, in a file that several processes share. Implements `Schedule`."""

    def __init__(self, path: Path, claim_seconds: float = 60.0, behind: float = 0.0) -> None:
        """`behind`: seconds by which the clock of whoever looks at them is slow."""
        self._path = path
        self._behind = behind
        self._claim_seconds = claim_seconds
        self.broken = False
        """The database fails while this is true."""
        self.sweep_broken = False
        self.alerts: list[str] = []
        self.why_lost = ""
        self.sweeps: list[str] = []
        """What was said of the sweep."""
        self.filled: list[int] = []
        """How many timers were put into an empty Redis, each time."""
        self.compared = 0
        with self._transaction() as connection:
            for statement in _TABLES.split(";"):
                connection.execute(statement)

    def add(self, *ids: str, queue: Queue = "revoke", target: str = "crm", due: float = 0.0) -> None:
        rows = [(identifier, queue, target, due or time.time()) for identifier in ids]
        with self._transaction() as connection:
            connection.executemany("INSERT INTO work (id, queue, target, due) VALUES (?, ?, ?, ?)", rows)

    def items(self, *ids: str) -> list[tuple[AgendaItem, datetime]]:
        """As a commit puts them on the agenda."""
        marks = ",".join("?" * len(ids))
        rows = self._read(f"SELECT queue, id, due FROM work WHERE id IN ({marks})", *ids)
        return [(agenda_item(queue, identifier), _time(due)) for queue, identifier, due in rows]

    @property
    def done(self) -> set[str]:
        return {identifier for (identifier,) in self._read("SELECT id FROM work WHERE done_at IS NOT NULL")}

    @property
    def claimed(self) -> set[str]:
        return {
            identifier
            for (identifier,) in self._read(
                "SELECT id FROM work WHERE done_at IS NULL AND claimed_until > ?", time.time()
            )
        }

    def claims_of(self, identifier: str) -> int:
        ((fence,),) = self._read("SELECT fence FROM work WHERE id = ?", identifier)
        return fence

    @property
    def calls(self) -> list[str]:
        return [identifier for (identifier,) in self._read("SELECT id FROM calls ORDER BY at")]

    @property
    def commits(self) -> list[int]:
        return [size for (size,) in self._read("SELECT size FROM commits ORDER BY rowid")]

    @property
    def beats(self) -> dict[str, str]:
        return dict(self._read("SELECT name, kind FROM beats"))

    def lateness(self) -> list[float]:
        """Seconds between due and done, of all that are done."""
        return [late for (late,) in self._read("SELECT done_at - due FROM work WHERE done_at IS NOT NULL ORDER BY 1")]

    # Schedule

    def route(self, items: Sequence[AgendaItem]) -> Routes:
        routes = Routes([], [], [])
        names = [item.split(":")[1] for item in items]
        marks = ",".join("?" * len(names))
        unfinished = self._read(
            "SELECT id, queue, target, due, claimed_until FROM work"
            f" WHERE done_at IS NULL AND id IN ({marks})", *names
        )  # fmt: skip
        known = {agenda_item(queue, identifier): (identifier, queue, *more) for identifier, queue, *more in unfinished}
        for item in items:
            if item not in known:
                routes.finished.append(item)
                continue
            identifier, queue, target, due, claimed_until = known[item]
            when = max(due, claimed_until)
            if when > self._now():
                routes.later.append((item, _time(when)))
            else:
                routes.now.append(Route(item, identifier, queue, target))
        return routes

    def _now(self) -> float:
        return time.time() - self._behind

    def sweep(self) -> list[tuple[AgendaItem, datetime]]:
        if self.sweep_broken:
            raise ValueError("canary-secret-4711")
        now = self._now()
        rows = self._read(
            "SELECT queue, id, due FROM work WHERE done_at IS NULL AND due <= ? AND claimed_until <= ?", now, now
        )
        return [(agenda_item(queue, identifier), _time(due)) for queue, identifier, due in rows]

    @property
    def timers(self) -> "RowsTimers":
        return RowsTimers(self)

    def ranks(self, items: Sequence[str]) -> dict[str, int]:
        return {item: 120 if item.rpartition(":")[2].startswith("critical") else 900 for item in items}

    def beat(self, name: str, kind: str) -> None:
        with self._transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO beats VALUES (?, ?)", (name, kind))

    def sweep_fails(self, times: int, why: str) -> None:
        if self.broken:
            raise sqlite3.OperationalError("canary-secret-4711")
        self.sweeps.append(f"fails, {times}")

    def sweep_works(self) -> None:
        self.sweeps.append("works")

    # For the business of one queue

    def claim(self, queue: Queue, ids: Sequence[str]) -> list[Won]:
        now = self._now()
        marks = ",".join("?" * len(ids))
        with self._transaction() as connection:
            won = connection.execute(
                f"UPDATE work SET claimed_until = ?, fence = fence + 1 WHERE id IN ({marks}) AND queue = ?"
                " AND done_at IS NULL AND due <= ? AND claimed_until <= ? RETURNING id, fence",
                (now + self._claim_seconds, *ids, queue, now, now),
            ).fetchall()
        return [Won(*row) for row in won]

    def called(self, identifier: str) -> None:
        with self._transaction() as connection:
            connection.execute("INSERT INTO calls VALUES (?, ?)", (identifier, time.time()))

    def commit(self, results: Sequence[Answer]) -> None:
        now = time.time()
        with self._transaction() as connection:
            connection.execute("INSERT INTO commits VALUES (?)", (len(results),))
            connection.executemany(
                "UPDATE work SET done_at = ? WHERE id = ? AND fence = ? AND done_at IS NULL",
                [(now, answer.id, answer.fence) for answer in results if answer.healthy],
            )
            connection.executemany(
                "UPDATE work SET claimed_until = 0, due = ? WHERE id = ? AND fence = ? AND done_at IS NULL",
                [(now + 0.2, answer.id, answer.fence) for answer in results if not answer.healthy],
            )

    def release(self, claimed: Sequence[Won]) -> None:
        with self._transaction() as connection:
            connection.executemany(
                "UPDATE work SET claimed_until = 0 WHERE id = ? AND fence = ? AND done_at IS NULL",
                [(won.id, won.fence) for won in claimed],
            )

    def business(self, queue: Queue = "revoke", act: Act = answers) -> "RowsBusiness":
        return RowsBusiness(self, queue, act)

    def dispatcher(self, queue: Queue = "revoke", act: Act = answers) -> Dispatcher:
        """The same for the items of the agenda."""
        kind: ItemKind = "notice" if queue == "tell" else "grant"
        return Dispatcher({kind: [self.business(queue, act)]})

    def _read(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self._transaction("BEGIN") as connection:
            return connection.execute(statement, values).fetchall()

    @contextmanager
    def _transaction(self, begin: str = "BEGIN IMMEDIATE") -> Iterator[sqlite3.Connection]:
        if self.broken:
            raise sqlite3.OperationalError("canary-secret-4711")
        with closing(sqlite3.connect(self._path, timeout=30, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            # Only processes are killed here, never the machine, and no test waits for a disk.
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute(begin)
            yield connection
            connection.execute("COMMIT")


@dataclass(frozen=True)
class RowsTimers:
    """What is said of the timers is kept with the rows. Implements `Timers`."""

    rows: Rows

    def all(self) -> Iterator[tuple[AgendaItem, datetime]]:
        for queue, identifier, due in self.rows._read("SELECT queue, id, due FROM work WHERE done_at IS NULL"):
            yield agenda_item(queue, identifier), _time(due)

    def filled(self, number: int) -> bool:
        self.rows.filled.append(number)
        return len(self.rows.filled) > 1

    def compared(self) -> None:
        self.rows.compared += 1

    def lost(self, why: str) -> None:
        self.rows.alerts.append("lost")
        self.rows.why_lost = why

    def back(self) -> None:
        self.rows.alerts.append("back")


class RowsBusiness:
    """One queue's work. Implements `Handler`."""

    def __init__(self, rows: Rows, queue: Queue, act: Act) -> None:
        self._rows = rows
        self._queue: Queue = queue
        self._act = act

    def claim(self, ids: Sequence[str]) -> list[Won]:
        return self._rows.claim(self._queue, ids)

    def act(self, claimed: Won, deadline: Deadline) -> Answer:
        self._rows.called(claimed.id)
        return Answer(claimed.id, claimed.fence, self._act(claimed.id, deadline))

    def commit(self, results: Sequence[Answer]) -> None:
        self._rows.commit(results)

    def release(self, claimed: Sequence[Won]) -> None:
        self._rows.release(claimed)


def agenda_item(queue: Queue, identifier: str) -> AgendaItem:
    return AgendaItem(f"{'notice' if queue == 'tell' else 'grant'}:{identifier}")


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
