"""The database: engines, transactions, and changing a row only while it is still what was seen."""

import json
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import Session, SQLModel

from access import bulk, postgres_session
from access.clock import host_now
from access.database_address import DatabaseAddress
from access.errors import Unavailable, Unready
from access.private_files import private_database
from access.sqlite import BUSY, guard, prepare

_AWAY = (OperationalError, InterfaceError, InternalError, PoolTimeout)
"""Gone, locked for too long, read-only for now (a standby), or no connection left; other errors are our own."""
ANSWER_WITHIN = 15.0
"""Seconds until a PostgreSQL that does not answer at all is given up: after its own time-outs, which it would tell."""
_MAKING = threading.Lock()
_DECODE = json.JSONDecoder().decode
_TURN = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
_UNREADABLE = "Countersign can't read its database just now. Please try again in a minute."
_IN_DOUBT = (
    "Countersign's database did not answer, so it is not known whether this was done. Please look before you try again."
)


class Database:
    """Two ways in: `write()` for changes, `read()` for looking. SQLite or PostgreSQL, by URL."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.address = DatabaseAddress.parse(url)
        self.url = self.address.url
        self.dialect = self.url.get_backend_name()
        self._writer = _engine(self.address, pool_size=pool_size, immediate=True)
        self._reader = self._looking(pool_size)
        self._migrator: sa.Engine | None = None

    def _looking(self, pool_size: int) -> sa.Engine:
        if self._is_sqlite:
            # A write transaction takes the one lock at once, so looking has an engine of its own.
            return _engine(self.address, pool_size=pool_size, immediate=False)
        # Several statements must see one state: else the audit log seems to be shorter than its head says.
        return self._writer.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @property
    def _is_sqlite(self) -> bool:
        return self.dialect == "sqlite"

    @contextmanager
    def write(self) -> Generator[Session]:
        """One transaction, committed at the end; raises Unavailable when the database cannot be written."""
        committing = False
        try:
            with Session(self._writer, expire_on_commit=False) as session, session.begin():
                yield session
                committing = True
        except _AWAY as error:
            raise (Unavailable(_IN_DOUBT) if committing else Unavailable()) from error

    @contextmanager
    def read(self) -> Generator[Session]:
        """One consistent look; what it loads stays readable afterwards."""
        try:
            with Session(self._reader, expire_on_commit=False) as session:
                yield session
        except _AWAY as error:
            raise Unavailable(_UNREADABLE) from error

    def engine(self) -> sa.Engine:
        """For migrations: it may change the schema too, and makes the file of SQLite where there is none."""
        if not self._is_sqlite:
            return self._writer
        if self._migrator is None:
            self._migrator = _engine(self.address, pool_size=1, immediate=True, migrates=True)
        return self._migrator

    def create(self) -> None:
        """For migrations alone: makes the file of SQLite and its directory, where they are missing. Raises Unready."""
        with self._told():
            if self._is_sqlite:
                _file(self.address.url).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.engine().connect().close()

    @property
    def missing_file(self) -> Path | None:
        """The file of SQLite that is not there."""
        if not self._is_sqlite:
            return None
        file = _file(self.address.url)
        return file if _is_missing(file) else None

    def reachable(self) -> None:
        """Raises Unready with what the database or its driver says."""
        self._refuse_missing()
        with self._told():
            self._writer.connect().close()

    def check(self, revision: str) -> None:
        """Reachable, writable and on this revision. Raises Unready with the cure."""
        self._refuse_missing()
        with self._told(), self._writer.begin() as connection:
            found = self._revision(connection)
            if found == revision:
                connection.execute(sa.text("UPDATE audit_head SET id = id"))
        if found != revision:
            state = f"at revision {found}" if found else "empty"
            raise Unready(
                f"The database {self.shown} is {state}; this version needs {revision}. Run `countersign migrate`."
            )

    def _refuse_missing(self) -> None:
        """An empty database made in the wrong folder would say that no access is open."""
        missing = self.missing_file
        if missing is not None:
            raise Unready(
                f"There is no database file {missing}. If yours is elsewhere, set DATABASE_URL. "
                "To make a new one: Run `countersign migrate`."
            )

    @contextmanager
    def _told(self) -> Generator[None]:
        try:
            yield
        except (DBAPIError, sqlite3.Error, OSError) as error:
            raise Unready(f"The database {self.shown} cannot be used: {self.address.cause(error)}.") from None

    def _revision(self, connection: sa.Connection) -> str | None:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()

    def time(self) -> datetime:
        """The database's own clock. Raises Unavailable."""
        if self._is_sqlite:
            return host_now()  # it runs in this process
        try:
            with self._reader.connect() as connection:
                return connection.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
        except _AWAY as error:
            raise Unavailable(_UNREADABLE) from error

    def encoding(self) -> str | None:
        """In which the database stores text, where that is not UTF-8 and so does not hold all that people write."""
        if self._is_sqlite:
            return None
        with self._told(), self._writer.connect() as connection:
            found = str(connection.execute(sa.text("SHOW server_encoding")).scalar_one())
        return None if found == "UTF8" else found

    @property
    def shown(self) -> str:
        """The URL without its password."""
        return self.address.shown

    @property
    def overruled(self) -> tuple[str, ...]:
        """What DATABASE_URL sets in vain, because all processes need it the same."""
        return self.address.overruled({"timeout": BUSY} if self._is_sqlite else postgres_session.OURS)

    def close(self) -> None:
        self._writer.dispose()
        self._reader.dispose()
        if self._migrator is not None:
            self._migrator.dispose()


