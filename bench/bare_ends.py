"""The floor of an end: the same rows, written by the driver alone, many in one transaction as the workers do."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.bare_sql import BareSql, Row, Rows, connect

TOGETHER = 100
"""Ends that are claimed, and written down, in one transaction."""
_ENDING = (
    "status",
    "fence",
    "attempts",
    "ended_by",
    "ended_by_person",
    "end_reason",
    "end_due_at",
    "alert_at",
    "due_at",
)
_ENDED = ("status", "removed_at", "proven_at", "ended_at", "cleanup_until", "problem", "alert_at", "due_at")
_GRANTS = 'SELECT id FROM "grant" WHERE id BETWEEN ? AND ?'
_REQUESTS = 'SELECT request_id FROM "grant" WHERE id BETWEEN ? AND ?'
_CHOSEN = {
    "request": f"id IN ({_REQUESTS})",
    "grant": f"id IN ({_GRANTS})",
    "notice": f"subject IN ({_REQUESTS}) OR subject IN ({_GRANTS})",
    "audit_event": f"object_id IN ({_GRANTS})",
}


@dataclass(frozen=True)
class End:
    """What one end changes."""

    before: Row
    after: Row
    word: Row
    """The message of its own that it is over."""
    events: tuple[Row, Row]


def recorded_of(url: str, ids: Sequence[str]) -> Rows:
    """The rows of these grants, which were made one after the other, as the driver reads them."""
    connection = connect(url)
    rows: Rows = {"audit_head": _found(connection, url, "SELECT * FROM audit_head", ())}
    for table, chosen in _CHOSEN.items():
        given = (ids[0], ids[-1]) * chosen.count("BETWEEN")
        rows[table] = _found(connection, url, f'SELECT * FROM "{table}" WHERE {chosen}', given)
    connection.close()
    return rows


class BareEnds(BareSql):
    """An empty store, filled with the rows from before the ends."""

    filled = ("request", "grant", "notice")

    def ends(self, after: Rows) -> Iterator[list[End]]:
        """What happened between `before` and `after`, as many at a time as are written together."""
        opened = {row["id"]: row for row in self.before["grant"]}
        words = {row["subject"]: row for row in after["notice"] if row["kind"] == "ended"}
        events = defaultdict[str, list[Row]](list)
        for row in sorted(after["audit_event"], key=lambda row: row["seq"]):
            events[row["object_id"]].append(row)
        made = [
            End(opened[row["id"]], row, words[row["id"]], (events[row["id"]][-2], events[row["id"]][-1]))
            for row in after["grant"]
        ]
        for first in range(0, len(made), TOGETHER):
            yield made[first : first + TOGETHER]

    def end(self, ends: Sequence[End]) -> None:
        """Two transactions: that they are being ended, and that they have ended; the same locks in the same order."""
        for number, (columns, seen) in enumerate(((_ENDING, "active"), (_ENDED, "revoking"))):
            connection = self.begun()
            self._hold(connection, ends)
            fences = [(one.before if number == 0 else one.after)["fence"] for one in ends]
            self._move(connection, ends, columns, seen, fences, to=("revoking", "ended")[number])
            if number == 1:
                self.insert_all(connection, "notice", [one.word for one in ends])
            self._retell(connection, ends)
            connection.execute(f"SELECT * FROM audit_head{self.held}").fetchall()
            events = [one.events[number] for one in ends]
            self.insert_all(connection, "audit_event", events)
            self.move_head(connection, max(events, key=lambda event: event["seq"]))
            connection.execute("COMMIT")

    def _hold(self, connection: Any, ends: Sequence[End]) -> None:
        ids = [one.before["id"] for one in ends]
        holes = ", ".join("?" * len(ids))
        connection.execute(
            self.sql(f'SELECT * FROM "grant" WHERE id IN ({holes}) ORDER BY id{self.held}'), ids
        ).fetchall()

    def _move(
        self, connection: Any, ends: Sequence[End], columns: Sequence[str], seen: str, fences: Sequence[int], *, to: str
    ) -> None:
        values = ", ".join(f"{column} = ?" for column in columns)
        statement = self.sql(f'UPDATE "grant" SET {values} WHERE id = ? AND status = ? AND fence = ?')
        rows = [
            (*({**one.after, "status": to}[column] for column in columns), one.before["id"], seen, fence)
            for one, fence in zip(ends, fences, strict=True)
        ]
        cursor = connection.cursor()
        cursor.executemany(statement, rows)
        assert cursor.rowcount == len(rows)

    def _retell(self, connection: Any, ends: Sequence[End]) -> None:
        requests = [one.before["request_id"] for one in ends]
        holes = ", ".join("?" * len(requests))
        connection.execute(
            self.sql(
                "UPDATE notice SET wanted_version = wanted_version + 1, due_at = ?"
                f" WHERE subject IN ({holes}) RETURNING id"
            ),
            (ends[0].after["ended_at"], *requests),
        ).fetchall()


def _found(connection: Any, url: str, statement: str, given: Sequence[Any]) -> list[Mapping[str, Any]]:
    asked = statement if url.startswith("sqlite") else statement.replace("?", "%s")
    return [dict(row) for row in connection.execute(asked, given).fetchall()]
