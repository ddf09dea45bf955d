"""What one connection of the provider postgres says: one message to the server is one transaction.

All statements of a `read` or a `write` happen or none. Each message says again whose names count and as whom it
speaks, for a pooler drops the start-up options; see docs/adr/0017-sessions-that-believe-no-names.md.
"""

import math
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import psycopg
from psycopg import sql
from psycopg.abc import RV, PQGen
from psycopg.pq.abc import PGconn
from psycopg.rows import tuple_row

from access.errors import Unsupported
from access.ports import Deadline
from workers.providers.postgres.errors import READ_ONLY, UNABLE, failure
from workers.providers.postgres.statements import Name, Statement

_OLDEST = 160000
"""From PostgreSQL 16 on a membership says whether it may be used by SET ROLE, and who granted it."""
_GRACE = 0.5
"""Seconds that the server's own time-out comes before ours, so that a slow statement ends with an answer."""

_NAMES = "SET LOCAL search_path = ''; SET LOCAL role = none"
_READ = Statement(f"SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY; {_NAMES}", {})
_WRITE = Statement(f"SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE; {_NAMES}", {})
"""A database or server that is read-only by default stops no end."""
_WRITE_ON_STANDBY = Statement(f"SET TRANSACTION ISOLATION LEVEL READ COMMITTED; {_NAMES}", {})
"""A standby refuses READ WRITE as something it does not know, and a change as what it is."""

Row = tuple[Any, ...]


class Connection(psycopg.Connection[Row]):
    """A connection whose every wait ends with the deadline of the call it serves."""

    deadline = Deadline(math.inf)
    opens = True
    """Whether access may be given and passwords be made over it; over any other it is ended alone."""
    kept_as: str | None = None
    """The database it was asked for; None: that of the `dsn`."""
    reusable = True
    """Not where what was said may have left something in the session."""
    shown: dict[str, str] = {}  # noqa: RUF012  (set for each connection, never changed)
    """What a person's connection should demand of the server, as keywords of libpq."""
    methods = ""
    """How the server may ask who the bot is; empty where it may ask as it likes."""

    @classmethod
    def over(cls, pgconn: PGconn) -> "Connection":
        pgconn.nonblocking = 1
        connection = cls(pgconn, row_factory=tuple_row)
        connection.autocommit = True
        connection.prepare_threshold = None
        return connection

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        left = self.deadline.left() + _GRACE
        return super().wait(gen, interval, left if timeout is None else min(timeout, left))

    @property
    def on_standby(self) -> bool | None:
        """None: the server, or what stands between, does not say."""
        said = self.info.parameter_status("in_hot_standby")
        return None if said is None else said == "on"


class Session:
    """One connection in the hands of one thread for one call of the provider."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def version(self) -> int:
        """As PostgreSQL counts: 180006 is 18.6."""
        return self._connection.info.server_version

    def refuse_old(self) -> None:
        """Raises Unsupported where login mode would promise more than the server can keep."""
        if self.version < _OLDEST:
            major = self.version // 10000
            raise Unsupported(f"The target runs PostgreSQL {major}; temporary logins need PostgreSQL 16 or later.")

    @property
    def tells_grantors_apart(self) -> bool:
        """Whether a membership of ours stands beside another's, and may be one that SET ROLE cannot use."""
        return self.version >= _OLDEST

    def read(self, *statements: Statement) -> list[Row]:
        """The rows of the last statement, in a transaction that can change nothing. Raises ProviderError."""
        return self._send(statements, changes=False, lock_timeout=None)

    def write(self, *statements: Statement, lock_timeout: timedelta | None = None) -> list[Row]:
        """The rows of the last statement. Raises Ambiguous where the change may have happened.

        It waits for another's lock no longer than `lock_timeout`, else until the deadline.
        """
        return self._send(statements, changes=True, lock_timeout=lock_timeout)

    def write_apart(self, *statements: Statement, lock_timeout: timedelta | None = None) -> None:
        """Each a message and a transaction of its own: for those that refuse to be in one with others.

        What they set (SET ROLE) holds for the next; the connection serves nobody else afterwards.
        """
        self._connection.reusable = False
        left = self._left()
        statement_timeout = Statement("SET statement_timeout = {limit}", {"limit": milliseconds(left)})
        patience = milliseconds(min(left, lock_timeout or left))
        for statement in (
            statement_timeout,
            Statement("SET lock_timeout = {patience}", {"patience": patience}),
            Statement("SET search_path = ''", {}),
            *statements,
        ):
            self._execute(compose(statement), changes=True)

    def hashed(self, login: str, password: str) -> str:
        """The password as the server keeps it: made here, so that the server and its log never see the password."""
        return self._connection.pgconn.encrypt_password(password.encode(), login.encode(), b"scram-sha-256").decode()

    def address(self, login: str, *, made: bool = False) -> dict[str, str]:
        """Where `login` connects to and what it demands of the server, as keywords of libpq.

        `made`: it is a login of ours, whose password the server keeps as SCRAM; how a person proves to be the owner of
        another is not for us to say.
        """
        info = self._connection.info
        address = {"host": info.host, "port": str(info.port), "dbname": info.dbname, "user": login}
        demands = dict(self._connection.shown)
        if made and (methods := self._connection.methods):
            demands["require_auth"] = "scram-sha-256,password" if "password" in methods.split(",") else "scram-sha-256"
        return address | demands

    def _left(self) -> timedelta:
        return timedelta(seconds=self._connection.deadline.left())

    def _send(self, statements: Iterable[Statement], *, changes: bool, lock_timeout: timedelta | None) -> list[Row]:
        begin = (_WRITE_ON_STANDBY if self._connection.on_standby else _WRITE) if changes else _READ
        limits = _limits(self._left(), lock_timeout)
        message = sql.SQL("; ").join(compose(statement) for statement in (begin, limits, *statements))
        return self._execute(message, changes=changes)

    def _execute(self, message: sql.Composed, *, changes: bool) -> list[Row]:
        try:
            return _last_rows(self._connection.execute(message))
        except psycopg.Error as error:
            code = error.sqlstate
            if code == UNABLE and changes and self._connection.on_standby is None:
                code = READ_ONLY
            raise failure(code, changes=changes) from None


def _limits(left: timedelta, lock_timeout: timedelta | None) -> Statement:
    # LOCAL, so that a pooler's next client does not inherit them.
    return Statement(
        "SET LOCAL statement_timeout = {limit}; SET LOCAL lock_timeout = {patience}",
        {"limit": milliseconds(left), "patience": milliseconds(min(left, lock_timeout or left))},
    )


def milliseconds(span: timedelta) -> int:
    """At least one: nought would mean no limit."""
    return max(1, int(span.total_seconds() * 1000))


def compose(statement: Statement) -> sql.Composed:
    return sql.SQL(statement.text).format(
        **{
            hole: sql.Identifier(value) if isinstance(value, Name) else sql.Literal(value)
            for hole, value in statement.values.items()
        }
    )


def _last_rows(cursor: psycopg.Cursor[Row]) -> list[Row]:
    while cursor.nextset():
        pass
    return cursor.fetchall() if cursor.description else []
