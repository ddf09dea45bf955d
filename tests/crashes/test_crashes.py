"""Killed at any point of any step, in any weather: whoever comes after keeps every promise."""

from pathlib import Path
from zlib import crc32

import pytest

from access.ports import Provider
from tests.crashes.conftest import Emptied
from tests.crashes.lives import Lives, kill_at_each
from tests.crashes.matrix import AT_HOME, CASES, STEPS, TRIED, Life
from tests.databases import SqliteFiles
from tests.invariants.commons import CommonsProvider
from tests.invariants.servers import Weather
from tests.invariants.town_provider import TownProvider

LEAST = 400
"""Cases of the whole matrix."""


@pytest.mark.parametrize(("step", "weather"), TRIED)
def test_killed_at_some_point_nothing_is_lost(emptied: Emptied, tmp_path: Path, step: str, weather: Weather) -> None:
    """One point of each step and weather, not the same for all."""
    lives = Lives(emptied, tmp_path, Life, STEPS[step], weather)
    lives.killed(crc32(f"{step} {weather}".encode()) % len(lives.points()))


@pytest.mark.parametrize("step", sorted(STEPS))
def test_what_is_tried_in_two_weathers_alone_calls_no_target(
    sqlite_files: SqliteFiles, tmp_path: Path, step: str
) -> None:
    weather: Weather = next(weather for one, weather in CASES if one == step)
    points = Lives(sqlite_files.emptied, tmp_path, Life, STEPS[step], weather).points()

    assert (step in AT_HOME) == (not [name for name in points if name.startswith("provider.")])


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_killed_at_any_point_nothing_is_lost(emptied: Emptied, tmp_path: Path) -> None:
    cases, failed = 0, list[str]()
    for step, weather in CASES:
        lives = Lives(emptied, tmp_path / f"{step} {weather}", Life, STEPS[step], weather)
        points = dict(enumerate(lives.points()))
        failed += kill_at_each(lives, points, f"{step}, the target {weather}")
        cases += len(points)
    print(f"{cases} cases")
    assert not failed
    assert cases >= LEAST / 2, "half of the matrix on each kind of database"


def test_each_call_to_a_target_has_points_on_both_sides() -> None:
    """A verb that a provider gets needs points of its own here, or nobody would die beside it."""
    verbs = {name for name in vars(Provider) if not name.startswith("_") and callable(getattr(Provider, name))}
    without_a_call = {"plan", "close", "check", "rights", "target_key"}
    to_look = {"list_managed", "list_holders", "role_rights", "clean_up"}
    # Looks have points in the state machine (tests/invariants); `role_rights` only reads.
    assert verbs - without_a_call - to_look == {"grant", "observe", "revoke", "reveal", "extend"}
    assert {"grant", "observe", "revoke", "reveal", "extend"} <= set(vars(TownProvider))
    assert {"grant", "observe", "revoke"} <= set(vars(CommonsProvider))
