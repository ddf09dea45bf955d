"""Killed at any point of any step, in any weather: whoever comes after keeps every promise."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from zlib import crc32

import pytest

from access.ports import Provider
from access.store import Database
from tests.crashes.matrix import CASES, Life, killed_at, points_of
from tests.databases import PostgresDatabases, SqliteFiles
from tests.invariants.commons import CommonsProvider
from tests.invariants.servers import Weather
from tests.invariants.town import TownProvider

LEAST = 400
"""Cases of the whole matrix."""
Emptied = Callable[[], AbstractContextManager[Database]]


@pytest.fixture
def emptied(database_kind: str, request: pytest.FixtureRequest) -> Emptied:
    name = "sqlite_files" if database_kind == "sqlite" else "postgres_databases"
    databases: SqliteFiles | PostgresDatabases = request.getfixturevalue(name)
    return databases.emptied


def points(emptied: Emptied, directory: Path, step: str, weather: Weather) -> list[str]:
    with emptied() as database:
        return points_of(Life(database, directory), step, weather)


def kill(emptied: Emptied, directory: Path, step: str, weather: Weather, point: int) -> None:
    directory.mkdir()
    with emptied() as database:
        killed_at(Life(database, directory), step, weather, point)


@pytest.mark.parametrize(("step", "weather"), CASES)
def test_killed_at_some_point_nothing_is_lost(emptied: Emptied, tmp_path: Path, step: str, weather: Weather) -> None:
    """One point of each step and weather, not the same for all."""
    names = points(emptied, tmp_path, step, weather)
    kill(emptied, tmp_path / "life", step, weather, crc32(f"{step} {weather}".encode()) % len(names))


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_killed_at_any_point_nothing_is_lost(emptied: Emptied, tmp_path: Path) -> None:
    cases = 0
    for step, weather in CASES:
        for point, name in enumerate(points(emptied, tmp_path, step, weather)):
            try:
                kill(emptied, tmp_path / str(cases), step, weather, point)
            except AssertionError as broken:
                raise AssertionError(f"{step}, the target {weather}, killed at {name} ({point}): {broken}") from broken
            cases += 1
    print(f"{cases} cases")
    assert cases >= LEAST / 2, "half of the matrix on each kind of database"


def test_each_call_to_a_target_has_points_on_both_sides() -> None:
    """A verb that a provider gets needs points of its own here, or nobody would die beside it."""
    verbs = {name for name in vars(Provider) if not name.startswith("_") and callable(getattr(Provider, name))}
    without_a_call, to_compare = {"plan", "close", "check", "rights"}, {"list_managed", "list_holders"}
    assert verbs - without_a_call - to_compare == {"grant", "observe", "revoke", "reveal", "extend"}
    assert {"grant", "observe", "revoke", "extend"} <= set(vars(TownProvider))
    assert {"grant", "observe", "revoke"} <= set(vars(CommonsProvider))
