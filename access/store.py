"""The database: engines, transactions, and changing a row only while it is still what was seen."""

import sqlite3
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlmodel import Session, SQLModel

from access.clock import host_now
from access.errors import Unavailable, Unready

BUSY = timedelta(seconds=30)
"""How long a SQLite writer waits for the one before it."""
POSTGRES_TIMEOUTS = {"statement_timeout": "10s", "lock_timeout": "10s", "idle_in_transaction_session_timeout": "15s"}
"""A stopped holder of a row or of the audit head must not stop the others for longer."""


class Database:
    """Two ways in: `write()` for changes, `read()` for looking. SQLite or PostgreSQL, by URL."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = _parsed(url)
        self.dialect = self.url.get_backend_name()
        self._writer = _engine(self.url, pool_size=pool_size, immediate=True)
        # SQLite: a write transaction takes the one lock at once, so looking has an engine of its own.
        self._reader = _engine(self.url, pool_size=pool_size, immediate=False) if self._is_sqlite else self._writer

    @property
    def _is_sqlite(self) -> bool:
        return self.dialect == "sqlite"

    @contextmanager
    def write(self) -> Generator[Session]:
        """One transaction, committed at the end; raises Unavailable when the database cannot be written."""
        try:
            with Session(self._writer, expire_on_commit=False) as session, session.begin():
                yield session
        except OperationalError as error:
            raise Unavailable from error

    @contextmanager
    def read(self) -> Generator[Session]:
        """One consistent look; what it loads stays readable afterwards."""
        try:
            with Session(self._reader, expire_on_commit=False) as session:
                yield session
        except OperationalError as error:
            raise Unavailable("Countersign can't read its database just now. Please try again in a minute.") from error

    def engine(self) -> sa.Engine:
        """For migrations."""
        return self._writer

    def reachable(self) -> None:
        """Raises Unready with what the database or its driver says."""
        if self._is_sqlite and self.url.database and self.url.database != ":memory:":
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        with self._told():
            self._writer.connect().close()

    def check(self, revision: str) -> None:
        """Reachable, writable and on this revision. Raises Unready with the cure."""
        with self._told(), self._writer.begin() as connection:
            found = self._revision(connection)
            if found == revision:
                connection.execute(sa.text("UPDATE audit_head SET id = id"))
        if found != revision:
            state = f"at revision {found}" if found else "empty"
            raise Unready(
                f"The database {self.shown} is {state}; this version needs {revision}. Run `countersign migrate`."
            )

    @contextmanager
    def _told(self) -> Generator[None]:
        try:
            yield
        except DBAPIError as error:
            raise Unready(f"The database {self.shown} cannot be used: {_cause(error)}.") from None

    def _revision(self, connection: sa.Connection) -> str | None:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()

    def time(self) -> datetime:
        """The database's own clock."""
        if self._is_sqlite:
            return host_now()  # it runs in this process
        with self._reader.connect() as connection:
            return connection.execute(sa.text("SELECT clock_timestamp()")).scalar_one()

    @property
    def shown(self) -> str:
        """The URL without its password."""
        return self.url.render_as_string(hide_password=True)

    def close(self) -> None:
        self._writer.dispose()
        self._reader.dispose()


def compare_and_set(
    session: Session, row: type[SQLModel], identifier: str, *, expected: Mapping[str, Any], values: Mapping[str, Any]
) -> bool:
    """Changes the row if it still is as expected; False when somebody was faster."""
    table = _table(row)
    conditions = [table.c[name] == value for name, value in expected.items()]
    statement = sa.update(table).where(table.c.id == identifier, *conditions).values(**values)
    return session.connection().execute(statement).rowcount == 1


def insert_unless_there(session: Session, row: SQLModel) -> bool:
    """Inserts, or does nothing when a unique index says that it is there already."""
    values = {column.name: getattr(row, column.name) for column in _table(type(row)).columns}
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(type(row)).values(**values).on_conflict_do_nothing()
    return session.connection().execute(statement).rowcount == 1


def _table(row: type[SQLModel]) -> sa.Table:
    return cast("sa.Table", getattr(row, "__table__"))  # noqa: B009 -- SQLModel does not declare it


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise Unready(
            "DATABASE_URL is not a database URL; write sqlite:////path/to/file.db or postgresql://user:password@host/name."
        ) from None
    if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
        raise Unready(f"DATABASE_URL names {parsed.get_backend_name()}; Countersign knows sqlite and postgresql.")
    return parsed


def _engine(url: URL, *, pool_size: int, immediate: bool) -> sa.Engine:
    if url.get_backend_name() == "postgresql":
        options = " ".join(f"-c {name}={value}" for name, value in POSTGRES_TIMEOUTS.items())
        return sa.create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            connect_args={"connect_timeout": 5, "options": options},
        )
    engine = sa.create_engine(url, pool_size=pool_size, max_overflow=pool_size, connect_args={"timeout": BUSY.seconds})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_immediate if immediate else _begin)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves; the driver's own timing loses updates
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY.seconds * 1000}", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: sa.Connection) -> None:
    # A deferred BEGIN that reads before it writes fails at once when another writer got in between.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _cause(error: DBAPIError) -> str:
    return str(error.orig).strip().splitlines()[0].rstrip(".")
