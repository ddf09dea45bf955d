"""One real PostgreSQL 18 with the demo's shop for all contract tests of the run."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from countersign.demo.target import Target, prepare
from countersign.embedded.postgres import EmbeddedPostgres
from tests.contracts.postgres_world import PostgresWorld
from tests.contracts.shop import provider_factory
from workers.providers.postgres import Postgres


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    # Every statement is logged, so that a test can look for secrets there.
    settings = {"log_statement": "all", "fsync": "off", "log_min_duration_statement": "0"}
    settings["max_prepared_transactions"] = "5"
    # A small lock table: what takes 12,000 tables elsewhere takes 2,000 here.
    settings |= {"max_locks_per_transaction": "10", "max_connections": "30"}
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), settings=settings).start()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def target(server: EmbeddedPostgres) -> Target:
    return prepare(server)


@pytest.fixture
def world(server: EmbeddedPostgres, target: Target) -> Iterator[PostgresWorld]:
    world = PostgresWorld(server, target)
    yield world
    world.close()


@pytest.fixture
def make_provider(world: PostgresWorld, tmp_path: Path) -> Iterator[Callable[[], Postgres]]:
    with provider_factory(Postgres, world.bot_dsn, tmp_path) as make:
        yield make


@pytest.fixture
def provider(make_provider: Callable[[], Postgres]) -> Postgres:
    return make_provider()
