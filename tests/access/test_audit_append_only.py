"""The log is changed by no statement that there is. What its database's owner can do: test_audit_owner.py."""

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from access import audit, audit_guards
from access.audit import Event
from access.models import AuditEvent, AuditHead
from access.store import Database
from countersign import schema
from tests.databases import PostgresDatabases, SqliteFiles
from tests.fakes import NOON
from tests.world import World

SET_UP = Path(__file__).parents[2] / "docs/set-up.md"

EVE = "'2026-11-23 12:00:00', 'grant.active', 'slack:U0EVE', NULL, '{}', '', ''"
COLUMNS = "(seq, at, action, actor, object_id, entry, previous, hash)"
REFUSED = r"append-only|prohibited|not authorized"

SQLITE = [
    f"INSERT OR REPLACE INTO audit_event {COLUMNS} VALUES (2, {EVE})",
    f"REPLACE INTO audit_event {COLUMNS} VALUES (2, {EVE})",
    "REPLACE INTO audit_event (rowid, at, action, actor, entry, previous, hash) VALUES (2, '', 'x', 'x', '', '', '')",
    "REPLACE INTO audit_event SELECT seq, at, action, 'slack:U0EVE', object_id, entry, previous, hash FROM audit_event",
    f"INSERT INTO audit_event {COLUMNS} VALUES (2, {EVE}) ON CONFLICT (seq) DO UPDATE SET actor = excluded.actor",
    "UPDATE OR REPLACE audit_event SET seq = 2 WHERE seq = 3",
    "UPDATE OR REPLACE audit_event SET rowid = 2 WHERE rowid = 3",
    "UPDATE OR IGNORE audit_event SET actor = 'slack:U0EVE'",
    "UPDATE audit_event SET actor = head.hash FROM audit_head AS head",
    "DELETE FROM audit_event WHERE seq = 3 RETURNING seq",
    f"INSERT INTO audit_event {COLUMNS} VALUES (0, {EVE})",
    f"INSERT INTO audit_event {COLUMNS} VALUES (-1, {EVE})",
]
POSTGRESQL = [
    f"INSERT INTO audit_event {COLUMNS} VALUES (2, {EVE}) ON CONFLICT (seq) DO UPDATE SET actor = excluded.actor",
    "UPDATE audit_event SET actor = head.hash FROM audit_head AS head",
    "UPDATE ONLY audit_event SET actor = 'slack:U0EVE' WHERE seq = 2",
    "DELETE FROM audit_event WHERE seq = 3 RETURNING seq",
    "WITH gone AS (DELETE FROM audit_event RETURNING seq) SELECT * FROM gone",
    "TRUNCATE audit_event",
    "TRUNCATE audit_event, audit_head CASCADE",
    "MERGE INTO audit_event AS event USING audit_head ON event.seq = 2 WHEN MATCHED THEN DELETE",
    "MERGE INTO audit_event AS event USING audit_head ON event.seq = 2 WHEN MATCHED THEN UPDATE SET actor = 'eve'",
    f"INSERT INTO audit_event {COLUMNS} VALUES (0, {EVE})",
    f"INSERT INTO audit_event {COLUMNS} VALUES (-1, {EVE})",
]
HEAD = [
    "UPDATE audit_head SET seq = 1",
    "UPDATE audit_head SET hash = '0'",
    "UPDATE audit_head SET id = 2",
    "DELETE FROM audit_head",
    "INSERT INTO audit_head (id, seq, at, hash) VALUES (2, 9, '2026-11-23 12:00:00', '0')",
]
HEAD_OF_SQLITE = [
    *HEAD,
    "REPLACE INTO audit_head (id, seq, at, hash) VALUES (1, 0, '2026-11-23 12:00:00', '0')",
    "UPDATE OR REPLACE audit_head SET seq = 1",
]
HEAD_OF_POSTGRESQL = [
    *HEAD,
    "TRUNCATE audit_head",
    "INSERT INTO audit_head (id, seq, at, hash) VALUES (1, 0, '2026-11-23 12:00:00', '0') "
    "ON CONFLICT (id) DO UPDATE SET seq = excluded.seq",
    "MERGE INTO audit_head USING audit_event ON audit_event.seq = 1 WHEN MATCHED THEN UPDATE SET seq = 1",
]


