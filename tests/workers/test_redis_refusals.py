"""A Redis that answers and takes no writes, or not ours, is as good as gone: told once, and used again by itself."""

import logging
from pathlib import Path

import pytest
from redis.exceptions import NoPermissionError

from tests.redis_refusals import REFUSALS, fill
from tests.redis_server import RedisServer
from tests.waiting import wait_until
from tests.workers.engine import Engine
from tests.workers.rows import Rows
from workers.queue_worker import QueueWorker
from workers.redis_connection import connect

ROOT = Path(__file__).parents[2]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five sweeps pass before an alert; one that calls Redis well in between begins anew."""
    for name, seconds in {"ALERT_AFTER_SECONDS": 1.0, "_SWEEP_SECONDS": 0.2, "_RETRY_SECONDS": 0.2}.items():
        monkeypatch.setattr(f"workers.timekeeper.{name}", seconds)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("kind", REFUSALS)
def test_a_redis_that_takes_no_writes_is_told_once_worked_around_and_used_again_when_it_does(
    kind: str, lone_engine: Engine, own_redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    rows = lone_engine.rows
    refusal = REFUSALS[kind]
    own_redis.start()
    with caplog.at_level(logging.INFO, "workers.timekeeper"), lone_engine.timekeeper():
        wait_until(lambda: rows.alerts == ["back"], "the timekeeper to find Redis well")

        refusal.begin(own_redis)
        if kind == "no jobs":  # what is used only where there is something to do
            rows.add("first")
        wait_until(lambda: "lost" in rows.alerts, "the alert")
        rows.add("meanwhile")
        wait_until(lambda: "meanwhile" in rows.done, "the timekeeper to do it itself")
        said = [one.message for one in caplog.records]
        assert sum("cannot be used" in one for one in said) == 1, said
        assert sum("can be used again" in one for one in said) == 0, said
        assert rows.why_lost == refusal.why

        refusal.mend(own_redis)
        wait_until(lambda: rows.alerts == ["back", "lost", "back"], "the timekeeper to find Redis well again")
        by_hand = set(lone_engine.by_hand)
        with lone_engine.worker():
            rows.add("after")
            wait_until(lambda: "after" in rows.done, "a job through Redis")
    assert set(lone_engine.by_hand) == by_hand


def test_a_worker_without_a_redis_that_takes_writes_says_so_once_and_works_again(
    lone_engine: Engine,
    rows: Rows,
    own_redis: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("workers.queue_worker._RETRY_SECONDS", 0.02)
    tries = list[str]()
    register = QueueWorker.register_birth

    def noted(worker: QueueWorker) -> None:
        tries.append("to sign on")
        register(worker)

    monkeypatch.setattr(QueueWorker, "register_birth", noted)
    own_redis.start()
    fill(own_redis)
    with caplog.at_level(logging.INFO, "workers.queue_worker"), lone_engine.worker(), lone_engine.timekeeper():
        wait_until(lambda: len(tries) > 5, "the worker to try again and again")
        said = [one.message for one in caplog.records if one.name == "workers.queue_worker"]
        assert said == ["Redis cannot be used (it is full and takes nothing more); trying again"]

        own_redis.client.config_set("maxmemory", "0")
        wait_until(
            lambda: ("workers.queue_worker", logging.INFO, "Redis can be used again") in caplog.record_tuples, "it"
        )
        wait_until(lambda: rows.alerts and rows.alerts[-1] == "back", "the timekeeper too")
        rows.add("after")
        wait_until(lambda: "after" in rows.done, "a job through Redis")


def test_the_user_that_the_guide_shows_may_do_all_that_is_needed(
    lone_engine: Engine, rows: Rows, own_redis: RedisServer
) -> None:
    guide = (ROOT / "docs" / "set-up.md").read_text(encoding="utf-8")
    (line,) = [line for line in guide.splitlines() if line.startswith("ACL SETUSER countersign ")]
    own_redis.start()
    own_redis.client.execute_command(*line.split())
    lone_engine.url = own_redis.url.replace("unix://", "unix://countersign:password@")
    with connect(lone_engine.url) as user, pytest.raises(NoPermissionError):
        user.flushall()
    with lone_engine.timekeeper(), lone_engine.worker():
        wait_until(lambda: rows.alerts == ["back"], "the timekeeper to find Redis well")
        rows.add("ann")
        lone_engine.tell_agenda("ann")
        wait_until(lambda: "ann" in rows.done, "a job through Redis")

    assert (rows.alerts, lone_engine.by_hand) == (["back"], [])
