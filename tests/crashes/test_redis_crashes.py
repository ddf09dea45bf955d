"""Killed at any call to Redis: whoever comes after keeps every promise, no later than a lease."""

from functools import partial
from itertools import cycle
from pathlib import Path
from zlib import crc32

import pytest
from redis import Redis

from tests.crashes.conftest import Emptied
from tests.crashes.engine import ENGINE_STEPS, OF_THE_ENGINE, EngineLife
from tests.crashes.lives import Lives, kill_at_each
from tests.crashes.matrix import WEATHERS
from tests.databases import SqliteFiles
from tests.invariants.servers import Weather
from workers.agenda import RedisAgenda

LEAST = 1000
"""Cases of the whole matrix."""
AGENDA = "workers.agenda.RedisAgenda."


@pytest.mark.parametrize(
    ("database_kind", "step", "weather"),
    [*zip(cycle(["sqlite", "postgresql"]), ENGINE_STEPS, cycle(WEATHERS), strict=False)],
)
def test_killed_at_some_call_to_redis_nothing_is_lost(
    emptied: Emptied, tmp_path: Path, redis: Redis, step: str, weather: Weather
) -> None:
    """One call of each step, in one weather and on one kind of database."""
    lives = engine_lives(emptied, tmp_path, redis, step, weather)
    calls = calls_to_redis(lives.points())
    lives.killed(list(calls)[crc32(f"{step} {weather}".encode()) % len(calls)])


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_killed_at_any_call_to_redis_nothing_is_lost(emptied: Emptied, tmp_path: Path, redis: Redis) -> None:
    cases, failed = 0, list[str]()
    for step in ENGINE_STEPS:
        for weather in WEATHERS:
            lives = engine_lives(emptied, tmp_path / f"{step} {weather}", redis, step, weather)
            calls = calls_to_redis(lives.points())
            failed += kill_at_each(lives, calls, f"{step}, the target {weather}")
            cases += len(calls)
    print(f"{cases} cases of the engine")
    assert not failed
    assert cases >= LEAST / 2, "half of the matrix on each kind of database"


def test_each_way_to_call_redis_is_one_to_die_in(sqlite_files: SqliteFiles, tmp_path: Path, redis: Redis) -> None:
    """A method that the agenda gets needs a step that comes by it, or nobody would die in it."""
    passed = set[str]()
    for step in ENGINE_STEPS:
        lives = engine_lives(sqlite_files.emptied, tmp_path / step, redis, step, "fine")
        passed |= {name.split()[0] for name in calls_to_redis(lives.points()).values()}

    of_the_agenda = {AGENDA + name for name in vars(RedisAgenda) if not name.startswith("_")}
    assert of_the_agenda - passed == {f"{AGENDA}settle"}, "which is one way to call set_right"
    assert passed >= {
        "workers.jobs.JobQueues.send",
        "workers.queue_worker.QueueWorker.run_maintenance_tasks",
        "workers.queue_worker.QueueWorker.execute_job",
        "rq.queue.Queue.lmove",
        "rq.job.Job.refresh",
    }


def engine_lives(emptied: Emptied, directory: Path, redis: Redis, step: str, weather: Weather) -> Lives:
    steps = ENGINE_STEPS[step]
    return Lives(emptied, directory, partial(EngineLife, here=redis, dies_in=steps[-1]), steps, weather)


def calls_to_redis(points: list[str]) -> dict[int, str]:
    """Of all points those at which somebody talks to Redis; the others are in the other matrix."""
    return {number: name for number, name in enumerate(points) if name.startswith(OF_THE_ENGINE)}