@pytest.fixture
def on_sqlite(sqlite_files: SqliteFiles) -> Iterator[Database]:
    with sqlite_files.fresh() as url:
        yield from _written(url)


@pytest.fixture
def on_postgresql(postgres_databases: PostgresDatabases) -> Iterator[Database]:
    with postgres_databases.fresh() as url:
        yield from _written(url)


def _written(url: str) -> Iterator[Database]:
    database = Database(url)
    for action in ("one", "two", "three"):
        with database.write() as session:
            audit.append(session, [Event(action=action, actor="system:test")], at=NOON)
    yield database
    database.close()


def _rows(database: Database) -> list[tuple[object, ...]]:
    with database.read() as session:
        events = session.exec(select(AuditEvent).order_by(sa.text("seq"))).all()
        heads = session.exec(select(AuditHead)).all()
        return [(*event.model_dump().values(),) for event in (*events, *heads)]


def _try(database: Database, *statements: str) -> None:
    with database.write() as session:
        for statement in statements:
            session.connection().exec_driver_sql(statement)


def _refuses(database: Database, *statements: str) -> None:
    before = _rows(database)
    with pytest.raises(DBAPIError, match=REFUSED):
        _try(database, *statements)
    assert _rows(database) == before


def _verified(database: Database) -> audit.Flaw | None:
    with database.read() as session:
        return audit.verify(session).flaw


@pytest.mark.parametrize("statement", [*SQLITE, *HEAD_OF_SQLITE])
def test_sqlite_changes_nothing_of_the_log_by_any_statement(on_sqlite: Database, statement: str) -> None:
    _refuses(on_sqlite, statement)


@pytest.mark.parametrize("statement", [*POSTGRESQL, *HEAD_OF_POSTGRESQL])
def test_postgresql_changes_nothing_of_the_log_by_any_statement(on_postgresql: Database, statement: str) -> None:
    _refuses(on_postgresql, statement)


THROUGH_OUR_CONNECTION = {
    "a trigger dropped": ["DROP TRIGGER audit_event_no_update", "UPDATE audit_event SET actor = 'eve'"],
    "the table renamed": ["ALTER TABLE audit_event RENAME TO gone"],
    "the table copied": ["CREATE TABLE copied AS SELECT * FROM audit_event"],
    "the table dropped": ["DROP TABLE audit_event"],
    "a column added": ["ALTER TABLE audit_event ADD COLUMN more TEXT"],
    "a view in its place": ["CREATE TEMP VIEW audit_event AS SELECT * FROM main.audit_event WHERE seq = 1"],
    "a table before it": ["CREATE TEMP TABLE audit_event AS SELECT * FROM main.audit_event WHERE seq = 1"],
    "a trigger that swallows": [
        "CREATE TEMP TRIGGER swallows BEFORE INSERT ON main.audit_event BEGIN SELECT RAISE(IGNORE); END"
    ],
    "the schema written": ["PRAGMA writable_schema = ON", "DELETE FROM sqlite_master WHERE type = 'trigger'"],
    "constraints not looked at": ["PRAGMA ignore_check_constraints = ON"],
    "foreign keys not looked at": ["PRAGMA foreign_keys = OFF"],
    "another file": ["ATTACH ':memory:' AS other"],
    "nothing waits for the disk": ["PRAGMA synchronous = OFF"],
}


@pytest.mark.parametrize("statements", THROUGH_OUR_CONNECTION.values(), ids=THROUGH_OUR_CONNECTION)
def test_who_smuggles_sql_into_our_connection_to_sqlite_cannot_take_the_guards_away(
    on_sqlite: Database, statements: list[str]
) -> None:
    _refuses(on_sqlite, *statements)


