"""A connection to a SQLite file, as our processes make it: patient, durable, and only for rows."""

import sqlite3
from datetime import timedelta

BUSY = timedelta(seconds=30)
"""How long a SQLite writer waits for the one before it."""
_ALLOWED = {
    sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE,
    sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE, sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_SAVEPOINT,
}  # fmt: skip
_WRITES = {sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE}
_LOOKS = {"table_info", "table_xinfo"}
"""Pragmas by which SQLAlchemy asks whether a table is there."""


def prepare(connection: sqlite3.Connection) -> None:
    """What every connection of ours needs."""
    connection.isolation_level = None  # we say BEGIN ourselves; the driver's own timing loses updates
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY.seconds * 1000}", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    # At its first use SQLite declares it as a table, which `guard` would refuse: in this connection, not in the file.
    connection.execute("SELECT value FROM json_each('[]')").fetchall()


def guard(connection: sqlite3.Connection) -> None:
    """Rows alone change from now on: no trigger goes, no table is renamed, shadowed or brought in from another file.

    A SQLite file knows no roles; this holds for SQL that somebody smuggles into our connection, not for who opens the
    file himself.
    """
    connection.set_authorizer(_authorize)


def _authorize(action: int, about: str | None, _more: str | None, database: str | None, _by: str | None) -> int:
    if action == sqlite3.SQLITE_PRAGMA:
        return sqlite3.SQLITE_OK if about in _LOOKS else sqlite3.SQLITE_DENY
    if action not in _ALLOWED:
        return sqlite3.SQLITE_DENY
    if action in _WRITES and (database != "main" or str(about).startswith("sqlite_")):
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK
