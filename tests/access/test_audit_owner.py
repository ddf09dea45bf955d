"""What the database's owner can always do to the log: verify finds each, and that its guards are gone."""

from collections.abc import Iterator

import pytest

from access import audit, audit_guards
from access.audit import Event
from access.store import Database
from tests.databases import PostgresDatabases, SqliteFiles
from tests.fakes import NOON
from tests.tampering import tamper

EVE = "'2026-11-23 12:00:00', 'grant.active', 'slack:U0EVE', NULL, '{}', '', ''"
COPY = "CREATE TABLE copy AS SELECT * FROM audit_event"
OF_BOTH = {
    "an event before the first": f"INSERT INTO audit_event VALUES (0, {EVE})",
    "an event that nobody appended": f"INSERT INTO audit_event VALUES (4, {EVE})",
    "the last one replaced": "UPDATE audit_event SET actor = 'slack:U0EVE' WHERE seq = 3",
    "the first ones gone": "DELETE FROM audit_event WHERE seq < 3",
    "all of them gone": "DELETE FROM audit_event",
    "the head put back": "UPDATE audit_head SET seq = 2",
    "a second head": "INSERT INTO audit_head VALUES (2, 3, '2026-11-23 12:00:00', '0')",
    "no head": "DELETE FROM audit_head",
    "the table gone": "DROP TABLE audit_event",
    "the table renamed": "ALTER TABLE audit_event RENAME TO gone",
}
OF_SQLITE = {
    "a replacement": f"INSERT OR REPLACE INTO audit_event VALUES (2, {EVE})",
}
OF_POSTGRESQL = {
    "every row rewritten": "ALTER TABLE audit_event ALTER COLUMN actor TYPE varchar USING 'slack:U0EVE'",
    "an empty table in its place": f"{COPY}; ALTER TABLE audit_event RENAME TO gone; "
    "CREATE TABLE audit_event (LIKE gone)",
    "a view in its place": "ALTER TABLE audit_event RENAME TO gone; CREATE VIEW audit_event AS SELECT seq, at, action, "
    "CASE seq WHEN 2 THEN 'slack:U0EVE' ELSE actor END AS actor, object_id, entry, previous, hash FROM gone",
    "rows of a child": "CREATE TABLE child () INHERITS (audit_event); "
    f"INSERT INTO child VALUES (2, {EVE.replace('grant.active', 'grant.ended')})",
}
SWALLOWED = {
    "sqlite": "CREATE TRIGGER swallow BEFORE INSERT ON audit_event BEGIN SELECT RAISE(IGNORE); END",
    "postgresql": "CREATE RULE swallow AS ON INSERT TO audit_event DO INSTEAD NOTHING",
}


@pytest.fixture
def log(database_kind: str, sqlite_files: SqliteFiles, postgres_databases: PostgresDatabases) -> Iterator[Database]:
    """A database of its own: nothing that is done to it is mended."""
    databases = sqlite_files if database_kind == "sqlite" else postgres_databases
    with databases.fresh() as url:
        database = Database(url)
        for action in ("one", "two", "three"):
            _write(database, action)
        yield database
        database.close()


def _write(database: Database, action: str) -> None:
    with database.write() as session:
        audit.append(session, [Event(action=action, actor="system:test")], at=NOON)


def _flaw(database: Database) -> str | None:
    with database.read() as session:
        flaw = audit.verify(session).flaw
    return flaw.sentence if flaw else None


def _missing(database: Database) -> list[str]:
    with database.read() as session:
        return audit_guards.missing(session.connection())


@pytest.mark.parametrize("statement", OF_BOTH.values(), ids=OF_BOTH)
def test_what_an_owner_does_is_found(log: Database, statement: str) -> None:
    assert _flaw(log) is None
    tamper(log, statement)
    assert _flaw(log) is not None


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize("statement", OF_SQLITE.values(), ids=OF_SQLITE)
def test_what_an_owner_of_a_file_does_is_found(log: Database, statement: str) -> None:
    tamper(log, statement)
    assert _flaw(log) is not None


@pytest.mark.parametrize("database_kind", ["postgresql"])
@pytest.mark.parametrize("statement", OF_POSTGRESQL.values(), ids=OF_POSTGRESQL)
def test_what_an_owner_of_tables_does_is_found(log: Database, statement: str) -> None:
    tamper(log, statement)
    assert _flaw(log) is not None


def test_events_that_the_schema_swallows_are_found(log: Database) -> None:
    tamper(log, SWALLOWED[log.dialect])
    _write(log, "four")
    assert _flaw(log) == "the head says 4 events, but the log ends after 3"


def test_a_guard_that_is_gone_is_found_before_anything_is_changed(log: Database) -> None:
    assert _missing(log) == []
    with log.engine().begin() as connection:
        for name in sorted(audit_guards.GUARDS[log.dialect]):
            table = f" ON {'_'.join(name.split('_')[:2])}" if log.dialect == "postgresql" else ""
            connection.exec_driver_sql(f"DROP TRIGGER {name}{table}")
    assert set(_missing(log)) == audit_guards.GUARDS[log.dialect]


@pytest.mark.parametrize("database_kind", ["postgresql"])
@pytest.mark.parametrize("state", ["DISABLE TRIGGER", "ENABLE REPLICA TRIGGER"])
def test_a_guard_that_is_switched_off_is_found(log: Database, state: str) -> None:
    with log.engine().begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE audit_event {state} audit_event_append_only")
    assert _missing(log) == ["audit_event_append_only"]
