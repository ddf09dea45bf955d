"""The timekeeper: jobs when Redis is well, its own hands when it is not, and nothing lost in between."""

import logging
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis import Redis

from access.ports import AgendaItem
from tests.redis_server import RedisServer
from tests.waiting import wait_until
from tests.workers.engine import Engine
from tests.workers.rows import Rows
from workers.agenda import AGENDA, LEASE, RedisAgenda
from workers.handlers import QUEUES
from workers.redis_connection import connect

ROOT = Path(__file__).parents[2]


@pytest.fixture
def swept_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No second sweep helps."""
    monkeypatch.setattr("workers.timekeeper._SWEEP_SECONDS", 600.0)


@pytest.mark.usefixtures("swept_once")
def test_what_is_committed_reaches_a_worker_by_a_wake_up_and_not_by_a_poll(engine: Engine, rows: Rows) -> None:
    with engine.timekeeper(), engine.worker():
        wait_until(lambda: "timekeeper" in rows.beats, "the timekeeper")
        began = time.monotonic()
        for name in (f"id{number}" for number in range(10)):
            rows.add(name)
            engine.tell_agenda(name)
            wait_until(lambda name=name: name in rows.done, "the job", every=0.002)

    assert time.monotonic() - began < 8.0  # by the poll it is a second each
    assert engine.by_hand == []


@pytest.mark.usefixtures("swept_once")
def test_something_due_later_fires_on_time(engine: Engine, rows: Rows) -> None:
    with engine.timekeeper(), engine.worker():
        rows.add("ann", due=time.time() + 1.3)
        engine.tell_agenda("ann")
        wait_until(lambda: rows.done, "the timer", every=0.005)

    assert 0 <= rows.lateness()[0] < 5.0


def test_what_is_done_leaves_the_agenda_and_what_waits_stays(
    engine: Engine, tmp_path: Path, redis: Redis, hasty: None
) -> None:
    # Told by the sweep and by the commit, it may fire again within its claim, and then waits for that to run out.
    rows = engine.rows = Rows(tmp_path / "claimed-shortly.db", claim_seconds=6)
    rows.add("ann")
    rows.add("lea", due=time.time() + 3600)
    with engine.timekeeper(), engine.worker():
        engine.tell_agenda("ann", "lea")
        wait_until(lambda: redis.zrange(AGENDA, 0, -1) == [b"grant:lea"], "only the timer to be left")

    assert rows.calls == ["ann"]


def test_what_nobody_put_on_the_agenda_is_found_by_the_sweep(engine: Engine, rows: Rows) -> None:
    with engine.timekeeper(), engine.worker():
        rows.add("ann")
        wait_until(lambda: rows.done == {"ann"}, "the sweep")

    assert engine.by_hand == []


def test_a_lost_job_fires_again_when_its_lease_is_over(engine: Engine, rows: Rows, redis: Redis, hasty: None) -> None:
    with engine.timekeeper():
        rows.add("ann")
        engine.tell_agenda("ann")
        wait_until(lambda: redis.delete("rq:queue:revoke"), "a job to lose")
        with engine.worker():
            wait_until(lambda: rows.done == {"ann"}, "the next one")

    assert rows.calls == ["ann"]


def test_what_a_killed_timekeeper_had_not_sent_yet_is_sent_by_another_in_seconds(
    engine: Engine, rows: Rows, tmp_path: Path, redis_url: str
) -> None:
    rows.add("ann")
    engine.tell_agenda("ann")
    program = [sys.executable, "-m", "tests.workers.timekeeper_program", redis_url, str(tmp_path / "rows.db")]
    killed = subprocess.run(program, cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert engine.due("ann") - time.time() <= 3, "nothing ends later than that because one of two was killed"
    with engine.timekeeper(), engine.worker():
        wait_until(lambda: rows.done == {"ann"}, "the first lease to be over", within=10)

    assert engine.by_hand == []


def test_what_was_sent_is_not_sent_again_before_its_whole_lease_is_over(engine: Engine, rows: Rows) -> None:
    rows.add("ann")
    with engine.timekeeper():
        sent = datetime.now(UTC)
        engine.tell_agenda("ann")
        wait_until(lambda: engine.due("ann") > (sent + LEASE - timedelta(seconds=1)).timestamp(), "the lease")


def test_a_flushed_redis_is_filled_again(engine: Engine, rows: Rows, redis: Redis) -> None:
    rows.add("ann", due=time.time() + 3600)
    with engine.timekeeper():
        rows.add("lea")
        wait_until(lambda: redis.llen("rq:queue:revoke"), "a job on its way")

        redis.flushall()

        wait_until(lambda: redis.zscore(AGENDA, "grant:ann"), "the timer to be back")
        with engine.worker():
            wait_until(lambda: rows.done == {"lea"}, "what was on its way")


def test_three_timekeepers_do_nothing_twice(engine: Engine, rows: Rows) -> None:
    names = [f"id{number:04}" for number in range(300)]
    with engine.timekeeper("one"), engine.timekeeper("two"), engine.timekeeper("three"), engine.worker():
        rows.add(*names)
        engine.tell_agenda(*names)
        wait_until(lambda: len(rows.done) == 300, "all to be done")

    assert sorted(rows.calls) == names
    assert rows.beats.keys() >= {"one", "two", "three"}


def test_with_redis_stopped_it_goes_on_itself_and_returns_when_redis_is_back(
    lone_engine: Engine, rows: Rows, own_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.timekeeper.ALERT_AFTER_SECONDS", 0.0)
    own_redis.start()
    with (
        lone_engine.timekeeper(),
        lone_engine.worker("grant"),
        lone_engine.worker("revoke"),
        lone_engine.worker("tell"),
    ):
        rows.add("before")
        lone_engine.tell_agenda("before")
        wait_until(lambda: rows.done == {"before"}, "a job through Redis")
        assert lone_engine.by_hand == []

        own_redis.stop()
        for queue in QUEUES:
            rows.add(f"without-{queue}", queue=queue)
        wait_until(lambda: len(rows.done) == 4, "grant, revoke and tell without Redis")
        assert sorted(lone_engine.by_hand) == [f"without-{queue}" for queue in sorted(QUEUES)]
        assert rows.alerts == ["back", "lost"]

        rows.add("timer", due=time.time() + 3600)
        own_redis.start()
        wait_until(lambda: own_redis.client.zscore(AGENDA, "grant:timer"), "the timekeeper to fill Redis again")
        for queue in QUEUES:
            rows.add(f"after-{queue}", queue=queue)
        wait_until(lambda: len(rows.done) == 7, "jobs through Redis again")

    assert len(lone_engine.by_hand) == 3
    assert rows.alerts == ["back", "lost", "back"]


def test_redis_may_be_absent_at_the_start(lone_engine: Engine, rows: Rows, own_redis: RedisServer) -> None:
    with lone_engine.timekeeper(), lone_engine.worker():
        rows.add("ann")
        wait_until(lambda: rows.done == {"ann"}, "the timekeeper to work by hand")
        assert lone_engine.by_hand == ["ann"]

        own_redis.start()
        wait_until(lambda: own_redis.client.smembers("rq:workers"), "the worker to come")
        wait_until(lambda: own_redis.client.exists("countersign:epoch"), "the timekeeper to come")
        rows.add("lea")
        wait_until(lambda: rows.done == {"ann", "lea"}, "a job through Redis")

    assert lone_engine.by_hand == ["ann"]


def test_a_redis_that_hangs_is_a_redis_that_is_gone(lone_engine: Engine, rows: Rows, own_redis: RedisServer) -> None:
    own_redis.start()
    with lone_engine.timekeeper(), lone_engine.worker():
        wait_until(lambda: own_redis.client.exists("countersign:epoch"), "the timekeeper")
        own_redis.freeze()
        try:
            rows.add("ann")
            wait_until(lambda: rows.done == {"ann"}, "the timekeeper to work by hand")
        finally:
            own_redis.thaw()


def test_it_works_where_there_is_no_redis_at_all(lone_engine: Engine, rows: Rows) -> None:
    with lone_engine.timekeeper_without_redis():
        rows.add("ann", queue="grant")
        wait_until(lambda: rows.done == {"ann"}, "the sweep")

    assert rows.alerts == []


def test_without_redis_nothing_waits_for_a_sweep_that_took_long(
    lone_engine: Engine, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.timekeeper._SWEEP_SHARE", 1_000_000)
    monkeypatch.setattr("workers.timekeeper._LONGEST_SWEEP_PAUSE", 600.0)
    with lone_engine.timekeeper_without_redis():
        for name in ("ann", "lea"):
            rows.add(name)
            wait_until(lambda one=name: one in rows.done, f"a sweep to find {name}")


def test_what_no_worker_takes_for_long_it_does_itself(
    engine: Engine, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.timekeeper.PATIENCE_SECONDS", 1.5)
    with engine.timekeeper():
        rows.add("ann")
        wait_until(lambda: rows.done == {"ann"}, "the timekeeper to lose patience")

    assert engine.by_hand == ["ann"]


def test_a_database_that_fails_for_a_while_loses_nothing(
    engine: Engine, rows: Rows, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), engine.timekeeper() as thread, engine.worker():
        wait_until(lambda: rows.beats, "the timekeeper")
        rows.add("ann")
        items = rows.items("ann")
        rows.broken = True
        with connect(engine.url) as redis:
            RedisAgenda(redis).add(items)
        wait_until(lambda: "sweep failed" in caplog.text, "the sweep to fail")
        assert thread.is_alive()
        rows.broken = False
        wait_until(lambda: rows.done == {"ann"}, "the job, soon after")

    assert "canary" not in caplog.text


def test_a_timekeeper_that_lost_a_thread_ends_to_be_replaced(hanging: Engine, rows: Rows) -> None:
    with hanging.timekeeper_without_redis() as thread:
        rows.add("stuck", "fine")
        wait_until(lambda: not thread.is_alive(), "the timekeeper to end by itself")

    assert rows.done == {"fine"}


def test_a_sweep_that_goes_on_failing_is_told_until_it_works(engine: Engine, rows: Rows, monkeypatch) -> None:
    monkeypatch.setattr("workers.timekeeper._SWEEP_SECONDS", 0.02)
    with engine.timekeeper():
        wait_until(lambda: rows.sweeps == ["works"], "the first sweep")
        rows.sweep_broken = True
        wait_until(lambda: len(rows.sweeps) >= 3, "two tellings")
        rows.sweep_broken = False
        wait_until(lambda: rows.sweeps[-1] == "works", "a sweep that works")

    told = rows.sweeps[1:-1]
    assert rows.sweeps == ["works", *(f"fails, {5 * (number + 1)}" for number in range(len(told))), "works"]


def test_what_waits_for_long_is_put_in_once_a_lease(
    engine: Engine, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.timekeeper.LEASE", timedelta(seconds=8))
    put_in = list[int]()
    add_overdue = RedisAgenda.add_overdue

    def noted(self: RedisAgenda, items: Iterable[tuple[AgendaItem, datetime]], latest: datetime) -> None:
        items = list(items)
        put_in.append(len(items))
        add_overdue(self, items, latest)

    monkeypatch.setattr(RedisAgenda, "add_overdue", noted)
    rows.add("waits")
    with engine.timekeeper():
        wait_until(lambda: sum(put_in) == 2, "it to be put in again")

    again = put_in.index(1, put_in.index(1) + 1)
    assert again - put_in.index(1) >= 2, "not at each sweep"
