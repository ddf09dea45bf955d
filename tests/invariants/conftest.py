"""A life of its own for each example, on either database."""

import pytest

from tests.databases import PostgresDatabases, SqliteFiles
from tests.invariants.machine import Life


@pytest.fixture
def life(database_kind: str, request: pytest.FixtureRequest) -> type[Life]:
    """The machine on a database that is emptied for each example."""
    name = "sqlite_files" if database_kind == "sqlite" else "postgres_databases"
    databases: SqliteFiles | PostgresDatabases = request.getfixturevalue(name)
    return type("Life", (Life,), {"emptied": staticmethod(databases.emptied)})