@pytest.mark.parametrize("switched", ["ON", "OFF"])
def test_sqlite_refuses_a_replacement_however_its_triggers_are_told_to_recurse(
    on_sqlite: Database, switched: str
) -> None:
    """Who opens the file himself says this first."""
    before = _rows(on_sqlite)
    with on_sqlite.engine().connect() as connection:
        connection.exec_driver_sql(f"PRAGMA recursive_triggers = {switched}")
        with pytest.raises(DBAPIError, match="append-only"):
            connection.exec_driver_sql(SQLITE[0])
    assert _rows(on_sqlite) == before


def test_a_table_that_the_log_is_made_to_inherit_from_does_not_change_it(on_postgresql: Database) -> None:
    """A statement on the parent fires none of the triggers that are for statements on the log."""
    _try(on_postgresql, "CREATE TABLE parent (LIKE audit_event)", "ALTER TABLE audit_event INHERIT parent")
    for change in ("UPDATE parent SET actor = 'slack:U0EVE'", "DELETE FROM parent WHERE seq = 2", "TRUNCATE parent"):
        _refuses(on_postgresql, change)
    _try(on_postgresql, "CREATE TABLE above (LIKE audit_head)", "ALTER TABLE audit_head INHERIT above")
    for change in ("UPDATE above SET seq = 1", "DELETE FROM above", "TRUNCATE above"):
        _refuses(on_postgresql, change)


def _recipe() -> str:
    found = re.search(r"## Two roles for PostgreSQL.*?```sql\n(.*?)```", SET_UP.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def two_roles(on_postgresql: Database) -> Iterator[Database]:
    """As docs/set-up.md says, for an installation whose processes owned the tables until now."""
    app, owner, password = f"app_{uuid4().hex}", f"owner_{uuid4().hex}", uuid4().hex
    recipe = _recipe().replace("countersign_owner", owner).replace("countersign", app).replace("…", password)
    with on_postgresql.engine().begin() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {app} LOGIN PASSWORD '{password}'")
        tables = connection.exec_driver_sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").scalars()
        for table in tables.all():
            connection.exec_driver_sql(f'ALTER TABLE "{table}" OWNER TO {app}')
        connection.exec_driver_sql(f"ALTER FUNCTION audit_event_append_only OWNER TO {app}")
        connection.exec_driver_sql(recipe)
    url = on_postgresql.url.set(username=app, password=password).render_as_string(hide_password=False)
    database = Database(url)
    yield database
    database.close()
    on_postgresql.close()


BY_THE_PROCESSES = [
    "DROP TRIGGER audit_event_append_only ON audit_event",
    "ALTER TABLE audit_event DISABLE TRIGGER ALL",
    "ALTER TABLE audit_head DISABLE TRIGGER USER",
    "SET session_replication_role = replica",
    "ALTER TABLE audit_event RENAME TO gone",
    "ALTER TABLE audit_event ALTER COLUMN actor TYPE varchar USING 'slack:U0EVE'",
    "CREATE RULE swallow AS ON INSERT TO audit_event DO INSTEAD NOTHING",
    "CREATE TABLE child () INHERITS (audit_event)",
    "CREATE OR REPLACE FUNCTION audit_event_append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "ALTER TABLE audit_event ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY hide ON audit_event USING (false)",
    "DROP TABLE audit_event",
    "UPDATE audit_event SET actor = 'slack:U0EVE'",
    "DELETE FROM audit_event",
    "TRUNCATE audit_event",
]


def test_the_role_of_the_processes_works_and_cannot_take_the_guards_away(two_roles: Database, tmp_path: Path) -> None:
    two_roles.check(schema.head())
    world = World.make(two_roles, tmp_path)
    world.open()
    assert _verified(two_roles) is None
    for statement in BY_THE_PROCESSES:
        before = _rows(two_roles)
        with pytest.raises(DBAPIError, match=r"must be owner|permission denied|append-only"):
            _try(two_roles, statement)
        assert _rows(two_roles) == before, statement
    with two_roles.read() as session:
        assert audit_guards.may_be_taken_away_by(session.connection()) is None


def test_a_role_that_owns_the_log_is_said_to_be_able_to_change_it(on_postgresql: Database) -> None:
    with on_postgresql.read() as session:
        assert audit_guards.may_be_taken_away_by(session.connection()) == "postgres"