def compare_and_set(
    session: Session, row: type[SQLModel], identifier: str, *, expected: Mapping[str, Any], values: Mapping[str, Any]
) -> bool:
    """Changes the row if it still is as expected; False when somebody was faster."""
    change = Change(identifier, expected, values)
    statement = _compare_and_set(bulk.table_of(row), change.seen, tuple(change.values))
    return session.connection().execute(statement, change.parameters()).rowcount == 1


@dataclass(frozen=True)
class Change:
    """A row is to change while it still is as expected."""

    identifier: str
    expected: Mapping[str, Any]
    values: Mapping[str, Any]

    @property
    def seen(self) -> bulk.Key:
        return tuple((name, value is None) for name, value in self.expected.items())

    def parameters(self) -> dict[str, Any]:
        given = {f"seen_{name}": value for name, value in self.expected.items() if value is not None}
        return {"identifier": self.identifier} | given | {f"new_{name}": value for name, value in self.values.items()}


def compare_and_set_all(
    session: Session, row: type[SQLModel], changes: Iterable[Change], *, held: bool = False
) -> bool:  # fmt: skip
    """The same for many rows, each of them once; False when somebody was faster with one of them.

    Those that are `held` already are changed in any order: who waits for a row must take it in the order of all.
    """
    alike: defaultdict[tuple[bulk.Key, tuple[str, ...]], list[Change]] = defaultdict(list)
    for change in changes:
        alike[change.seen, tuple(change.values)].append(change)
    connection, table = session.connection(), bulk.table_of(row)
    in_any_order = held and connection.dialect.name == "postgresql"
    for (seen, values), its in alike.items():
        given = [change.parameters() for change in its]
        if in_any_order and len(its) > 1:
            changed = bulk.update_all(connection, table, seen, values, given)
        else:
            changed = connection.execute(_compare_and_set(table, seen, values), given).rowcount
        if changed != len(its):
            return False
    return True


def take_turn(session: Session, *names: str) -> None:
    """Until the commit nobody else has a turn by one of these names. Call it before any row is held."""
    if session.get_bind().dialect.name != "postgresql":
        return  # SQLite's writers have theirs one after the other anyway
    for name in sorted(names):
        session.connection().execute(_TURN, {"name": name})


def insert(session: Session, row: type[SQLModel], values: Mapping[str, Any]) -> None:
    """One row, without an object for it: to make one takes longer than to insert it."""
    session.connection().execute(_insert(bulk.table_of(row)), dict(values))


def insert_unless_there(session: Session, row: SQLModel) -> bool:
    """Inserts, or does nothing when a unique index says that it is there already; True when it was inserted."""
    table = bulk.table_of(type(row))
    values = {column.name: getattr(row, column.name) for column in table.columns}
    # Not by the row count: PostgreSQL's driver does not know it for an insert.
    return bool(insert_all_unless_there(session, type(row), [values]))


def insert_all_unless_there(session: Session, row: type[SQLModel], values: Sequence[Mapping[str, Any]]) -> set[str]:
    """Inserts those that are not there, all with the same columns; the ids of those inserted."""
    connection, table = session.connection(), bulk.table_of(row)
    if len(values) > 1:
        return bulk.insert_all_unless_there(connection, table, values)
    statement = _insert_unless_there(table, connection.dialect.name)
    return set(connection.execute(statement, list(values)).scalars())


