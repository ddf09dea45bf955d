"""The shop on PostgreSQL 18, and on the older version that this host has."""

from collections.abc import Iterator

import pytest

from access.store import Database
from tests.adversary.shop import Shop, serving
from tests.contracts.membership_world import OLDER
from tests.databases import SqliteFiles


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with serving(tmp_path_factory.mktemp("attacked")) as shop:
        yield shop


@pytest.fixture(scope="session")
def older_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with serving(tmp_path_factory.mktemp("older"), bin_dir=OLDER[-1]) as shop:
        yield shop


@pytest.fixture
def store(sqlite_files: SqliteFiles) -> Iterator[Database]:
    """Ours; which kind it is makes no difference to a target."""
    with sqlite_files.emptied() as database:
        yield database
