"""What every test may ask for."""

import gc
import itertools
import os
import secrets
from collections.abc import Generator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from access import ids
from access.store import Database
from countersign.conformance import record
from countersign.embedded.postgres import EmbeddedPostgres
from tests.databases import MEMORY, PostgresDatabases, SqliteFiles
from tests.judged import Judged
from tests.one_database import is_left_to_the_other
from tests.quick import is_quick
from tests.seconds import Seconds
from tests.world import World

pytest_plugins = ["countersign.testing.recording"]

JUDGED = Judged()
SECONDS = Seconds()
STORIES = {"stories", "hands", "test_readme.py"}
FIRST_STORIES = {"test_stories.py", "hands", "test_readme.py"}
"""As long as all the others together."""
LONG = {"test_crashes.py", "test_machine.py", "test_bench.py", "test_faults.py", "test_shared_access.py"}
"""One of these that began last would have all the others wait."""


def pytest_configure(config: pytest.Config) -> None:
    JUDGED.watch()
    config.option.promises = config.option.promises or record.FILE
    if "CI" not in os.environ and not config.getoption("--hypothesis-profile"):
        # As hypothesis does by itself with CI set: how long an example takes says nothing, other tests run beside it.
        settings.register_profile("calm", deadline=None, suppress_health_check=[HealthCheck.too_slow])
        settings.load_profile("calm")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="the long tests too (by SOAK_ROUNDS, SOAK_MINUTES, SOAK_SEED)")
    parser.addoption("--quick", action="store_true", help="what needs no server but Redis, and no browser")
    parser.addoption("--both-databases", action="store_true", help="each test that needs one on SQLite and PostgreSQL")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long tests are no part of the normal run: not chosen, rather than skipped. Stories are marked by their folder.

    They come first: one process is busy with them for as long as the other takes for all the rest. Then the long ones.
    """
    for item in items:
        if STORIES.intersection(item.path.parts):
            item.add_marker("story")
    items.sort(key=lambda item: (item.get_closest_marker("story") is None, item.path.name not in LONG))
    if config.getoption("--soak"):
        return
    left_out = {item for item in items if item.get_closest_marker("soak")}
    if not config.getoption("--both-databases"):
        left_out |= {item for item in items if is_left_to_the_other(item)}
    if config.getoption("--quick"):
        left_out |= {item for item in items if not is_quick(item)}
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Modules and ten thousand tests stay until the end: to walk through them for garbage took a quarter of a test."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


class _InOrder:
    """Chance whose first 40 bits count."""

    def __init__(self) -> None:
        self._made = itertools.count()

    def randbits(self, bits: int) -> int:
        return next(self._made) << bits - 40 | secrets.randbits(bits - 40)


@pytest.fixture(scope="session", autouse=True)
def ids_sort_as_they_were_made() -> Iterator[None]:
    """Within one millisecond the order of ids is chance; a clock that stands still has no other millisecond."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ids, "secrets", _InOrder())
        yield


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Several processes share the tests by file; of the stories two run at once, for each is many processes itself."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            parts = file.split("/")
            if not STORIES.intersection(parts):
                return file
            return "first stories" if FIRST_STORIES.intersection(parts) else "other stories"

    return ByFile(config, log)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where it decides what lands, a test that was not run is a test that failed. So is what Slack would refuse."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:  # one of several processes: the first one decides
        output["judged"] = (JUDGED.sent, JUDGED.invalid)
        return
    if JUDGED.invalid and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = len(reporter.stats.get("skipped", [])) if reporter else 0
    if reporter and os.environ.get("CI") == "true" and skipped and session.exitstatus == pytest.ExitCode.OK:
        reporter.write_line(f"{skipped} skipped: with CI=true that is a failure", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """One of several processes has ended: what its sandboxes saw is added to the others'."""
    sent, invalid = getattr(node, "workeroutput", {}).get("judged", (0, []))
    JUDGED.sent += sent
    JUDGED.invalid += invalid


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    SECONDS.add(report)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in SECONDS.lines():
        terminalreporter.write_line(line)
    terminalreporter.write_line(str(JUDGED), red=bool(JUDGED.invalid))
    for invalid in JUDGED.invalid:
        terminalreporter.write_line(f"  {invalid}", red=True)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """One PostgreSQL for the whole run: our own store in the one half of the tests, and the target."""
    quick = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}  # nobody pulls the plug here
    with EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), settings=quick) as server:
        yield server
        server.remove()


@pytest.fixture(scope="session")
def sqlite_files() -> Iterator[SqliteFiles]:
    with TemporaryDirectory(prefix="countersign-", dir=MEMORY if MEMORY.is_dir() else None) as directory:
        yield SqliteFiles(Path(directory))


@pytest.fixture(scope="session")
def postgres_databases(postgres: EmbeddedPostgres) -> Iterator[PostgresDatabases]:
    databases = PostgresDatabases(postgres.superuser_dsn)
    yield databases
    databases.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Each test on both kinds, but for those that `one_database` leaves to the other."""
    return request.param


@pytest.fixture
def database_url(database_kind: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database of the test's own on the newest revision: for processes, and to do harm to."""
    with _databases(database_kind, request).fresh() as url:
        yield url


@pytest.fixture
def database(database_kind: str, request: pytest.FixtureRequest) -> Iterator[Database]:
    """An empty database on the newest revision: the one of `database_url` if the test asks for that too."""
    if "database_url" not in request.fixturenames:
        with _databases(database_kind, request).emptied() as database:
            yield database
        return
    database = Database(request.getfixturevalue("database_url"))
    yield database
    database.close()


@pytest.fixture
def unmigrated_url(database_kind: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database that has no schema yet."""
    with _databases(database_kind, request).unmigrated() as url:
        yield url


def _databases(kind: str, request: pytest.FixtureRequest) -> SqliteFiles | PostgresDatabases:
    return request.getfixturevalue("sqlite_files" if kind == "sqlite" else "postgres_databases")


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World.make(database, tmp_path)
