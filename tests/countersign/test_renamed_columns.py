"""A renamed column is there by both names for one version, and who writes one writes the other (ADR 29)."""

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

import access.models  # noqa: F401 -- fills the metadata
from tests.world import World

MOMENTS = datetime(2026, 11, 30, 9, tzinfo=UTC), datetime(2026, 11, 30, 10, tzinfo=UTC)
TEXTS = "01kaq9z0000000000000000aa1", "01kaq9z0000000000000000aa2"
NUMBERS = 7, 8
RENAMED: dict[tuple[str, str, str], tuple[Any, Any]] = {
    ("notice", "wanted", "wanted_version"): NUMBERS,
    ("notice", "shown", "shown_version"): NUMBERS,
    ("notice", "told_at", "delivered_at"): MOMENTS,
    ("alert", "told_at", "delivered_at"): MOMENTS,
    ("grant", "continues", "supersedes_grant_id"): TEXTS,
    ("grant", "behind_since", "target_expiry_stale_since"): MOMENTS,
    ("grant", "second_look_at", "recheck_after"): MOMENTS,
    ("share", "taken_by", "locked_by"): TEXTS,
    ("share", "taken_until", "locked_until"): MOMENTS,
}
pytestmark = pytest.mark.both_databases


@pytest.fixture
def tables(world: World) -> sa.MetaData:
    """As the database has them, with a row in each."""
    found = sa.MetaData()
    with world.core.database.engine().begin() as connection:
        found.reflect(connection)
        share = {"provider": "town", "place": "town", "role": "read", "principal": "ann", "fence": 0}
        connection.execute(found.tables["share"].insert(), {"id": TEXTS[0]} | share)
        alert = {"kind": "policy", "subject": "access.yml", "sentence": "It cannot be read.", "opened_at": MOMENTS[0]}
        connection.execute(found.tables["alert"].insert(), {"id": TEXTS[0]} | alert)
    world.open()
    return found


@pytest.mark.parametrize(("table", "old", "new"), RENAMED)
def test_who_writes_a_column_by_one_name_writes_the_other(
    world: World, tables: sa.MetaData, table: str, old: str, new: str
) -> None:
    rows, values = tables.tables[table], RENAMED[table, old, new]
    with world.core.database.engine().begin() as connection:
        for by, other, value in ((old, new, values[0]), (new, old, values[1]), (old, new, values[0])):
            changed = connection.execute(rows.update().values({by: value}))
            assert changed.rowcount > 0, "what the trigger writes is not counted instead"
            assert set(connection.execute(sa.select(rows.c[other])).scalars()) == {_kept(world, value)}


@pytest.mark.parametrize(("table", "old", "new"), RENAMED)
@pytest.mark.parametrize("by_the_old_name", [True, False])
def test_what_is_inserted_by_one_name_is_there_by_the_other(
    world: World, tables: sa.MetaData, table: str, old: str, new: str, *, by_the_old_name: bool
) -> None:
    rows, value = tables.tables[table], RENAMED[table, old, new][0]
    by, other = (old, new) if by_the_old_name else (new, old)
    with world.core.database.engine().begin() as connection:
        row = dict(connection.execute(sa.select(rows).limit(1)).mappings().one())
        del row[other]
        row |= {"id": TEXTS[1], by: value}
        if table == "notice":
            row["version"] = 99
        if table == "alert":
            row["subject"] = "another"
        connection.execute(rows.insert(), row)
        found = connection.execute(sa.select(rows.c[other]).where(rows.c.id == TEXTS[1])).scalar_one()
    assert found == _kept(world, value)


def test_the_schema_is_what_the_rows_say_but_for_the_names_of_before(tables: sa.MetaData) -> None:
    expected = {(name, column.name) for name, table in SQLModel.metadata.tables.items() for column in table.columns}
    there = {(name, column.name) for name, table in tables.tables.items() for column in table.columns}
    assert there - expected - {("alembic_version", "version_num")} == {(table, old) for table, old, _ in RENAMED}
    assert expected - there == set()


def _kept(world: World, value: Any) -> Any:
    """SQLite drops time zones."""
    sqlite = world.core.database.dialect == "sqlite"
    return value.replace(tzinfo=None) if sqlite and isinstance(value, datetime) else value
