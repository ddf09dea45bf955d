"""The process of one queue: outlives Redis, is replaced when it lost a thread, gives back what it cannot finish."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from redis import Redis

from access.ports import AgendaItem, Deadline
from tests.redis_server import RedisServer
from tests.waiting import wait_until
from tests.workers.engine import CLOCK, SEAL, Engine
from tests.workers.rows import Rows
from workers.agenda import AGENDA, RedisAgenda
from workers.handlers import Route, Routes
from workers.jobs import JobQueues
from workers.pacing import Limits
from workers.redis_connection import connect

ROOT = Path(__file__).parents[2]
MANY = [f"id{number:03}" for number in range(60)]


@contextmanager
def program(url: str, rows: Path, claim_seconds: float = 60.0) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.workers.worker_program", url, str(rows), str(claim_seconds)]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_worker_gives_signs_of_life(engine: Engine, rows: Rows) -> None:
    with engine.worker("grant"):
        wait_until(lambda: rows.beats == {"worker-grant": "worker grant"}, "a sign of life")


def test_a_worker_whose_clock_is_a_little_behind_does_not_wait_for_the_lease(
    engine: Engine, rows: Rows, tmp_path: Path
) -> None:
    behind = Rows(tmp_path / "rows.db", behind=0.2)
    rows.add("one", due=time.time() + 0.5)
    with engine.timekeeper(), engine.worker(rows=behind):
        engine.tell_agenda("one")
        wait_until(lambda: rows.done == {"one"}, "what is due", within=20)
    assert rows.lateness()[0] >= 0, "and never early by the clock that keeps time"


def test_what_another_worker_has_in_hand_is_looked_at_when_its_claim_ends(
    engine: Engine, rows: Rows, tmp_path: Path
) -> None:
    rows.add("one")
    Rows(tmp_path / "rows.db", claim_seconds=300).claim("revoke", ["one"])
    with engine.timekeeper(), engine.worker():
        engine.tell_agenda("one")
        wait_until(lambda: engine.due("one") > time.time() + 200, "the agenda to say when that is")
    assert rows.calls == []


def test_a_time_that_a_commit_gave_meanwhile_is_not_set_back(
    engine: Engine, rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message that was wanted anew while it was told would be a minute late, and a second try at an end too."""
    rows.add("one")
    Rows(tmp_path / "rows.db", claim_seconds=300).claim("revoke", ["one"])
    soon, looked = datetime.now(UTC) + timedelta(seconds=100), threading.Event()
    route = Rows.route

    def overtaken(self: Rows, items: Sequence[AgendaItem]) -> Routes:
        routes = route(self, items)
        if threading.current_thread().name.startswith("lane") and not looked.is_set():
            with connect(engine.url) as redis:
                RedisAgenda(redis).add([(item, soon) for item, _ in rows.items("one")])  # who has it commits just now
            looked.set()
        return routes

    monkeypatch.setattr(Rows, "route", overtaken)
    engine.tell_agenda("one")
    with connect(engine.url) as redis, engine.worker():
        JobQueues(redis, SEAL, CLOCK).send([Route(rows.items("one")[0][0], "one", "revoke", "crm")])
        wait_until(looked.is_set, "a claim that is not won")
    engine.ending.close()
    assert engine.due("one") == soon.timestamp()


def test_work_in_hand_is_finished_when_redis_goes_and_jobs_are_taken_when_it_is_back(
    lone_engine: Engine, rows: Rows, own_redis: RedisServer
) -> None:
    let_go = threading.Event()

    def act(identifier: str, _deadline: Deadline) -> bool:
        return identifier != "slow" or let_go.wait(30)

    lone_engine.act = act
    own_redis.start()
    with lone_engine.timekeeper(), lone_engine.worker() as worker:
        rows.add("slow")
        wait_until(lambda: rows.calls, "the call")
        own_redis.stop()
        let_go.set()
        wait_until(lambda: rows.done == {"slow"}, "its result to be committed without Redis")

        rows.add("timer", due=time.time() + 3600)
        own_redis.start()
        wait_until(lambda: own_redis.client.zscore(AGENDA, "grant:timer"), "the timekeeper to come back")
        rows.add("next")
        wait_until(lambda: rows.done == {"slow", "next"}, "the next job")
        assert worker.is_alive()

    assert lone_engine.by_hand == []


def test_a_worker_that_lost_a_thread_finishes_the_rest_and_ends_to_be_replaced(
    hanging: Engine, rows: Rows, own_redis: RedisServer
) -> None:
    own_redis.start()
    rows.add("stuck", "fine")
    with hanging.timekeeper(), hanging.worker() as worker:
        wait_until(lambda: not worker.is_alive(), "the worker to end by itself")

    assert rows.done == {"fine"}


def test_a_stop_gives_back_what_was_waiting(engine: Engine, rows: Rows, redis: Redis) -> None:
    let_go = threading.Event()
    engine.act = lambda _id, _deadline: let_go.wait(30)
    engine.limits = Limits(threads=1)
    rows.add(*MANY)
    with engine.timekeeper(), engine.worker() as worker:
        wait_until(lambda: rows.calls, "the first call")
        wait_until(lambda: not redis.llen("rq:queue:revoke"), "the job to be taken")
    # The timekeeper is told to stop as well, so that nothing takes up what is given back.
    wait_until(lambda: len(rows.claimed) == 1, "what has not started to be released")
    let_go.set()
    worker.join()

    left = cast(list[tuple[bytes, float]], redis.zrange(AGENDA, 0, -1, withscores=True))
    due = {item.decode().removeprefix("grant:") for item, score in left if score <= time.time()}
    assert len(rows.calls) == len(rows.done) == 1
    assert rows.claimed == set()
    assert len(due) >= len(MANY) - 4  # what was claimed ahead was released instead, by the core


def test_a_worker_killed_in_the_middle_of_a_batch_loses_nothing(
    engine: Engine, tmp_path: Path, redis_url: str, hasty: None
) -> None:
    rows = Rows(tmp_path / "killed.db", claim_seconds=2.0)
    engine.rows = rows
    hang = tmp_path / "hang"
    hang.touch()
    rows.add(*MANY)
    with engine.timekeeper():
        with program(redis_url, tmp_path / "killed.db", claim_seconds=2.0) as worker:
            wait_until(lambda: len(rows.calls) >= 16, "the batch to be in the middle")
            worker.send_signal(signal.SIGKILL)
            worker.wait()
        hang.unlink()
        assert rows.done == set()

        with program(redis_url, tmp_path / "killed.db") as worker:
            wait_until(lambda: rows.done == set(MANY), "every id to be done by the next worker")

    assert engine.by_hand == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_worker_when_its_calls_are_over(
    engine: Engine, rows: Rows, tmp_path: Path, redis_url: str, number: signal.Signals
) -> None:
    hang = tmp_path / "hang"
    hang.touch()
    rows.add(*MANY)
    with engine.timekeeper(), program(redis_url, tmp_path / "rows.db") as worker:
        wait_until(lambda: len(rows.calls) == 16, "calls")
        worker.send_signal(number)
        worker.send_signal(number)
        wait_until(lambda: len(rows.claimed) == 16, "what has not started to be given back")
        hang.unlink()

        assert worker.wait(15) == 0
        assert len(rows.done) == 16


def test_a_worker_stops_while_redis_is_away(lone_engine: Engine) -> None:
    with lone_engine.worker() as worker:
        assert worker.is_alive()
    worker.join(10)

    assert not worker.is_alive()