# Kept: to build a statement anew, and to see that it is one that was compiled before, costs more than to execute it.
@cache
def _compare_and_set(table: sa.Table, seen: bulk.Key, values: tuple[str, ...]) -> sa.Update:
    conditions = [
        table.c[name].is_(None) if missing else table.c[name] == sa.bindparam(f"seen_{name}") for name, missing in seen
    ]
    new: dict[str, sa.BindParameter[Any]] = {name: sa.bindparam(f"new_{name}") for name in values}
    return sa.update(table).where(table.c.id == sa.bindparam("identifier"), *conditions).values(new)


@cache
def _insert(table: sa.Table) -> sa.Insert:
    return sa.insert(table)


@cache
def _insert_unless_there(table: sa.Table, dialect: str) -> sa.Executable:
    insert = (postgresql if dialect == "postgresql" else sqlite).insert(table)
    return insert.on_conflict_do_nothing().returning(table.c.id)


def _engine(address: DatabaseAddress, *, pool_size: int, immediate: bool, migrates: bool = False) -> sa.Engine:
    url = address.url
    if url.get_backend_name() == "postgresql":
        engine = sa.create_engine(
            sa.URL.create(url.drivername),  # an engine shows its URL, parameters too
            hide_parameters=True,
            json_deserializer=_read_json,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            connect_args=address.arguments()[1] | postgres_session.arguments(address.options),
        )
        event.listen(engine, "do_connect", _connect_with_patience)
        return engine
    engine = sa.create_engine(
        url, hide_parameters=True, json_deserializer=_read_json, pool_size=pool_size, max_overflow=pool_size,
        connect_args={"timeout": BUSY.seconds},
    )  # fmt: skip
    event.listen(engine, "do_connect", partial(_connect_in_private, _file(url), migrates))
    event.listen(engine, "connect", _prepare if migrates else _prepare_guarded)
    event.listen(engine, "begin", _begin_immediate if immediate else _begin)
    return engine


def _read_json(text: str | bytes) -> Any:
    """A grant has six such columns, and most of them hold nothing."""
    said = text.decode() if isinstance(text, bytes) else text
    if said == "{}":
        return {}
    return [] if said == "[]" else _DECODE(said)


def _connect_with_patience(dialect: sa.Dialect, _record: object, arguments: list[Any], named: dict[str, Any]) -> Any:
    """A connection of which each wait has an end: the server's time-outs are of no use where its words get lost."""
    connection: Any = dialect.connect(*arguments, **named)
    driver: Any = dialect.loaded_dbapi
    wait = connection.wait

    def wait_in_vain_no_longer(steps: object, *given: Any, timeout: float | None = None, **more: Any) -> Any:
        try:
            return wait(steps, *given, timeout=ANSWER_WITHIN if timeout is None else timeout, **more)
        except driver.OperationalError:
            if connection.pgconn.transaction_status == driver.pq.TransactionStatus.ACTIVE:
                connection.close()  # in the middle of an answer that may come yet
            raise

    connection.wait = wait_in_vain_no_longer
    try:
        postgres_session.begin(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    prepare(connection)


def _prepare_guarded(connection: sqlite3.Connection, _record: object) -> None:
    prepare(connection)
    guard(connection)


def _connect_in_private(
    file: Path, makes: bool, dialect: sa.Dialect, _record: object, arguments: list[Any], named: Any
) -> Any:
    """SQLite would make the file for who only looks, too; and by our umask, so that others read what is granted."""
    if not makes and _is_missing(file):
        raise sqlite3.OperationalError(f"there is no file {file}")
    # Making it closes a descriptor of it, which must not happen while another thread has just opened what was made.
    with _MAKING:
        with suppress(OSError):  # SQLite meets the same and says it; what cannot be tightened is named by the doctor
            private_database(file)
        return dialect.connect(*arguments, **named)


def _file(url: sa.URL) -> Path:
    """Where SQLite keeps it; the address may also be a URI."""
    name = url.database or ""
    return Path(urlsplit(name).path if name.startswith("file:") else name)


def _is_missing(file: Path) -> bool:
    """One that may not be looked at is not missing: SQLite says what is wrong with it."""
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _begin_immediate(connection: sa.Connection) -> None:
    # A deferred BEGIN that reads before it writes fails at once when another writer got in between.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN")
