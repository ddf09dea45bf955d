"""What a database, a role or a DATABASE_URL sets as its default does not change how our processes work on it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from access.errors import AlreadyDecided, Unready
from access.postgres_session import PINNED
from access.store import Database
from countersign import schema
from countersign.embedded.postgres import EmbeddedPostgres
from tests.cast import KIM
from tests.databases import PostgresDatabases, SqliteFiles
from tests.waiting import wait_until
from tests.world import World

HOSTILE = {
    "default_transaction_isolation": "serializable",
    "default_transaction_read_only": "on",
    "default_transaction_deferrable": "on",
    "timezone": "Asia/Kolkata",
    "datestyle": "German",
    "standard_conforming_strings": "off",
    "client_encoding": "LATIN1",
    "statement_timeout": "1ms",
    "lock_timeout": "1ms",
    "idle_in_transaction_session_timeout": "1ms",
}


@pytest.fixture
def url(postgres_databases: PostgresDatabases) -> Iterator[str]:
    with postgres_databases.fresh() as url:
        yield url


@pytest.fixture
def hostile_url(url: str) -> str:
    """Every default that our work hangs on is another one, and a schema stands before ours that looks like it."""
    name = sa.make_url(url).database
    _run(url, *(f"ALTER DATABASE {name} SET {setting} = '{value}'" for setting, value in HOSTILE.items()))
    return url


def _run(url: str, *statements: str) -> None:
    database = Database(url)
    with database.engine().begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    database.close()


def _says(database: Database, setting: str) -> str:
    with database.write() as session:
        return str(session.connection().exec_driver_sql(f"SHOW {setting}").scalar_one())


def test_every_setting_that_we_rely_on_is_ours(hostile_url: str) -> None:
    assert set(HOSTILE) == set(PINNED)
    database = Database(hostile_url)
    shown = {setting: _says(database, setting) for setting in PINNED}
    database.close()

    assert shown == PINNED | {"datestyle": shown["datestyle"]}
    assert shown["datestyle"].startswith("ISO")


def test_the_whole_house_works_on_a_database_of_hostile_defaults(hostile_url: str, tmp_path: Path) -> None:
    database = Database(hostile_url)
    database.check(schema.head())
    world = World.make(database, tmp_path)
    assert world.open(reason="läuft 🚪 \\' schief").requester == "ann"
    database.close()


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_the_slower_of_two_approvers_is_told_who_was_faster(url: str, tmp_path: Path, level: str) -> None:
    _run(url, f"ALTER DATABASE {sa.make_url(url).database} SET default_transaction_isolation = '{level}'")
    database = Database(url)
    world = World.make(database, tmp_path)
    request = world.ask()
    heard = list[Exception]()

    def press() -> None:
        try:
            world.approve(request, by=KIM)
        except Exception as error:
            heard.append(error)

    with database.write() as faster:
        faster.connection().execute(sa.text("UPDATE request SET status = status"))  # at work on the row
        slower = threading.Thread(target=press)
        slower.start()
        with database.engine().connect() as other:
            wait_until(lambda: _waits(other), "the slower one to wait for the row")
        faster.connection().execute(sa.text("UPDATE request SET status = 'denied'"))
    slower.join()
    database.close()

    assert [type(error) for error in heard] == [AlreadyDecided]


def _waits(connection: sa.Connection) -> bool:
    found = connection.exec_driver_sql("SELECT 1 FROM pg_locks WHERE NOT granted").first() is not None
    connection.rollback()
    return found


def test_a_schema_that_stands_before_ours_is_not_read(url: str, tmp_path: Path) -> None:
    name = sa.make_url(url).database
    _run(
        url,
        "CREATE SCHEMA other",
        "CREATE TABLE other.request (LIKE public.request)",
        "CREATE TABLE other.audit_event (LIKE public.audit_event)",
        "CREATE TABLE other.audit_head AS SELECT * FROM public.audit_head",
        f"ALTER DATABASE {name} SET search_path = other, public",
    )
    database = Database(url)
    database.check(schema.head())
    World.make(database, tmp_path).open()
    with database.read() as session:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM other.audit_event").scalar_one() == 0
        assert session.connection().exec_driver_sql("SELECT count(*) FROM public.audit_event").scalar_one() > 0
    database.close()


def test_a_temporary_table_does_not_stand_before_the_log(url: str) -> None:
    database = Database(url, pool_size=1)
    with database.write() as session:
        session.connection().exec_driver_sql("CREATE TEMP TABLE audit_head AS SELECT 99 AS seq")
    with database.read() as session:
        assert session.connection().exec_driver_sql("SELECT seq FROM audit_head").scalar_one() == 0
    database.close()


def test_a_schema_of_its_own_goes_on_to_be_used(postgres_databases: PostgresDatabases) -> None:
    """By the default of the database or by `options`, which was not heard before."""
    with postgres_databases.unmigrated() as url:
        _run(url, "CREATE SCHEMA mine")
        database = Database(f"{url}?options=-csearch_path%3Dmine%20-c%20application_name=door")
        schema.migrate(database)
        schema.check(database)
        assert (_says(database, "search_path"), _says(database, "application_name")) == ("mine, pg_temp", "door")
        database.close()
        _run(url, f"ALTER DATABASE {sa.make_url(url).database} SET search_path = public, mine")
        later = Database(url)
        schema.check(later)
        later.close()


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("postgresql://u:p@h/d", ()),
        ("postgresql://u:p@h/d?options=-c%20search_path%3Dx&sslmode=require", ()),
        ("postgresql://u:p@h/d?options=-c%20Lock_Timeout%3D1s%20--work-mem%3D4MB", ("lock_timeout",)),
        ("postgresql://u:p@h/d?options=-clock_timeout%3D1s&connect_timeout=30", ("connect_timeout", "lock_timeout")),
        ("postgresql://u:p@h/d?options=--lock-timeout%3D1&options=-c%20TimeZone%3DUTC", ("lock_timeout", "timezone")),
        ("sqlite:////tmp/x.db?timeout=1", ("timeout",)),
        ("sqlite:////tmp/x.db", ()),
    ],
)  # fmt: skip
def test_what_an_address_sets_in_vain_is_known(written: str, said: tuple[str, ...]) -> None:
    assert Database(written).overruled == said


def test_what_an_address_sets_in_vain_is_logged(url: str, caplog: pytest.LogCaptureFixture) -> None:
    database = Database(f"{url}?options=-c%20lock_timeout%3D1ms")
    schema.check(database)
    assert _says(database, "lock_timeout") == "10s"
    database.close()

    assert (
        "DATABASE_URL sets lock_timeout; every process of Countersign sets it itself, so it is not used" in caplog.text
    )


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_cannot_hold_every_letter_is_not_begun(postgres: EmbeddedPostgres, encoding: str) -> None:
    name = f"odd_{uuid4().hex}"
    with _created(postgres, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'", name) as url:
        database = Database(url)
        with pytest.raises(Unready, match=rf"stores text as {encoding}.* ENCODING 'UTF8'"):
            schema.migrate(database)
        assert schema.revision_of(database) is None
        database.close()


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_was_begun_in_an_odd_encoding_is_migrated_on(
    postgres: EmbeddedPostgres, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who refused it now would leave open what is to end."""
    name = f"odd_{uuid4().hex}"
    with _created(postgres, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'", name) as url:
        database = Database(url)
        with monkeypatch.context() as before:
            before.setattr(schema, "_refuse_encoding", lambda _: None)
            schema.migrate(database)
        schema.migrate(database)
        schema.check(database)
        database.close()


@contextmanager
def _created(server: EmbeddedPostgres, how: str, name: str) -> Iterator[str]:
    with psycopg.connect(server.superuser_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL(how))  # pyright: ignore[reportArgumentType] -- the test's own words
        parts = connection.info
        yield f"postgresql://{parts.user}:{parts.password}@{parts.host}:{parts.port}/{name}"
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def poor_url(postgres: EmbeddedPostgres, postgres_databases: PostgresDatabases) -> Iterator[str]:
    """Of a database for a role that may connect and no more."""
    with postgres_databases.unmigrated() as url:
        name, password = f"poor_{uuid4().hex}", uuid4().hex
        _run(url, f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
        yield sa.make_url(url).set(username=name, password=password).render_as_string(hide_password=False)


@pytest.mark.parametrize(
    ("before", "why"),
    [
        ([], r"permission denied for schema public\. Run `countersign migrate` as the role that owns .* GRANT USAGE"),
        (["DROP SCHEMA public"], r"no schema has been selected to create in\. Run"),
        (["GRANT CREATE ON SCHEMA public TO PUBLIC", "CREATE TABLE request ()"], r"request\" already exists\. Mend"),
    ],
)  # fmt: skip
def test_a_migration_that_the_database_refuses_is_a_sentence(
    postgres: EmbeddedPostgres, poor_url: str, before: list[str], why: str
) -> None:
    with psycopg.connect(postgres.dsn(database=str(sa.make_url(poor_url).database)), autocommit=True) as connection:
        for statement in before:
            connection.execute(sql.SQL(statement))  # pyright: ignore[reportArgumentType] -- the test's own words
    database = Database(poor_url)

    with pytest.raises(Unready, match=why):
        schema.migrate(database)
    database.close()


def test_a_file_that_takes_no_changes_is_refused_by_migrate_with_a_sentence(sqlite_files: SqliteFiles) -> None:
    with sqlite_files.unmigrated() as url:
        made = Database(url)
        made.create()
        made.close()
        database = Database(url.replace("sqlite:///", "sqlite:///file:") + "?mode=ro&uri=true")
        with pytest.raises(Unready, match=r"cannot be (used|brought to revision \d+): attempt to write a readonly"):
            schema.migrate(database)
        database.close()
