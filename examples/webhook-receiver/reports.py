"""The system behind the endpoint: reports, and who may read them. Replace this file by what reaches your own system.

A person logs in with the token that was revealed, gets a session, and reads the report with it. Each reading looks at
the grant again, so that nothing outlives it.
"""

import hashlib
import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS grants (
    id TEXT PRIMARY KEY, principal TEXT NOT NULL, reports TEXT NOT NULL, expires_at INTEGER NOT NULL,
    ready_at INTEGER NOT NULL, changed_at INTEGER NOT NULL, token TEXT, added TEXT NOT NULL DEFAULT '[]'
) STRICT;
CREATE TABLE IF NOT EXISTS own_tokens (token TEXT PRIMARY KEY, principal TEXT NOT NULL, report TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY, token TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS ended (id TEXT PRIMARY KEY, signed_at INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT;
"""
_REMEMBERED = 900_000_000
"""Microseconds: three times as long as a call is taken, for its clock may be ahead of ours."""
_READABLE = """
SELECT 1 FROM sessions s JOIN grants g ON g.token = s.token
    WHERE s.id = ? AND ? < g.expires_at AND g.ready_at <= ?
    AND ? IN (SELECT value FROM json_each(g.reports) UNION ALL SELECT value FROM json_each(g.added))
UNION ALL SELECT 1 FROM sessions s JOIN own_tokens o ON o.token = s.token WHERE s.id = ? AND o.report = ?
"""
_LATE = 10_000_000
"""Microseconds after its deadline in which a call still opens something, for clocks differ."""


class Refused(Exception):
    """What was asked cannot be done; `kind` is of the schema."""

    def __init__(self, kind: str, sentence: str) -> None:
        super().__init__(sentence)
        self.kind, self.sentence = kind, sentence


def now_us() -> int:
    return time.time_ns() // 1000


class Reports:
    """All of it in one file of SQLite; every answer is made in one transaction."""

    def __init__(self, file: Path, names: frozenset[str], address: str, takes_s: float = 0.0) -> None:
        self._names, self._address, self._takes = names, address, int(takes_s * 1_000_000)
        self._lock = threading.Lock()
        self._rows = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._rows.executescript(f"PRAGMA journal_mode = WAL; PRAGMA busy_timeout = 10000; {_SCHEMA}")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Raises Refused where it cannot be written down, on a disk that is full or read-only: then nothing is done."""
        with self._lock:
            try:
                self._rows.execute("BEGIN IMMEDIATE")
                yield self._rows
                self._rows.execute("COMMIT")
            except sqlite3.OperationalError:
                raise Refused("transient", "The endpoint cannot write to its disk, so nothing was done.") from None
            finally:
                if self._rows.in_transaction:
                    self._rows.execute("ROLLBACK")

    def is_replay(self, identifier: str) -> bool:
        """Remembers the call in a transaction of its own: it stays remembered, whatever becomes of the call.

        Raises Refused.
        """
        now = now_us()
        with self._transaction() as rows:
            rows.execute("DELETE FROM seen WHERE at < ?", [now - _REMEMBERED])
            rows.execute("DELETE FROM ended WHERE signed_at < ?", [now - _REMEMBERED])
            return rows.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", [identifier, now]).rowcount == 0

    def answer(self, asked: dict[str, Any], signed_at: int) -> dict[str, Any]:
        """Raises Refused. The grant's id and the verb say what is asked: again is once."""
        verb = asked.get("verb")
        with self._transaction() as rows:
            if verb == "check":
                return {"findings": self._check(asked.get("roles"))}
            if verb == "list":
                return {"managed": self._list(rows)}
            if verb == "revoke":
                return self._revoke(rows, _id_of(asked), signed_at)
            if verb == "observe":
                return self._observe(rows, _id_of(asked))
            opens = {"grant": self._grant, "extend": self._extend, "reveal": self._reveal}
            if verb in opens:
                grant = _grant_of(asked)
                _in_time(asked)
                return opens[verb](rows, grant, signed_at)
        raise Refused("unsupported", "This endpoint does not know the verb.")

    # What Countersign asks

    def _check(self, roles: object) -> list[dict[str, str]]:
        given = roles.items() if isinstance(roles, dict) else ()
        unknown = {role: sorted(map(str, set(reports) - self._names)) for role, reports in given}
        return [
            {"level": "error", "subject": f"role {role}", "sentence": f"There is no report {', '.join(names)} here.",
             "cure": f"Take it out of the role {role}, or add it to --reports."}
            for role, names in unknown.items() if names
        ]  # fmt: skip

    def _grant(self, rows: sqlite3.Connection, grant: dict[str, Any], signed_at: int) -> dict[str, Any]:
        if not grant["principal"]:
            raise Refused("principal_not_found", "The grant names no principal.")
        if not set(grant["grants"]) <= self._names:
            raise Refused("target_not_found", "There is no such report here.")
        reports = json.dumps(sorted(set(grant["grants"])))
        _in_order(rows, grant["id"], signed_at)
        known = _row(rows, grant["id"])
        if known is not None and (known["principal"], known["reports"]) != (grant["principal"], reports):
            raise Refused("permanent", "There is another grant with this id.")
        now = now_us()
        rows.execute(
            "INSERT INTO grants (id, principal, reports, expires_at, ready_at, changed_at) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at, "
            "changed_at = excluded.changed_at",
            [grant["id"], grant["principal"], reports, grant["ends"], now + self._takes, signed_at],
        )
        made = _row(rows, grant["id"])
        assert made is not None
        if made["ready_at"] > now:
            return {**_opened(made), "state": "pending", "look_again": (made["ready_at"] - now) / 1_000_000}
        return _opened(made)

    def _extend(self, rows: sqlite3.Connection, grant: dict[str, Any], signed_at: int) -> dict[str, Any]:
        known = _open(rows, grant["id"])
        _in_order(rows, grant["id"], signed_at)
        rows.execute(
            "UPDATE grants SET expires_at = ?, changed_at = ? WHERE id = ?", [grant["ends"], signed_at, grant["id"]]
        )
        return _opened({**known, "expires_at": grant["ends"]})

    def _reveal(self, rows: sqlite3.Connection, grant: dict[str, Any], signed_at: int) -> dict[str, Any]:
        """A fresh token; that of before, and what was logged in with it, stops working."""
        known = _open(rows, grant["id"])
        if known["ready_at"] > now_us():
            raise Refused("transient", "The access is still being made.")
        token = secrets.token_urlsafe(32)
        rows.execute("DELETE FROM sessions WHERE token = ?", [known["token"]])
        rows.execute("UPDATE grants SET token = ? WHERE id = ?", [_hash(token), grant["id"]])
        return {"fields": [{"label": "Address", "value": self._address}, {"label": "Token", "value": token}]}

    def _revoke(self, rows: sqlite3.Connection, identifier: str, signed_at: int) -> dict[str, Any]:
        """Always done, in whatever order it comes and however late: nothing holds up an end."""
        rows.execute(
            "INSERT INTO ended VALUES (?, ?) ON CONFLICT DO UPDATE SET signed_at = max(signed_at, excluded.signed_at)",
            [identifier, signed_at],
        )
        sessions = rows.execute(
            "DELETE FROM sessions WHERE token IN (SELECT token FROM grants WHERE id = ?)", [identifier]
        ).rowcount
        gone = rows.execute("DELETE FROM grants WHERE id = ?", [identifier]).rowcount
        return {"state": "removed" if gone else "absent", "sessions_ended": sessions}

    def _observe(self, rows: sqlite3.Connection, identifier: str) -> dict[str, Any]:
        known = _row(rows, identifier)
        if known is None or known["expires_at"] <= now_us():
            return {"present": False}
        sessions = rows.execute("SELECT count(*) FROM sessions WHERE token = ?", [known["token"]]).fetchone()[0]
        return {
            "present": True,
            "sessions": sessions,
            "expires_at": _time(known["expires_at"]),
            "extra_privileges": [f"the report {name}" for name in json.loads(known["added"])],
        }

    def _list(self, rows: sqlite3.Connection) -> list[dict[str, Any]]:
        found = rows.execute("SELECT id, reports, added FROM grants WHERE expires_at > ?", [now_us()])
        return [
            {"name": f"cs_{identifier}", "grant_id": identifier, "grants": [*json.loads(reports), *json.loads(added)]}
            for identifier, reports, added in found
        ]

    # What people do

    def log_in(self, token: str) -> str | None:
        """A session; None where the token opens nothing."""
        session, now = secrets.token_urlsafe(32), now_us()
        known = (
            "SELECT token FROM grants WHERE token = ?1 AND ?2 < expires_at UNION ALL "
            "SELECT token FROM own_tokens WHERE token = ?1"
        )
        with self._transaction() as rows:
            if rows.execute(known, [_hash(token), now]).fetchone() is None:
                return None
            rows.execute("INSERT INTO sessions VALUES (?, ?)", [_hash(session), _hash(token)])
        return session

    def log_out(self, session: str) -> None:
        with self._transaction() as rows:
            rows.execute("DELETE FROM sessions WHERE id = ?", [_hash(session)])

    def may_read(self, session: str, report: str) -> bool:
        now, identifier = now_us(), _hash(session)
        with self._transaction() as rows:
            asked = [identifier, now, now, report, identifier, report]
            return rows.execute(_READABLE, asked).fetchone() is not None


def _id_of(asked: dict[str, Any]) -> str:
    """All that an end and a look need; they are never refused for the rest. Raises Refused."""
    grant = asked.get("grant")
    identifier = grant.get("id") if isinstance(grant, dict) else None
    if not isinstance(identifier, str) or len(identifier) != 26 or not identifier.isalnum():
        raise Refused("bad_config", "The call names no grant by an id of 26 letters and digits.")
    return identifier


def _grant_of(asked: dict[str, Any]) -> dict[str, Any]:
    """The grant of a call that opens something, as this system needs it. Raises Refused."""
    identifier = _id_of(asked)
    grant = {**asked["grant"], "id": identifier}
    principal = grant.get("principal")
    if not isinstance(principal, str) or not principal.isprintable() or len(principal) > 200:
        raise Refused("bad_config", "The principal of a grant is one line.")
    reports = grant.get("grants")
    if not isinstance(reports, list) or not reports or not all(isinstance(one, str) for one in reports):
        raise Refused("bad_config", "The role grants no report.")
    return {**grant, "ends": _moment(grant.get("expires_at"))}


def _moment(written: object) -> int:
    """Raises Refused."""
    try:
        return int(datetime.fromisoformat(str(written)).timestamp() * 1_000_000)
    except (ValueError, OverflowError):
        raise Refused("bad_config", "A time in the call is no time.") from None


def _in_time(asked: dict[str, Any]) -> None:
    """Who asked has given up by then, and may have proven that nothing is there."""
    if asked.get("deadline") is not None and now_us() > _moment(asked["deadline"]) + _LATE:
        raise Refused("transient", "The call came after its deadline.")


def _open(rows: sqlite3.Connection, identifier: str) -> dict[str, Any]:
    """Raises Refused where there is nothing, or nothing any more."""
    known = _row(rows, identifier)
    if known is None or known["expires_at"] <= now_us():
        raise Refused("target_not_found", "The access is not there.")
    return known


def _in_order(rows: sqlite3.Connection, identifier: str, signed_at: int) -> None:
    """A call that was held up on its way, and comes after what was asked later, opens nothing again."""
    query = "SELECT signed_at FROM ended WHERE id = ?1 UNION ALL SELECT changed_at FROM grants WHERE id = ?1"
    if any(signed_at <= later for (later,) in rows.execute(query, [identifier])):
        raise Refused("conflict", "A later call about this grant came before this one.")


def _row(rows: sqlite3.Connection, identifier: str) -> dict[str, Any] | None:
    found = rows.execute("SELECT * FROM grants WHERE id = ?", [identifier])
    names = [column[0] for column in found.description]
    row = found.fetchone()
    return None if row is None else dict(zip(names, row, strict=True))


def _opened(row: dict[str, Any]) -> dict[str, Any]:
    return {"state": "active", "expires_at": _time(row["expires_at"]), "details": {"grant": row["id"]}}


def _time(microseconds: int) -> str:
    return (
        datetime.fromtimestamp(microseconds // 1_000_000, UTC).replace(microsecond=microseconds % 1_000_000).isoformat()
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
