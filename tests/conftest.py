"""What every test may ask for."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from access.store import Database
from countersign.embedded.postgres import EmbeddedPostgres
from tests.databases import PostgresDatabases, SqliteFiles
from tests.world import World


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="run the long tests too (SOAK_ROUNDS says how long)")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long tests are no part of the normal run: not chosen, rather than skipped. Stories are marked by their folder."""
    for item in items:
        if "stories" in item.path.parts or item.path.name == "test_readme.py":
            item.add_marker("story")
    if config.getoption("--soak"):
        return
    long = [item for item in items if item.get_closest_marker("soak")]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if item not in long]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where it decides what lands, a test that was not run is a test that failed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = len(reporter.stats.get("skipped", [])) if reporter else 0
    if reporter and os.environ.get("CI") == "true" and skipped and session.exitstatus == pytest.ExitCode.OK:
        reporter.write_line(f"{skipped} skipped: with CI=true that is a failure", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """One PostgreSQL for the whole run: our own store in the one half of the tests, and the target."""
    quick = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}  # nobody pulls the plug here
    with EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), settings=quick) as server:
        yield server
        server.remove()


@pytest.fixture(scope="session")
def sqlite_files(tmp_path_factory: pytest.TempPathFactory) -> SqliteFiles:
    return SqliteFiles(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgres_databases(postgres: EmbeddedPostgres) -> PostgresDatabases:
    return PostgresDatabases(postgres.superuser_dsn)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database on the newest revision: each test runs on both kinds."""
    if request.param == "sqlite":
        with request.getfixturevalue("sqlite_files").fresh() as url:
            yield url
    else:
        with request.getfixturevalue("postgres_databases").fresh() as url:
            yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World.make(database, tmp_path)
