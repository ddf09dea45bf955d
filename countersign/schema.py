"""The schema's revision: what this version needs, and how a database gets there while others work on it."""

import logging
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

import migrations
from access.clock import monotonic
from access.errors import Unready
from access.store import Database

if TYPE_CHECKING:
    from alembic.config import Config

logger = logging.getLogger(__name__)

_MIGRATION_LOCK = 0x636F756E  # "coun": any number that only we use
_FOLDER = Path(migrations.__file__).parent
_PATIENCE = "2s"
"""While a migration waits for a table, everybody who comes after it waits too."""
_LONGEST = timedelta(seconds=60)
"""So long it tries to change one revision."""
_SHORT = timedelta(milliseconds=10)
_BUSY = {"55P03", "40P01", "57014"}
"""PostgreSQL's words for a lock that is not to be had, a deadlock, and a statement that took too long."""
_MAY_NOT = {"42501", "3F000"}
"""And for a right that is missing, and for no schema that could be used."""


def head() -> str:
    """The revision that this version works on."""
    return max(revisions())


def revisions() -> set[str]:
    """Every revision that this version knows: what the names of the migrations begin with.

    Alembic would say the same, but to import it takes each process that starts a sixth of its time.
    """
    return {file.name[:4] for file in (_FOLDER / "versions").glob("[0-9]*.py")}


def revision_of(database: Database) -> str | None:
    """Where the database is; None where nothing was migrated yet. Only reads."""
    with database.read() as session:
        connection = session.connection()
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def check_readable(database: Database) -> None:
    """For who only reads, be it a copy or a standby: there, and not an older one. Raises Unready with the cure.

    A newer schema has more than this version reads, and all that it reads.
    """
    database.reachable()
    found = revision_of(database)
    if found is None or (found in revisions() and found != head()):
        state = f"at revision {found}" if found else "empty"
        raise Unready(f"The database {database.shown} is {state}. Run `countersign migrate`.")


def check(database: Database) -> None:
    """For whoever starts: on this version's revision and writable. Raises Unready with the cure."""
    database.reachable()
    for setting in database.overruled:
        logger.warning(
            "DATABASE_URL sets %s; every process of Countersign sets it itself, so it is not used: take it out", setting
        )
    _refuse_newer(database)
    database.check(head())


def migrate(database: Database) -> None:
    """Brings the database to `head()`. Several at once wait for each other; raises Unready when it cannot be used.

    On PostgreSQL each revision is a transaction of its own, and gives way to those who work: see `_hold`. On SQLite,
    where one writes at a time, they wait until all is done.
    """
    database.create()
    _refuse_newer(database)
    _refuse_encoding(database)
    with _told(database):
        _migrate(database)


def _migrate(database: Database) -> None:
    if database.dialect == "sqlite":
        with database.engine().begin() as connection:
            _upgrade(connection)
        return
    with database.engine().connect() as connection:
        connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": _MIGRATION_LOCK})
        connection.execute(sa.text(f"SET lock_timeout = '{_PATIENCE}'"))
        connection.commit()
        try:
            _upgrade_between_others(connection, database)
        finally:
            connection.execute(sa.text("RESET lock_timeout"))
            connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": _MIGRATION_LOCK})
            connection.commit()


@contextmanager
def _told(database: Database) -> Generator[None]:
    """What the database refuses is a sentence with its cure."""
    try:
        yield
    except DBAPIError as error:
        code, cause = getattr(error.orig, "sqlstate", None), database.address.cause(error)
        if code in _BUSY:
            raise _busy(database) from None
        cure = "Mend that, then run `countersign migrate` again."
        if code in _MAY_NOT:
            cure = (
                "Run `countersign migrate` as the role that owns the tables; it needs CREATE on their schema: "
                f'GRANT USAGE, CREATE ON SCHEMA public TO "{database.url.username}".'
            )
        raise Unready(
            f"The database {database.shown} cannot be brought to revision {head()}: {cause}. {cure}"
        ) from None


def _busy(database: Database) -> Unready:
    return Unready(
        f"The database {database.shown} is too busy to be changed; what was done so far is kept. See in "
        "pg_stat_activity who holds a table for long, and run `countersign migrate` again."
    )


def _refuse_encoding(database: Database) -> None:
    """Only before anything is in it: what works on such a database until now goes on, and ends access."""
    encoding = database.encoding()
    if encoding is not None and revision_of(database) is None:
        raise Unready(
            f"The database {database.shown} stores text as {encoding}, which does not hold all that people write. Make "
            "another one: CREATE DATABASE name TEMPLATE template0 ENCODING 'UTF8'."
        )


def _upgrade_between_others(connection: sa.Connection, database: Database) -> None:
    from alembic.script import ScriptDirectory

    found = revision_of(database) or ""
    scripts = ScriptDirectory.from_config(_config())
    for revision in sorted(one for one in revisions() if one > found):
        module = scripts.get_revision(revision).module
        _upgrade_to(revision, getattr(module, "changed_tables", ()), connection, database)


def _upgrade_to(revision: str, tables: Sequence[str], connection: sa.Connection, database: Database) -> None:
    until = monotonic() + _LONGEST.total_seconds()
    for turn in count():
        try:
            with connection.begin():
                _hold(tables, turn, connection)
                _upgrade(connection, revision)
            return
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in _BUSY:
                raise
        if monotonic() >= until:
            raise _busy(database)


def _hold(tables: Sequence[str], turn: int, connection: sa.Connection) -> None:
    """Takes all tables that a revision changes, so that who works is never the victim of a deadlock with it.

    1. It waits for one table while it holds none: no circle can be closed. Another one at each turn, for one may be
       what a long report reads.
    2. For the others it waits a little, at one turn less than at the next, and never longer than half of the time after
       which PostgreSQL looks for deadlocks. Who waits for it meanwhile has not waited long enough to be looked at when
       it either has all, and waits for nothing more, or gives all back. A circle costs a short turn little; a long one
       outlasts those who only need a moment.
    """
    if not tables:
        return
    first = turn % len(tables)
    _lock(connection, tables[first : first + 1])
    asked = connection.execute(sa.text("SELECT setting::int FROM pg_settings WHERE name = 'deadlock_timeout'"))
    longest = max(asked.scalar_one() // 2, 1)
    within = min(longest, int(_SHORT.total_seconds() * 1000) * 2 ** (turn % 6))
    usual = connection.execute(sa.text("SHOW statement_timeout")).scalar_one()
    _limit_statements(connection, f"{within}ms")
    _lock(connection, tables)
    _limit_statements(connection, usual)


def _lock(connection: sa.Connection, tables: Sequence[str]) -> None:
    quoted = connection.dialect.identifier_preparer.quote
    connection.execute(sa.text(f"LOCK TABLE {', '.join(map(quoted, tables))} IN ACCESS EXCLUSIVE MODE"))


def _limit_statements(connection: sa.Connection, time: str) -> None:
    connection.execute(sa.text("SELECT set_config('statement_timeout', :time, true)"), {"time": time})


def _upgrade(connection: sa.Connection, revision: str = "head") -> None:
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _refuse_newer(database: Database) -> None:
    found = revision_of(database)
    if found is not None and found not in revisions():
        raise Unready(
            f"The database {database.shown} is at revision {found}, which a newer version made. Install that version "
            "here too; processes of this one that run already go on."
        )


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return config
