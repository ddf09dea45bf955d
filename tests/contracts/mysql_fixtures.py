"""What the tests of the provider mysql ask for."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.contracts.mysql_server import READY, MariaDb, serving
from tests.contracts.mysql_world import MysqlWorld, made_of
from workers.providers.mysql import Mysql

__all__ = ["NEEDS_MARIADB", "make_mysql", "mariadb", "mysql_world"]

NEEDS_MARIADB = pytest.mark.skipif(not READY and not os.environ.get("CI"), reason="needs MariaDB")


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDb]:
    with serving() as server:
        yield server


@pytest.fixture
def mysql_world(mariadb: MariaDb, tmp_path: Path) -> Iterator[MysqlWorld]:
    world = MysqlWorld(mariadb, tmp_path)
    yield world
    world.close()


@pytest.fixture
def make_mysql(mysql_world: MysqlWorld) -> Iterator[Callable[[], Mysql]]:
    with made_of(Mysql, mysql_world) as make:
        yield make
