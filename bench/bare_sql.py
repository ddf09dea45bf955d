"""The floor of an approval: the same rows, written by the driver alone in one transaction each."""

import sqlite3
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
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
    """An empty store, filled with the rows from before the approvals; one connection a thread."""

    def __init__(self, url: str, *, before: Rows) -> None:
        self._url = url
        self._sqlite = url.startswith("sqlite")
        self._before = before
        self._local = threading.local()
        self._connections = list[Any]()
        connection = self._connection()
        connection.execute("BEGIN")
        for table in ("request", "notice", "audit_event"):
            for row in before[table]:
                self._insert(connection, table, row)
        self._move_head(connection, before["audit_head"][0])
        connection.execute("COMMIT")

    def approvals(self, after: Rows) -> Iterator[Approval]:
        """What happened between `before` and `after`, one approval after the other."""
        grants = {row["request_id"]: row for row in after["grant"]}
        reviews = {row["request_id"]: row for row in after["review"]}
        known = {row["id"] for row in self._before["notice"]}
        messages = {row["subject"]: row for row in after["notice"] if row["id"] not in known}
        events = defaultdict[str, list[Row]](list)
        last = max((row["seq"] for row in self._before["audit_event"]), default=0)
        happened = (row for row in after["audit_event"] if row["seq"] > last)
        for row in sorted(happened, key=lambda row: row["seq"]):  # PostgreSQL reads a table in any order
            events[row["object_id"]].append(row)
        for request in after["request"]:
            key, grant = request["id"], grants[request["id"]]
            inserts = (("review", reviews[key]), ("notice", messages[key]), ("grant", grant))
            yield Approval(request, inserts, (*events[key], *events[grant["id"]]))

    def approve(self, approval: Approval) -> None:
        """One transaction; the same locks in the same order."""
        connection, request = self._connection(), approval.request
        connection.execute("BEGIN IMMEDIATE" if self._sqlite else "BEGIN")
        changed = connection.execute(
            self._sql("UPDATE request SET status = ?, decided_at = ? WHERE id = ? AND status = ? AND version = ?"),
            (request["status"], request["decided_at"], request["id"], "pending", request["version"]),
        ).rowcount
        assert changed == 1
        for table, row in approval.inserts:
            self._insert(connection, table, row)
        connection.execute(
            self._sql("UPDATE notice SET wanted = wanted + 1, due_at = ? WHERE subject = ? RETURNING id"),
            (request["decided_at"], request["id"]),
        ).fetchall()
        connection.execute(f"SELECT * FROM audit_head{'' if self._sqlite else ' FOR UPDATE'}").fetchall()
        for event in approval.events:
            self._insert(connection, "audit_event", event)
        self._move_head(connection, approval.events[-1])
        connection.execute("COMMIT")

    def close(self) -> None:
        for connection in self._connections:
            connection.close()

    def _connection(self) -> Any:
        if not hasattr(self._local, "connection"):
            self._local.connection = connect(self._url)
            self._connections.append(self._local.connection)
        return self._local.connection

    def _insert(self, connection: Any, table: str, row: Row) -> None:
        columns, holes = ", ".join(f'"{name}"' for name in row), ", ".join("?" * len(row))
        connection.execute(self._sql(f'INSERT INTO "{table}" ({columns}) VALUES ({holes})'), tuple(row.values()))

    def _move_head(self, connection: Any, end: Row) -> None:
        values = (end["seq"], end["hash"], end["at"])
        # The head only moves forward, and these come in any order.
        statement = "UPDATE audit_head SET seq = ?, hash = ?, at = ? WHERE seq < ?"
        connection.execute(self._sql(statement), (*values, end["seq"]))

    def _sql(self, statement: str) -> str:
        return statement if self._sqlite else statement.replace("?", "%s")


def connect(url: str) -> Any:
    if url.startswith("sqlite"):
        connection = sqlite3.connect(str(make_url(url).database), isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        return connection
    connected = psycopg.Connection[dict[str, Any]].connect(url, autocommit=True, row_factory=dict_row)
    # The columns that hold JSON come as dicts and lists.
    for kind in (dict, list):
        connected.adapters.register_dumper(kind, JsonDumper)
    return connected


def _all(connection: Any, statement: str) -> list[Row]:
    return [dict(row) for row in connection.execute(statement).fetchall()]
