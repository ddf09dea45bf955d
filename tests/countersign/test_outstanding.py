"""`countersign outstanding`: what may be open and how it is ended by hand, read from whatever is left."""

import json
from pathlib import Path

import pytest

from access.errors import Unready
from access.models import Grant
from access.settings import Settings
from access.store import Database
from countersign.cli.outstanding import report
from tests.cast import BEN
from tests.world import World


def settings(url: str, tmp_path: Path) -> Settings:
    """No policy, no Redis, no Slack; a state directory that does not exist."""
    gone = {"COUNTERSIGN_POLICY": str(tmp_path / "gone.yml"), "COUNTERSIGN_STATE": str(tmp_path / "gone")}
    return Settings.read({"DATABASE_URL": url, "REDIS_URL": "redis://127.0.0.1:1/0"} | gone)


@pytest.mark.both_databases
def test_a_program_reads_who_has_what_and_what_ends_it(world: World, database_url: str, tmp_path: Path) -> None:
    first, second = world.open(minutes=30), world.scheduled(by=BEN, minutes=60)

    said = json.loads(report(settings(database_url, tmp_path), in_json=True))

    assert [one["grant"] for one in said] == [second.id, first.id], "the soonest to end first; this one may not begin"
    assert said[1] == {
        "grant": first.id, "resource": "customers-db", "role": "read", "person": "ann", "principal": "ann",
        "provider": "fake", "status": "active", "until": "2026-11-23T12:30:00+00:00", "problem": "",
        "by_hand": [f"REMOVE {first.id}"], "where": "server one",
    }  # fmt: skip
    assert said[0]["by_hand"] == []


def test_where_the_statements_are_typed_is_said_as_far_as_it_is_known(
    world: World, database: Database, database_url: str, tmp_path: Path
) -> None:
    grant = world.open(minutes=30)
    assert f"    by hand, on server one:\n      REMOVE {grant.id}" in report(settings(database_url, tmp_path))

    with database.write() as session:  # as the version before planned it
        session.get_one(Grant, grant.id).plan = {"grant": [], "revoke": [f"REMOVE {grant.id}"]}

    assert f"    by hand, on the target:\n      REMOVE {grant.id}" in report(settings(database_url, tmp_path))


@pytest.mark.both_databases
def test_a_newer_schema_has_all_that_is_read(
    world: World, database: Database, database_url: str, tmp_path: Path
) -> None:
    grant = world.open(minutes=30)
    with database.engine().begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        connection.exec_driver_sql('ALTER TABLE "grant" ADD COLUMN newer INTEGER')

    assert grant.id in report(settings(database_url, tmp_path))


@pytest.mark.both_databases
def test_an_older_schema_is_said_to_be_one(database: Database, database_url: str, tmp_path: Path) -> None:
    with database.engine().begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")

    with pytest.raises(Unready, match=r"at revision 0001\. Run `countersign migrate`"):
        report(settings(database_url, tmp_path))


def test_a_database_that_is_away_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(Unready, match="cannot be used"):
        report(settings("postgresql://nobody@127.0.0.1:1/away", tmp_path))


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_a_standby_that_takes_no_changes_is_enough(
    world: World, database: Database, database_url: str, tmp_path: Path
) -> None:
    grant = world.open(minutes=30)
    with database.engine().begin() as connection:
        connection.exec_driver_sql(f"ALTER DATABASE {database.url.database} SET default_transaction_read_only = on")

    assert f"REMOVE {grant.id}" in report(settings(database_url, tmp_path))
