"""The agenda in Redis: leases, settlements, wake-ups, and what happens without Redis."""

import logging
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis
from redis.exceptions import RedisError

from access.ports import AgendaItem
from tests.redis_server import RedisServer
from tests.waiting import wait_until
from workers.agenda import AGENDA, WAKE, RedisAgenda
from workers.redis_connection import connect

NOW = datetime(2030, 1, 1, 12, 0, 0, 123457, UTC)
MINUTE = timedelta(minutes=1)
ANN = AgendaItem("grant:ann")
LEA = AgendaItem("grant:lea")


@pytest.fixture
def agenda(redis: Redis) -> RedisAgenda:
    return RedisAgenda(redis)


def test_only_what_is_due_is_leased_and_the_earliest_comes_first(agenda: RedisAgenda) -> None:
    agenda.add([(ANN, NOW), (LEA, NOW - MINUTE), (AgendaItem("grant:kim"), NOW + MINUTE)])

    assert agenda.lease(NOW, NOW + MINUTE, 1) == [LEA]
    assert agenda.lease(NOW, NOW + MINUTE, 10) == [ANN]
    assert agenda.lease(NOW, NOW + MINUTE, 10) == []


def test_a_leased_item_fires_again_when_nobody_settles_it(agenda: RedisAgenda) -> None:
    agenda.add([(ANN, NOW)])
    agenda.lease(NOW, NOW + MINUTE, 10)

    assert agenda.lease(NOW + timedelta(seconds=59), NOW + 2 * MINUTE, 10) == []
    assert agenda.lease(NOW + MINUTE, NOW + 2 * MINUTE, 10) == [ANN]


def test_an_add_after_a_commit_overrides_a_lease(agenda: RedisAgenda) -> None:
    agenda.add([(ANN, NOW)])
    agenda.lease(NOW, NOW + MINUTE, 10)

    agenda.add([(ANN, NOW)])

    assert agenda.lease(NOW, NOW + MINUTE, 10) == [ANN]


def test_the_sweep_does_not_shorten_a_lease(agenda: RedisAgenda) -> None:
    agenda.add([(ANN, NOW)])
    agenda.lease(NOW, NOW + MINUTE, 10)

    assert agenda.add_missing([(ANN, NOW), (LEA, NOW)]) == 1

    assert agenda.lease(NOW, NOW + MINUTE, 10) == [LEA]


def test_a_finished_item_leaves_and_a_later_one_moves(agenda: RedisAgenda) -> None:
    agenda.add([(ANN, NOW), (LEA, NOW)])
    agenda.lease(NOW, NOW + MINUTE, 10)

    agenda.settle(NOW + MINUTE, finished=[ANN], later=[(LEA, NOW + 5 * MINUTE)])

    assert agenda.next_due() == pytest.approx(NOW + 5 * MINUTE, abs=timedelta(milliseconds=1))
    assert agenda.lease(NOW + timedelta(days=1), NOW + timedelta(days=2), 10) == [LEA]


@pytest.mark.parametrize("finished", [True, False])
def test_settling_an_old_lease_loses_nothing_that_was_added_meanwhile(agenda: RedisAgenda, finished: bool) -> None:
    agenda.add([(ANN, NOW)])
    agenda.lease(NOW, NOW + MINUTE, 10)
    agenda.add([(ANN, NOW + timedelta(seconds=1))])

    if finished:
        agenda.settle(NOW + MINUTE, finished=[ANN])
    else:
        agenda.settle(NOW + MINUTE, later=[(ANN, NOW + timedelta(days=1))])

    assert agenda.lease(NOW + timedelta(seconds=1), NOW + MINUTE, 10) == [ANN]


def test_a_wake_up_before_the_wait_is_not_lost_and_a_hundred_are_one(agenda: RedisAgenda, redis: Redis) -> None:
    for _ in range(100):
        agenda.add([(ANN, NOW)])

    assert redis.llen(WAKE) == 1
    assert agenda.wait(1.0)
    assert not agenda.wait(0.0)


def test_an_add_ends_a_wait_at_once(agenda: RedisAgenda, redis_url: str) -> None:
    woken: list[bool] = []

    def wait() -> None:
        woken.append(agenda.wait(2.0))

    waiting = threading.Thread(target=wait)
    waiting.start()
    with connect(redis_url) as other:
        wait_until(lambda: other.info("clients")["blocked_clients"] == 1, "the timekeeper to wait")
        RedisAgenda(other).add([(ANN, NOW)])
    waiting.join()

    assert woken == [True], "and not by its time"


def test_a_wait_ends_by_itself(agenda: RedisAgenda) -> None:
    assert not agenda.wait(0.01)
    assert not agenda.wait(0.0)


def test_a_flush_is_noticed(agenda: RedisAgenda, redis: Redis) -> None:
    assert agenda.was_flushed()
    agenda.begin_filling()
    assert agenda.was_flushed()
    assert agenda.end_filling()
    assert not agenda.was_flushed()

    redis.flushall()

    assert agenda.was_flushed()


