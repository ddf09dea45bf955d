"""The primary of Redis dies with a timer waiting: a replica is promoted, and what was to end ends."""

import time
from collections.abc import Iterator

import pytest

from tests.redis_sentinels import Sentinels, sentinels
from tests.waiting import wait_until
from tests.workers.engine import Engine
from tests.workers.rows import Rows
from workers.agenda import AGENDA

__all__ = ["sentinels"]


@pytest.fixture
def watched(rows: Rows, sentinels: Sentinels) -> Iterator[Engine]:
    """An engine whose Redis is found by its sentinels."""
    engine = Engine(rows, sentinels.url)
    with engine.ending:
        yield engine


@pytest.mark.parametrize("copied", [True, False])
def test_what_waits_when_the_primary_dies_ends_all_the_same(
    watched: Engine, rows: Rows, sentinels: Sentinels, copied: bool
) -> None:
    with watched.timekeeper(), watched.worker():
        rows.add("before")
        watched.tell_agenda("before")
        wait_until(lambda: rows.done == {"before"}, "a job by way of the primary")

        rows.add("timer", due=time.time() + 3)
        watched.tell_agenda("timer")
        if copied:
            sentinels.wait_until_copied()
        else:
            sentinels.lose_before_it_is_copied(AGENDA)
        sentinels.fail_over()
        wait_until(lambda: "timer" in rows.done, "the timer")

        waiting = sentinels.replica.client
        wait_until(lambda: waiting.info("clients")["blocked_clients"] == 2, "both to wait at the new primary")
        count = len(watched.by_hand)
        rows.add("after")
        watched.tell_agenda("after")
        wait_until(lambda: "after" in rows.done, "a job by way of the new primary")

    assert sorted(rows.calls) == ["after", "before", "timer"]
    assert rows.lateness()[0] >= 0
    assert "after" not in watched.by_hand[count:]
