"""A life of its own for each example, on either database."""

import pytest
from redis import Redis

from tests.databases import PostgresDatabases, SqliteFiles
from tests.invariants.machine import Life
from tests.redis_server import RedisServer, redis_server

__all__ = ["redis_server"]


@pytest.fixture
def life(database_kind: str, redis: Redis, request: pytest.FixtureRequest) -> type[Life]:
    """The machine on a database and a Redis that are emptied for each example."""
    name = "sqlite_files" if database_kind == "sqlite" else "postgres_databases"
    databases: SqliteFiles | PostgresDatabases = request.getfixturevalue(name)
    return life_on(databases, redis)


@pytest.fixture
def quick_life(sqlite_files: SqliteFiles, redis: Redis) -> type[Life]:
    """The same on SQLite."""
    return life_on(sqlite_files, redis)


@pytest.fixture
def redis(redis_server: RedisServer) -> Redis:
    return redis_server.client


def life_on(databases: SqliteFiles | PostgresDatabases, redis: Redis) -> type[Life]:
    return type("Life", (Life,), {"emptied": staticmethod(databases.emptied), "redis": redis})