def test_a_flush_while_it_is_filled_is_noticed(agenda: RedisAgenda, redis: Redis) -> None:
    agenda.begin_filling()
    redis.flushall()

    assert not agenda.end_filling()
    assert agenda.was_flushed()


def test_what_is_overdue_is_added_unless_it_fires_within_a_lease(agenda: RedisAgenda) -> None:
    kim = AgendaItem("grant:kim")
    agenda.add([(ANN, NOW + timedelta(hours=1)), (LEA, NOW)])
    agenda.lease(NOW, NOW + MINUTE, 10)

    agenda.add_overdue([(ANN, NOW), (LEA, NOW), (kim, NOW)], NOW + MINUTE)

    assert sorted(agenda.lease(NOW, NOW + MINUTE, 10)) == [ANN, kim]


def test_what_was_added_since_it_was_seen_is_not_set_right(agenda: RedisAgenda) -> None:
    agenda.add([(ANN, NOW), (LEA, NOW)])
    seen = [one for some in agenda.seen() for one in some]
    assert sorted(item for item, _ in seen) == [ANN, LEA]
    agenda.add([(ANN, NOW + MINUTE)])

    agenda.set_right([(one, None) for one in seen])

    assert [item for some in agenda.seen() for item, _ in some] == [ANN]


def test_what_is_to_be_looked_at_sooner_is_moved_in_any_case(agenda: RedisAgenda) -> None:
    agenda.add([(ANN, NOW)])
    seen = dict(agenda.seen_of([ANN, LEA]))
    assert list(seen) == [ANN]
    agenda.add([(ANN, NOW + 3 * MINUTE), (LEA, NOW)])

    agenda.set_right([((ANN, seen[ANN]), NOW + 2 * MINUTE), ((AgendaItem("grant:kim"), 1.0), NOW)])
    assert agenda.seen_of([ANN])[0][1] == (NOW + 2 * MINUTE).timestamp()

    agenda.set_right([((ANN, seen[ANN]), NOW + 3 * MINUTE)])
    assert agenda.seen_of([ANN])[0][1] == (NOW + 2 * MINUTE).timestamp()
    assert {item for some in agenda.seen() for item, _ in some} == {ANN, LEA}


def test_one_at_a_time_compares(agenda: RedisAgenda, redis: Redis) -> None:
    assert agenda.take_turn(280)
    assert not agenda.take_turn(280)
    assert 270 < redis.ttl("countersign:compared") <= 280  # type: ignore[operator]


def test_many_timers_are_filled_in_without_one_huge_command(agenda: RedisAgenda, redis: Redis) -> None:
    timers = [(AgendaItem(f"grant:{number}"), NOW + MINUTE) for number in range(2_500)]

    assert agenda.add_missing(iter(timers)) == 2_500

    assert redis.zcard(AGENDA) == 2_500
    assert len(agenda.lease(NOW + MINUTE, NOW + 2 * MINUTE, 2_500)) == 2_500


def test_an_add_without_redis_neither_raises_nor_holds_the_caller(
    own_redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    with connect(own_redis.url) as client, caplog.at_level(logging.INFO):
        agenda = RedisAgenda(client)
        for _ in range(1_000):
            agenda.add([(ANN, NOW)])

        assert len(caplog.records) == 1

        own_redis.start()
        wait_until(lambda: agenda.add([(ANN, NOW)]) or client.zcard(AGENDA), "the agenda to take items again")
        assert caplog.records[-1].message == "Redis takes agenda items again"


def test_an_add_to_a_redis_that_hangs_holds_the_caller_for_a_second_at_most(own_redis: RedisServer) -> None:
    own_redis.start()
    with connect(own_redis.url) as client:
        agenda = RedisAgenda(client)
        agenda.add([(ANN, NOW)])
        own_redis.freeze()
        try:
            began = time.monotonic()
            for _ in range(100):
                agenda.add([(ANN, NOW)])
            assert time.monotonic() - began < 10.0  # of which each alone would be half a second
        finally:
            own_redis.thaw()


def test_an_add_outlives_a_restart_of_redis(own_redis: RedisServer) -> None:
    own_redis.start()
    with connect(own_redis.url) as client:
        agenda = RedisAgenda(client)
        agenda.add([(ANN, NOW)])
        own_redis.stop()
        own_redis.start()

        agenda.add([(LEA, NOW)])

        assert sorted(agenda.lease(NOW, NOW + MINUTE, 10)) == [ANN, LEA]


def test_a_broken_key_is_a_redis_that_cannot_be_used(agenda: RedisAgenda, redis: Redis) -> None:
    redis.set(AGENDA, "not a sorted set")

    agenda.add([(ANN, NOW)])
    with pytest.raises(RedisError):
        agenda.lease(NOW, NOW + MINUTE, 10)
