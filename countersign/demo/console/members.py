"""The program of the support console: one question on standard input, one answer on standard output.

It is run by itself (`python -I members.py FILE`), so it imports nothing of ours. Its words:
docs/providers/command.md.
"""

import json
import sqlite3
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROLES = {"answer", "refund"}
SCHEMA = """
CREATE TABLE IF NOT EXISTS member (
    name text PRIMARY KEY, grant_id text NOT NULL, person text NOT NULL, role text NOT NULL, until real NOT NULL
);
"""
Answer = dict[str, Any]


class Failed(Exception):
    """Why it was not done, by a word of the schema and a sentence."""

    def __init__(self, kind: str, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind


def open_members(file: Path) -> sqlite3.Connection:
    """Each statement counts at once; several that are asked at the same time wait for each other."""
    return sqlite3.connect(file, timeout=5, isolation_level=None)


def grant(rows: sqlite3.Connection, question: Answer) -> Answer:
    asked = question["grant"]
    if unknown := set(asked["grants"]) - ROLES:
        raise Failed("target_not_found", f"The support console has no role {min(unknown)}.")
    if not asked["principal"].isidentifier():
        raise Failed("principal_not_found", "The support console knows no such person.")
    # The role that allows more is written down; whoever may pay refunds may answer too.
    row = (asked["name"], asked["id"], asked["principal"], max(asked["grants"]), _until(asked))
    rows.execute("INSERT OR REPLACE INTO member VALUES (?, ?, ?, ?, ?)", row)
    return _open(asked)


def observe(rows: sqlite3.Connection, question: Answer) -> Answer:
    found = rows.execute(
        "SELECT until, role FROM member WHERE name = ? AND until > ?", [question["grant"]["name"], time.time()]
    ).fetchone()
    if found is None:
        return {"present": False, "sessions": 0}
    extra_privileges = [] if found[1] in question["grant"]["grants"] else [f"the role {found[1]}"]
    return {"present": True, "sessions": 0, "expires_at": _moment(found[0]), "extra_privileges": extra_privileges}


def revoke(rows: sqlite3.Connection, question: Answer) -> Answer:
    gone = rows.execute("DELETE FROM member WHERE name = ?", [question["grant"]["name"]]).rowcount
    return {"state": "removed" if gone else "absent", "sessions_ended": 0}


def extend(rows: sqlite3.Connection, question: Answer) -> Answer:
    asked = question["grant"]
    there = "UPDATE member SET until = ? WHERE name = ? AND until > ?"
    if not rows.execute(there, [_until(asked), asked["name"], time.time()]).rowcount:
        raise Failed("target_not_found", "This person is no longer in the support console.")
    return _open(asked)


def list_members(rows: sqlite3.Connection, _question: Answer) -> Answer:
    found = rows.execute("SELECT name, grant_id, role FROM member WHERE until > ?", [time.time()]).fetchall()
    return {"managed": [{"name": name, "grant_id": grant_id, "grants": [role]} for name, grant_id, role in found]}


def check(_rows: sqlite3.Connection, question: Answer) -> Answer:
    found = [{"level": "ok", "subject": "console", "sentence": "The support console answers."}]
    for title, roles in question.get("roles", {}).items():
        for role in sorted(set(roles) - ROLES):
            found.append({"level": "error", "subject": title, "sentence": f"The support console has no role {role}."})
    return {"findings": found}


VERBS: dict[str, Callable[[sqlite3.Connection, Answer], Answer]] = {
    "grant": grant, "observe": observe, "revoke": revoke, "extend": extend, "list": list_members, "check": check,
}  # fmt: skip


def answer(file: Path, question: Answer) -> Answer:
    """The answer, or an error in the schema's words."""
    try:
        verb = VERBS.get(question["verb"])
        if verb is None:
            raise Failed("unsupported", "The support console cannot do that.")
        _refuse_late(question)
        rows = open_members(file)
        try:
            return verb(rows, question)
        finally:
            rows.close()
    except Failed as error:
        return {"error": {"kind": error.kind, "sentence": str(error)}}
    except sqlite3.OperationalError:
        return {"error": {"kind": "transient", "sentence": "The support console is busy."}}


def _refuse_late(question: Answer) -> None:
    """Who asked may have died meanwhile, and another may have ended what this would open."""
    until = question.get("deadline")
    if until is not None and _read(until) < datetime.now(UTC):
        raise Failed("transient", "The deadline of this call is over.")


def _open(asked: Answer) -> Answer:
    return {"state": "active", "expires_at": _moment(_until(asked))}


def _until(asked: Answer) -> float:
    return _read(asked["expires_at"]).timestamp()


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _read(moment: str) -> datetime:
    return datetime.fromisoformat(moment.replace("Z", "+00:00"))


if __name__ == "__main__":
    print(json.dumps(answer(Path(sys.argv[1]), json.loads(sys.stdin.read()))))
