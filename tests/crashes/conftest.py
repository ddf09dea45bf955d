"""What those who die share: a database that is empty again for each life, and a Redis."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from redis import Redis

from access.store import Database
from tests.databases import PostgresDatabases, SqliteFiles
from tests.redis_server import redis_server, redis_url
from workers.redis_connection import connect_waiting

__all__ = ["redis_server", "redis_url"]

Emptied = Callable[[], AbstractContextManager[Database]]


@pytest.fixture
def emptied(database_kind: str, request: pytest.FixtureRequest) -> Emptied:
    name = "sqlite_files" if database_kind == "sqlite" else "postgres_databases"
    databases: SqliteFiles | PostgresDatabases = request.getfixturevalue(name)
    return databases.emptied


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    """A client of an empty Redis, as timekeepers and workers make theirs."""
    with connect_waiting(redis_url) as client:
        yield client
