"""Between our processes and Redis: nobody waits for it, and access ends while it lasts and afterwards."""

import logging
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from access.clock import host_now
from access.ports import AgendaItem
from countersign.testing.faulty_proxy import FaultyProxy
from tests.network.conftest import FAULTS, LOUD, SILENT, Between
from tests.redis_server import RedisServer
from tests.waiting import wait_until
from tests.workers.engine import Engine
from tests.workers.rows import Rows
from workers.agenda import RedisAgenda
from workers.redis_connection import connect

LASTING = {**SILENT, "refused": LOUD["refused"]}
"""Until all is well again; the others hit who is connected, once."""
A_JOB = re.compile(rb"\$\d+\r\n[a-z]+-[0-9a-f]{32}\r\n")
"""What Redis answers when it hands one out: its id."""
BY_HAND = 8.0
"""Seconds until the timekeeper has noticed and done it itself."""


@pytest.fixture
def rows(tmp_path: Path) -> Rows:
    return Rows(tmp_path / "rows.db")


@pytest.fixture
def proxy(redis_server: RedisServer, redis_url: str, between: Between) -> FaultyProxy:
    return between(redis_url.removeprefix("unix://"))


@pytest.fixture
def engine(rows: Rows, proxy: FaultyProxy) -> Iterator[Engine]:
    """Its Redis is reached by way of the proxy."""
    engine = Engine(rows, f"redis://127.0.0.1:{proxy.port}/0")
    with engine.ending:
        yield engine
        proxy.heal()


def begin(engine: Engine, rows: Rows) -> None:
    rows.add("before")
    engine.tell_agenda("before")
    wait_until(lambda: "before" in rows.done, "a job by way of Redis")
    assert engine.by_hand == []


@pytest.mark.parametrize("fault", FAULTS)
def test_access_ends_while_it_lasts_and_by_way_of_redis_afterwards(
    engine: Engine, rows: Rows, proxy: FaultyProxy, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr("workers.timekeeper.ALERT_AFTER_SECONDS", 0.0)
    with engine.timekeeper(), engine.worker():
        begin(engine, rows)

        FAULTS[fault](proxy)
        rows.add("during")
        wait_until(lambda: "during" in rows.done, "what is due while it lasts", within=BY_HAND)
        if fault in LASTING:
            assert engine.by_hand == ["during"]
            wait_until(lambda: rows.alerts[-1] == "lost", "the alert")
        proxy.heal()

        again = engine.by_hand[:]
        for attempt in range(100):  # until the timekeeper has looked at Redis again
            rows.add(f"after{attempt}")
            wait_until(lambda attempt=attempt: f"after{attempt}" in rows.done, "what is due afterwards")
            if f"after{attempt}" not in engine.by_hand:
                break
            again.append(f"after{attempt}")
        assert engine.by_hand == again, "the last one went by way of Redis"
        wait_until(lambda: rows.alerts[-1] == "back", "the alert to be over")

    assert len(rows.calls) == len(set(rows.calls)), "nothing was done twice"


@pytest.mark.parametrize("fault", FAULTS)
def test_who_adds_to_the_agenda_is_not_held_up(proxy: FaultyProxy, fault: str) -> None:
    """A click waits for it."""
    with connect(f"redis://127.0.0.1:{proxy.port}/0") as redis:
        agenda = RedisAgenda(redis)
        agenda.add([(AgendaItem("grant:ann"), host_now())])
        FAULTS[fault](proxy)

        began = time.monotonic()
        for _ in range(10):
            agenda.add([(AgendaItem("grant:ann"), host_now())])
        assert time.monotonic() - began < 1.5
        proxy.heal()


def test_a_worker_notices_a_silent_redis_as_fast_as_everybody(
    engine: Engine, rows: Rows, proxy: FaultyProxy, caplog: pytest.LogCaptureFixture
) -> None:
    """RQ's own patience, eleven seconds, would hold up what the worker does beside waiting for jobs."""
    with caplog.at_level(logging.WARNING), engine.timekeeper(), engine.worker():
        begin(engine, rows)
        proxy.swallow()
        said = "Redis cannot be used (it does not answer in time); trying again"
        wait_until(lambda: said in caplog.text, "the worker to notice", within=5)


def test_a_worker_that_is_cut_off_alone_delays_nothing_for_long(
    rows: Rows, proxy: FaultyProxy, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The timekeeper's Redis is well, so it sends jobs; the worker never hears of them."""
    monkeypatch.setattr("workers.timekeeper.PATIENCE_SECONDS", 2.0)
    near, far = Engine(rows, redis_url), Engine(rows, f"redis://127.0.0.1:{proxy.port}/0")
    with near.ending, far.ending, near.timekeeper(), far.worker():
        begin(near, rows)
        proxy.drop("to us")
        rows.add("during")
        wait_until(lambda: "during" in rows.done, "the timekeeper to lose patience", within=BY_HAND)
        assert near.by_hand == ["during"]
        proxy.heal()

        rows.add("after")
        near.tell_agenda("after")
        wait_until(lambda: "after" in rows.done, "the worker to be back")


def test_a_job_whose_delivery_was_lost_fires_again(
    rows: Rows, proxy: FaultyProxy, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis has handed it out, and nobody has it."""
    monkeypatch.setattr("workers.timekeeper.LEASE", timedelta(seconds=1))
    near, far = Engine(rows, redis_url), Engine(rows, f"redis://127.0.0.1:{proxy.port}/0")
    with near.ending, far.ending, near.timekeeper(), far.worker():
        begin(near, rows)
        # By what is handed out and not by a moment: a call that ends without a job, whenever that is, loses nothing.
        proxy.drop_from("to us", A_JOB)
        rows.add("lost")
        near.tell_agenda("lost")
        wait_until(lambda: proxy.dropped, "the job to be handed out")
        assert near_queue(redis_url) == 0
        proxy.refuse()
        proxy.heal()
        wait_until(lambda: "lost" in rows.done, "its lease to be over")

    assert near.by_hand == []
    assert rows.calls.count("lost") == 1


def near_queue(url: str) -> int:
    """How many jobs wait."""
    with connect(url) as redis:
        return int(redis.llen("rq:queue:revoke"))  # pyright: ignore[reportArgumentType] -- redis-py's own types


def test_latency_alone_harms_nobody(engine: Engine, rows: Rows, proxy: FaultyProxy) -> None:
    proxy.delay(0.05)
    with engine.timekeeper(), engine.worker():
        rows.add("ann")
        wait_until(lambda: rows.done == {"ann"}, "the job")
