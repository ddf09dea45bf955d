"""The floor of an approval: the same rows, written by the driver alone in one transaction each."""

import sqlite3
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import JsonDumper
from sqlalchemy.engine import make_url

TABLES = ("request", "notice", "grant", "review", "audit_event", "audit_head")
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "foreign_keys=ON")
Row = Mapping[str, Any]
Rows = dict[str, list[Row]]


@dataclass(frozen=True)
class Approval:
    """What one approval changes."""

    request: Row
    inserts: tuple[tuple[str, Row], ...]
    events: tuple[Row, ...]


def recorded(url: str) -> Rows:
    """Every row of the tables that an approval touches, as the driver reads them."""
    connection = connect(url)
    rows = {table: _all(connection, f'SELECT * FROM "{table}"') for table in TABLES}
    connection.close()
    return rows


class BareSql:
    """An empty store, filled with the rows from before; one connection a thread."""

    filled = ("request", "notice", "audit_event")
    """Tables whose rows must be there before."""

    def __init__(self, url: str, *, before: Rows) -> None:
        self._url = url
        self._sqlite = url.startswith("sqlite")
        self.before = before
        self._local = threading.local()
        self._connections = list[Any]()
        self.held = "" if self._sqlite else " FOR UPDATE"
        connection = self.begun()
        for table in self.filled:
            self.insert_all(connection, table, before[table])
        self.move_head(connection, before["audit_head"][0])
        connection.execute("COMMIT")

    def approvals(self, after: Rows) -> Iterator[Approval]:
        """What happened between `before` and `after`, one approval after the other."""
        grants = {row["request_id"]: row for row in after["grant"]}
        reviews = {row["request_id"]: row for row in after["review"]}
        known = {row["id"] for row in self.before["notice"]}
        messages = {row["subject"]: row for row in after["notice"] if row["id"] not in known}
        events = defaultdict[str, list[Row]](list)
        last = max((row["seq"] for row in self.before["audit_event"]), default=0)
        happened = (row for row in after["audit_event"] if row["seq"] > last)
        for row in sorted(happened, key=lambda row: row["seq"]):  # PostgreSQL reads a table in any order
            events[row["object_id"]].append(row)
        for request in after["request"]:
            key, grant = request["id"], grants[request["id"]]
            inserts = (("review", reviews[key]), ("notice", messages[key]), ("grant", grant))
            yield Approval(request, inserts, (*events[key], *events[grant["id"]]))

    def approve(self, approval: Approval) -> None:
        """One transaction; the same locks in the same order."""
        connection, request = self.begun(), approval.request
        changed = connection.execute(
            self.sql("UPDATE request SET status = ?, decided_at = ? WHERE id = ? AND status = ? AND version = ?"),
            (request["status"], request["decided_at"], request["id"], "pending", request["version"]),
        ).rowcount
        assert changed == 1
        for table, row in approval.inserts:
            self.insert_all(connection, table, [row])
        connection.execute(
            self.sql(
                "UPDATE notice SET wanted_version = wanted_version + 1, due_at = ? WHERE subject = ? RETURNING id"
            ),
            (request["decided_at"], request["id"]),
        ).fetchall()
        connection.execute(f"SELECT * FROM audit_head{self.held}").fetchall()
        self.insert_all(connection, "audit_event", approval.events)
        self.move_head(connection, approval.events[-1])
        connection.execute("COMMIT")

    def close(self) -> None:
        for connection in self._connections:
            connection.close()

    def begun(self) -> Any:
        """The connection of this thread, in a transaction."""
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE" if self._sqlite else "BEGIN")
        return connection

    def _connection(self) -> Any:
        if not hasattr(self._local, "connection"):
            self._local.connection = connect(self._url)
            self._connections.append(self._local.connection)
        return self._local.connection

    def insert_all(self, connection: Any, table: str, rows: Sequence[Row]) -> None:
        if not rows:
            return
        columns, holes = ", ".join(f'"{name}"' for name in rows[0]), ", ".join("?" * len(rows[0]))
        statement = self.sql(f'INSERT INTO "{table}" ({columns}) VALUES ({holes})')
        connection.cursor().executemany(statement, [tuple(row.values()) for row in rows])

    def move_head(self, connection: Any, end: Row) -> None:
        values = (end["seq"], end["hash"], end["at"])
        # The head only moves forward, and these come in any order.
        statement = "UPDATE audit_head SET seq = ?, hash = ?, at = ? WHERE seq < ?"
        connection.execute(self.sql(statement), (*values, end["seq"]))

    def sql(self, statement: str) -> str:
        return statement if self._sqlite else statement.replace("?", "%s")


def connect(url: str, *, json: tuple[type, ...] = (dict, list)) -> Any:
    """`json`: kinds of values that are columns of JSON, and no arrays."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(str(make_url(url).database), isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        return connection
    connected = psycopg.Connection[dict[str, Any]].connect(url, autocommit=True, row_factory=dict_row)
    for kind in json:
        connected.adapters.register_dumper(kind, JsonDumper)
    return connected


def _all(connection: Any, statement: str) -> list[Row]:
    return [dict(row) for row in connection.execute(statement).fetchall()]
