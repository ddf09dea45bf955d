"""The doctor looks at the database: there, on the right revision, writable, and its clock."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from psycopg.conninfo import conninfo_to_dict

from access import audit_guards
from access.store import Database
from countersign.embedded.postgres import EmbeddedPostgres
from tests.countersign.clinic import Clinic, the, unwell
from tests.databases import PostgresDatabases
from tests.standby import standby


@pytest.fixture
def stored(clinic: Clinic, database_url: str) -> Clinic:
    """With a database as it should be, of either kind."""
    clinic.environment["DATABASE_URL"] = database_url
    return clinic


@pytest.fixture
def on_postgres(clinic: Clinic, postgres_databases: PostgresDatabases) -> Iterator[Clinic]:
    with postgres_databases.fresh() as url:
        clinic.environment["DATABASE_URL"] = url
        yield clinic


def execute(url: str, statement: str) -> None:
    database = Database(url)
    with database.engine().begin() as connection:
        connection.execute(sa.text(statement))
    database.close()


@pytest.mark.both_databases
def test_a_database_as_it_should_be_is_well(stored: Clinic) -> None:
    findings = stored.look("Database")

    owned = [("warning", "audit log")] if "postgresql" in stored.environment["DATABASE_URL"] else []
    assert unwell(findings) == owned  # here the processes' role owns the tables
    assert [one.subject for one in findings] == ["reachable", "revision", "writable", "audit log", "clock"]


@pytest.mark.both_databases
def test_a_log_that_its_database_no_longer_guards_is_found(stored: Clinic) -> None:
    database = Database(stored.environment["DATABASE_URL"])
    on = " ON audit_event" if database.dialect == "postgresql" else ""
    with database.engine().begin() as connection:
        for guard in sorted(audit_guards.GUARDS[database.dialect]):
            if guard.startswith("audit_event"):
                connection.exec_driver_sql(f"DROP TRIGGER {guard}{on}")
    database.close()

    found = the(stored.look("Database"), "audit log")

    assert found.level == "error"
    assert "audit_event_" in found.sentence
    assert "audit verify" in found.cure


@pytest.mark.both_databases
def test_an_older_revision_is_found(stored: Clinic) -> None:
    execute(stored.environment["DATABASE_URL"], "UPDATE alembic_version SET version_num = '0001'")

    findings = stored.look("Database")

    assert unwell(findings) == [("error", "revision")]
    assert "It is at revision 0001" in the(findings, "revision").sentence
    assert "countersign migrate" in the(findings, "revision").cure


@pytest.mark.both_databases
def test_a_newer_revision_is_not_to_be_migrated(stored: Clinic) -> None:
    execute(stored.environment["DATABASE_URL"], "UPDATE alembic_version SET version_num = '9999'")

    found = the(stored.look("Database"), "revision")

    assert "does not know" in found.sentence
    assert "migrate" not in found.cure


@pytest.mark.both_databases
def test_an_empty_database_is_found(stored: Clinic) -> None:
    execute(stored.environment["DATABASE_URL"], "DROP TABLE alembic_version")

    assert the(stored.look("Database"), "revision").sentence == "The database is empty."


def test_a_file_that_is_not_there_is_found_and_not_made(clinic: Clinic, tmp_path: Path) -> None:
    clinic.environment["DATABASE_URL"] = f"sqlite:///{tmp_path}/data/countersign.db"

    findings = clinic.look("Database")

    assert unwell(findings) == [("error", "reachable")]
    assert "countersign migrate" in the(findings, "reachable").cure
    assert not (tmp_path / "data").exists()


def test_a_standby_is_found(clinic: Clinic, tmp_path: Path) -> None:
    with standby(tmp_path / "standby") as url:
        clinic.environment["DATABASE_URL"] = url
        findings = clinic.look("Database")

    assert unwell(findings) == [("error", "writable")]
    assert "read-only transaction" in the(findings, "writable").sentence
    assert "primary" in the(findings, "writable").cure


def _wrong_password(url: str) -> str:
    return url.replace("@", "canary@")


def _wrong_port(url: str) -> str:
    head, _, name = url.rpartition("/")
    return f"{head.rpartition(':')[0]}:9/{name}"


@pytest.mark.parametrize("spoil", [_wrong_password, _wrong_port])
def test_a_database_that_lets_nobody_in_is_found_without_its_password(
    on_postgres: Clinic, postgres: EmbeddedPostgres, spoil: Callable[[str], str]
) -> None:
    password = str(conninfo_to_dict(postgres.superuser_dsn)["password"])
    on_postgres.environment["DATABASE_URL"] = spoil(on_postgres.environment["DATABASE_URL"])

    findings = on_postgres.look("Database")

    assert unwell(findings) == [("error", "reachable")]
    assert password not in the(findings, "reachable").sentence


def test_an_address_that_cannot_be_read_is_found(clinic: Clinic) -> None:
    clinic.environment["DATABASE_URL"] = "mysql://root:canary@db/countersign"

    findings = clinic.look("Database")

    assert unwell(findings) == [("error", "address")]
    assert "canary" not in the(findings, "address").sentence


@pytest.mark.parametrize(("ahead", "level"), [(0, "ok"), (-5, "warning"), (5, "warning"), (40, "error")])
def test_a_clock_that_differs_from_the_databases_is_found(on_postgres: Clinic, ahead: float, level: str) -> None:
    on_postgres.set_clock_ahead(ahead)

    assert the(on_postgres.look("Database"), "clock").level == level
