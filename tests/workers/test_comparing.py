"""Timers against rows, both ways, and an empty Redis that is filled beside all else."""

import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from access.errors import Unavailable
from access.ports import AgendaItem
from tests.waiting import wait_until
from tests.workers.engine import CLOCK, Engine
from tests.workers.rows import Rows, RowsTimers
from workers.agenda import AGENDA, EPOCH, RedisAgenda
from workers.handlers import Routes
from workers.timer_repair import Comparing, Mended

HOUR = 3600.0


@pytest.fixture
def agenda(redis: Redis) -> RedisAgenda:
    return RedisAgenda(redis)


@pytest.fixture
def mended() -> list[Mended]:
    return []


@pytest.fixture
def comparing(rows: Rows, agenda: RedisAgenda, mended: list[Mended]) -> Comparing:
    return Comparing(rows, agenda, CLOCK, mended.append)


def timer(seconds: float) -> datetime:
    return datetime.fromtimestamp(time.time() + seconds, UTC)


def due(redis: Redis, item: str) -> float:
    return float(redis.zscore(AGENDA, item) or 0)


def test_what_differs_from_the_rows_is_mended_and_counted(
    comparing: Comparing, rows: Rows, agenda: RedisAgenda, redis: Redis, mended: list[Mended]
) -> None:
    end = time.time() + HOUR
    rows.add("right", "lost", "late", "early", due=end)
    agenda.add(rows.items("right"))
    agenda.add([(AgendaItem("grant:late"), timer(2 * HOUR)), (AgendaItem("grant:early"), timer(HOUR / 2))])
    agenda.add([(AgendaItem("grant:of-nothing"), timer(HOUR))])

    comparing.compare()

    assert mended == [Mended(added=1, moved=2, removed=1)]
    assert redis.zcard(AGENDA) == 4
    assert [due(redis, f"grant:{name}") for name in ("right", "lost", "late", "early")] == [pytest.approx(end)] * 4
    comparing.compare()
    assert mended[1] == Mended()
    assert rows.compared == 2


def test_a_lease_is_no_difference(comparing: Comparing, rows: Rows, agenda: RedisAgenda, mended: list[Mended]) -> None:
    rows.add("ann")
    agenda.add(rows.items("ann"))
    agenda.lease(CLOCK.now(), CLOCK.now() + timedelta(seconds=60), 10)

    comparing.compare()

    assert mended == [Mended()]
    assert agenda.lease(CLOCK.now(), CLOCK.now(), 10) == []


def test_what_is_committed_while_it_is_compared_is_not_undone(
    comparing: Comparing, rows: Rows, agenda: RedisAgenda, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows.add("ann", due=time.time() + HOUR)
    agenda.add([(AgendaItem("grant:ann"), timer(2 * HOUR))])
    genuine, sooner = rows.route, timer(HOUR / 4)

    def meanwhile(items: Sequence[AgendaItem]) -> Routes:
        found = genuine(items)
        agenda.add([(AgendaItem("grant:ann"), sooner)])
        return found

    monkeypatch.setattr(rows, "route", meanwhile)
    comparing.compare()

    assert due(redis, "grant:ann") == pytest.approx(sooner.timestamp())


def test_an_empty_redis_is_filled_and_that_is_said(
    comparing: Comparing, rows: Rows, agenda: RedisAgenda, redis: Redis
) -> None:
    rows.add(*(f"id{number}" for number in range(2_500)), due=time.time() + HOUR)

    comparing.fill()

    assert redis.zcard(AGENDA) == 2_500
    assert not agenda.was_flushed()
    assert rows.filled == [2_500]


def test_a_new_redis_is_filled_without_a_word_and_an_emptied_one_with_a_warning(
    comparing: Comparing, rows: Rows, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    rows.add("ann", due=time.time() + HOUR)
    with caplog.at_level(logging.INFO, logger="workers.timer_repair"):
        comparing.fill()
        assert caplog.messages == []

        redis.flushall()
        comparing.fill()

    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith("Redis had lost its timers; 1 was put in again")


def test_one_that_is_emptied_while_it_is_filled_is_filled_again(
    comparing: Comparing, rows: Rows, agenda: RedisAgenda, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows.add("ann", due=time.time() + HOUR)
    genuine = agenda.add_missing
    monkeypatch.setattr(agenda, "add_missing", lambda items: genuine(items) + int(redis.flushall()))
    comparing.fill()
    assert agenda.was_flushed()

    monkeypatch.setattr(agenda, "add_missing", genuine)
    comparing.fill()

    assert redis.zscore(AGENDA, "grant:ann")
    assert rows.filled == [1, 1]


def test_one_whose_filling_could_not_be_told_is_filled_and_told_again(
    comparing: Comparing, rows: Rows, agenda: RedisAgenda, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_timers: RowsTimers, _number: int) -> bool:
        raise Unavailable

    rows.add("ann", due=time.time() + HOUR)
    with monkeypatch.context() as broken:
        broken.setattr(RowsTimers, "filled", fails)
        with pytest.raises(Unavailable):
            comparing.fill()
    assert agenda.was_flushed()

    comparing.fill()

    assert (rows.filled, agenda.was_flushed()) == ([1], False)


def test_timers_that_are_lost_though_nothing_says_so_are_told_like_a_flush(
    comparing: Comparing, rows: Rows, agenda: RedisAgenda, redis: Redis
) -> None:
    rows.add(*(f"id{number}" for number in range(20)), due=time.time() + HOUR)
    comparing.fill()
    redis.delete(AGENDA)

    comparing.compare()

    assert rows.filled == [20, 20]


def test_what_is_due_does_not_wait_for_the_filling(
    engine: Engine, rows: Rows, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = RowsTimers.all

    def slowly(timers: RowsTimers):
        wait_until(lambda: rows.done, "what is due")
        yield from genuine(timers)

    monkeypatch.setattr(RowsTimers, "all", slowly)
    rows.add("waits", due=time.time() + HOUR)
    rows.add("due")
    with engine.timekeeper(), engine.worker():
        wait_until(lambda: redis.get(EPOCH) == b"filled", "Redis to be filled")

    assert rows.done == {"due"}
    assert redis.zscore(AGENDA, "grant:waits")


def test_a_flush_is_told_once_and_not_taken_for_the_first_start(engine: Engine, rows: Rows, redis: Redis) -> None:
    rows.add("ann", due=time.time() + HOUR)
    with engine.timekeeper():
        wait_until(lambda: rows.filled == [1], "the first filling")

        redis.flushall()

        wait_until(lambda: rows.filled == [1, 1], "the second")
        rows.add("lea")
        wait_until(lambda: redis.llen("rq:queue:revoke"), "a sweep after that")
    assert rows.filled == [1, 1]


def test_a_timer_that_fires_too_late_is_set_right_by_the_sweep(engine: Engine, rows: Rows, redis: Redis) -> None:
    with engine.timekeeper(), engine.worker():
        wait_until(lambda: redis.exists(EPOCH), "the timekeeper")
        rows.add("ann")
        redis.zadd(AGENDA, {"grant:ann": time.time() + HOUR})
        wait_until(lambda: rows.done == {"ann"}, "the sweep")

    assert engine.by_hand == []
