"""A migration gives way to those who work, and is not begun by a version that is too old."""

import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError

import migrations
from access.clock import monotonic
from access.errors import Unready
from access.store import Database
from countersign import schema
from tests.waiting import wait_until


@pytest.fixture
def first(unmigrated_url: str) -> Iterator[Database]:
    """A database at the first revision."""
    database = Database(unmigrated_url)
    _to_first(database)
    yield database
    database.close()


def _to_first(database: Database) -> None:
    database.create()
    with database.engine().connect() as connection:
        config = schema._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")


@pytest.mark.both_databases
def test_several_at_once_migrate_once(first: Database, unmigrated_url: str) -> None:
    words = [sys.executable, "-m", "countersign", "migrate"]
    migrating = [subprocess.Popen(words, env=dict(os.environ) | {"DATABASE_URL": unmigrated_url}) for _ in range(3)]

    assert [process.wait(60) for process in migrating] == [0, 0, 0]
    schema.check(first)


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_whoever_works_does_not_wait_for_a_migration_that_waits(first: Database) -> None:
    """A report that reads for long holds up the migration, and nobody else for longer than a moment."""
    with first.engine().connect() as report:
        report.execute(sa.text('SELECT count(*) FROM "grant"'))
        migrating = threading.Thread(target=schema.migrate, args=[first])
        migrating.start()
        waits = sa.text("SELECT 1 FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'")
        with first.engine().connect() as other:
            wait_until(lambda: _asked(other, waits), "the migration to wait for the report")
            began = monotonic()
            other.execute(sa.text('SELECT count(*) FROM "grant"'))
            assert monotonic() - began < 5
            other.rollback()
        assert migrating.is_alive()
        report.rollback()
        migrating.join()

    schema.check(first)


def _asked(connection: sa.Connection, statement: sa.TextClause) -> bool:
    found = connection.execute(statement).first() is not None
    connection.rollback()
    return found


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_who_works_is_never_the_victim_of_a_deadlock_with_a_migration(first: Database) -> None:
    """Six who take tables in any order, while each revision changes several of them."""
    stop = threading.Event()
    working = [Working(first, seed, stop) for seed in range(6)]
    for one in working:
        one.start()
    try:
        schema.migrate(first)
    finally:
        stop.set()
        for one in working:
            one.join()

    schema.check(first)
    assert [error for one in working for error in one.errors] == []
    assert all(one.done for one in working)


class Working(threading.Thread):
    def __init__(self, database: Database, seed: int, stop: threading.Event) -> None:
        super().__init__()
        self._database, self._stop_asked, self._random = database, stop, random.Random(seed)
        self.done = 0
        self.errors: list[str] = []
        with database.read() as session:
            found = sa.inspect(session.connection()).get_table_names()
        self._tables = [sa.table(name) for name in found if name != "alembic_version"]

    def run(self) -> None:
        while not self._stop_asked.is_set():
            try:
                self._transaction()
                self.done += 1
            except DBAPIError as error:
                self.errors.append(str(error.orig))

    def _transaction(self) -> None:
        with self._database.engine().begin() as connection:
            for table in self._random.sample(self._tables, 4):
                connection.execute(sa.select(sa.func.count()).select_from(table))


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_each_migration_names_every_table_that_it_changes(unmigrated_url: str) -> None:
    database = Database(unmigrated_url)
    database.create()
    scripts = ScriptDirectory.from_config(schema._config())
    locked = sa.text(
        "SELECT relname FROM pg_locks JOIN pg_class ON oid = relation WHERE pid = pg_backend_pid() AND relkind = 'r' "
        "AND relnamespace = 'public'::regnamespace AND mode <> 'AccessShareLock'"
    )
    with database.engine().connect() as connection:
        for revision in sorted(schema.revisions()):
            with connection.begin():
                before = set(sa.inspect(connection).get_table_names()) - {"alembic_version"}
                schema._upgrade(connection, revision)
                changed = before & set(connection.execute(locked).scalars())
            assert set(getattr(scripts.get_revision(revision).module, "changed_tables", ())) == changed, revision
    database.close()


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_a_migration_that_gets_no_turn_says_why_and_goes_on_from_there(
    first: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "_PATIENCE", "50ms")
    monkeypatch.setattr(schema, "_LONGEST", timedelta(milliseconds=100))
    with first.engine().connect() as report:
        report.execute(sa.text('SELECT count(*) FROM "grant"'))
        with pytest.raises(Unready, match="too busy to be changed"):
            schema.migrate(first)
    assert schema.revision_of(first) == "0002"
    with first.engine().connect() as connection:
        assert connection.execute(sa.text("SHOW lock_timeout")).scalar_one() == "10s"

    schema.migrate(first)

    schema.check(first)


@pytest.mark.parametrize("act", [schema.migrate, schema.check])
@pytest.mark.both_databases
def test_a_version_that_is_too_old_says_so(first: Database, act) -> None:
    with first.write() as session:
        session.connection().execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(
        Unready, match=r"is at revision 9999, which a newer version made\. Install that version here too"
    ):
        act(first)
    assert schema.revision_of(first) == "9999"


def test_the_names_of_the_migrations_say_their_revisions() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    scripts = ScriptDirectory.from_config(config)
    assert schema.head() == scripts.get_current_head()
    assert schema.revisions() == {script.revision for script in scripts.walk_revisions()}


def test_who_starts_imports_only_what_it_needs() -> None:
    """Each process of a house is imported on its own; one that is killed is away for as long as that takes."""
    heavy = ["alembic", "slack_bolt", "aiohttp", "uvicorn", "typer"]
    asked = f"import sys, countersign.processes; print([name for name in {heavy} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"
