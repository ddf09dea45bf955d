"""The provider postgres's connections: kept warm, never shared by two threads, every wait bounded, every error ours.

One message to the server is one transaction: all statements of a `read` or a `write` happen or none.
"""

import math
import select
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
from psycopg import conninfo, sql
from psycopg.abc import RV, PQGen

from access.errors import BadConfig, Unsupported
from access.ports import Deadline, SecretReference
from workers.providers.postgres.errors import connect_failure, failure
from workers.providers.postgres.statements import Name, Statement

_OLDEST = 160000
"""From PostgreSQL 16 on a membership says whether it may be used by SET ROLE, and who granted it."""

_KEPT_IDLE = 4
_KEEPALIVE = {"keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 15_000}
"""A server that is gone without a word is noticed; and words that it did not take in so many milliseconds are thrown
away by the kernel, so that no change arrives long after it was given up."""
_GRACE = 0.5
"""Seconds that the server's own time-out comes before ours, so that a slow statement ends with an answer."""

Row = tuple[Any, ...]


class _Connection(psycopg.Connection[Row]):
    """A connection whose every wait ends with the deadline of the call it serves."""

    deadline = Deadline(math.inf)

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        left = self.deadline.left() + _GRACE
        return super().wait(gen, interval, left if timeout is None else min(timeout, left))


class Session:
    """One connection in the hands of one thread for one call of the provider."""

    def __init__(self, connection: _Connection) -> None:
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
        """The rows of the last statement. Raises ProviderError; nothing was changed."""
        return self._send(statements, changes=False)

    def write(self, *statements: Statement, lock_timeout: timedelta | None = None) -> list[Row]:
        """The rows of the last statement. Raises Ambiguous where the change may have happened.

        `lock_timeout`: how long one lock is waited for, where that is less than the deadline.
        """
        return self._send(statements, changes=True, lock_timeout=lock_timeout)

    def alone(self, statement: Statement) -> None:
        """A statement that must not be in a transaction with others, or that is to hold for the messages after it."""
        try:
            self._connection.execute(_compose(statement))
        except psycopg.Error as error:
            raise failure(error.sqlstate, changes=True) from None

    def hashed(self, login: str, password: str) -> str:
        """The password as the server keeps it: made here, so that the server and its log never see the password."""
        return self._connection.pgconn.encrypt_password(password.encode(), login.encode(), b"scram-sha-256").decode()

    def address(self, login: str) -> dict[str, str]:
        """Where `login` connects to, as keywords of libpq."""
        info = self._connection.info
        address = {"host": info.host, "port": str(info.port), "dbname": info.dbname, "user": login}
        sslmode = info.get_parameters().get("sslmode")
        return address | ({"sslmode": sslmode} if sslmode else {})

    def _send(
        self, statements: Iterable[Statement], *, changes: bool, lock_timeout: timedelta | None = None
    ) -> list[Row]:
        milliseconds = int(self._connection.deadline.left() * 1000)
        shortest = milliseconds if lock_timeout is None else min(milliseconds, int(lock_timeout.total_seconds() * 1000))
        # LOCAL, so that a pooler's next client does not inherit them.
        limits = Statement(
            "SET LOCAL statement_timeout = {limit}; SET LOCAL lock_timeout = {locks}",
            {"limit": milliseconds, "locks": shortest},
        )
        message = sql.SQL("; ").join(_compose(statement) for statement in (limits, *statements))
        try:
            return _last_rows(self._connection.execute(message))
        except psycopg.Error as error:
            raise failure(error.sqlstate, changes=changes) from None


class Connections:
    """The connections of one provider instance."""

    def __init__(self, dsn: SecretReference, database: str | None) -> None:
        self._dsn = dsn
        self._database = database
        self._idle: list[_Connection] = []
        self._lock = threading.Lock()

    @contextmanager
    def session(self, deadline: Deadline) -> Iterator[Session]:
        """A session on the target's database. Raises ProviderError."""
        connection = self._take() or self._connect(deadline, self._database)
        connection.deadline = deadline
        try:
            yield Session(connection)
        finally:
            self._give_back(connection)

    @contextmanager
    def session_on(self, database: str, deadline: Deadline) -> Iterator[Session]:
        """A session on another database of the same server, not kept."""
        connection = self._connect(deadline, database)
        connection.deadline = deadline
        try:
            yield Session(connection)
        finally:
            connection.close()

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _take(self) -> _Connection | None:
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if _is_quiet(connection):
                return connection
            connection.close()

    def _give_back(self, connection: _Connection) -> None:
        # A connection in the middle of an answer would give it to the next call.
        reusable = connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        with self._lock:
            if reusable and len(self._idle) < _KEPT_IDLE:
                self._idle.append(connection)
                return
        connection.close()

    def _connect(self, deadline: Deadline, database: str | None) -> _Connection:
        settings: dict[str, Any] = {"application_name": "countersign", "client_encoding": "UTF8", **_KEEPALIVE}
        if database is not None:
            settings["dbname"] = database
        settings["connect_timeout"] = max(2, math.ceil(deadline.left()))  # 2 is libpq's least
        dsn = self._dsn.read().get_secret_value()
        try:
            conninfo.conninfo_to_dict(dsn)
        except psycopg.ProgrammingError:
            raise BadConfig(
                "The target's `dsn` cannot be read; it looks like postgresql://bot:password@host:5432/database."
            ) from None
        try:
            return _Connection.connect(dsn, autocommit=True, prepare_threshold=None, **settings)
        except psycopg.Error as error:
            raise connect_failure(str(error)) from None


def connection_string(address: dict[str, str]) -> str:
    """As psql and every client of libpq read it."""
    return conninfo.make_conninfo("", **address)


def render(statements: Iterable[Statement]) -> tuple[str, ...]:
    """The statements as text, for people."""
    return tuple(_compose(statement).as_string() for statement in statements)


def _compose(statement: Statement) -> sql.Composed:
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


def _is_quiet(connection: _Connection) -> bool:
    """Nothing to read on an idle connection: the server has not hung up meanwhile."""
    if connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)
