"""What is urgent goes before what was due earlier, and a target that hangs holds up nobody else's."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from access.ports import Deadline
from tests.waiting import wait_until
from tests.workers.engine import Engine
from tests.workers.rows import Rows, Won
from tests.workers.targets import Target, ids
from workers.claimed import MOST_EACH, ClaimedAhead
from workers.lanes import Lanes
from workers.pacing import Limits
from workers.waiting import LAST, Waiting

FAIR_SECONDS = 5.0
"""A hanging target may cost another's this much."""


@dataclass
class Hand:
    """Turns the clock that counts seconds."""

    now: float = 1000.0

    def tick(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Hand:
    hand = Hand()
    monkeypatch.setattr("workers.claimed.clock.monotonic", lambda: hand.now)
    return hand


def test_the_lowest_rank_is_taken_first_and_of_one_rank_who_came_first() -> None:
    waiting = Waiting()
    waiting.put(["old", "urgent", "older"], {"old": 900, "urgent": 120, "older": 900})
    waiting.put(["young", "now", "old"], {"young": 900, "old": 120})

    assert list(waiting) == ["now", "urgent", "old", "older", "young"]
    assert waiting.take(3) == {"now": 0, "urgent": 120, "old": 900}
    waiting.put_back({"old": 900})
    assert waiting.clear() == ["old", "older", "young"]
    assert not waiting


def test_what_goes_behind_all_others_comes_at_last() -> None:
    waiting = Waiting()
    waiting.put(["bad"], {"bad": LAST})
    waiting.put(["good"], {"good": 900})

    assert list(waiting.take(2)) == ["good", "bad"]


def test_an_urgent_end_that_is_due_last_waits_for_no_other(rows: Rows, target: Target) -> None:
    lanes = Lanes(
        rows.business(act=target.act), on_leak=lambda: None, limits=lambda _: Limits(threads=2), ranks=rows.ranks
    )
    target.hanging = {"id00000", "id00001"}
    rows.add(*ids(300), "critical")
    lanes.put("crm", ids(300))
    wait_until(lambda: target.calling == 2, "the target to be busy")

    lanes.put("crm", ["critical"])
    target.let_go.set()
    wait_until(lambda: len(rows.done) == 301, "all to be done")

    assert rows.calls.index("critical") < 12, "behind those that were claimed already"
    lanes.stop()


def test_of_thousands_that_are_due_the_urgent_one_that_was_due_last_ends_among_the_first(
    engine: Engine, rows: Rows
) -> None:
    engine.act = _slowly
    engine.limits = Limits(threads=4)
    many = ids(3_000)
    rows.add(*many)
    rows.add("critical")
    with engine.timekeeper(), engine.worker():
        engine.tell_agenda(*many[:500])
        engine.tell_agenda("critical")
        wait_until(lambda: "critical" in rows.done, "the urgent one", within=30)

    assert len(rows.done) < 1_500


def test_without_its_rank_everything_is_done_as_it_comes(rows: Rows) -> None:
    def broken(_ids: Sequence[str]) -> dict[str, int]:
        raise RuntimeError("canary-secret-4711")

    lanes = Lanes(rows.business(), on_leak=lambda: None, ranks=broken)
    rows.add("ann")

    lanes.put("crm", ["ann"])

    wait_until(lambda: rows.done == {"ann"}, "it to be done")
    lanes.stop()


@pytest.mark.parametrize("stuck", [1, 200, 5_000])
def test_a_target_that_hangs_delays_the_ends_of_another_by_five_seconds_at_most(
    engine: Engine, rows: Rows, stuck: int
) -> None:
    let_go = threading.Event()

    def act(identifier: str, _deadline: Deadline) -> bool:
        return not identifier.startswith("stuck") or let_go.wait(60)

    engine.act = act
    with engine.timekeeper(), engine.worker():
        rows.add(*ids(stuck, "stuck"), target="crm")
        engine.tell_agenda(*ids(stuck, "stuck"))
        wait_until(lambda: "stuck00000" in rows.calls, "the target to hang")

        rows.add(*ids(300), target="erp")
        engine.tell_agenda(*ids(300))
        wait_until(lambda: len(rows.done) == 300, "the other target's")
        let_go.set()

    assert rows.lateness()[-1] < FAIR_SECONDS


def _slowly(_id: str, deadline: Deadline) -> bool:
    return not threading.Event().wait(min(0.02, deadline.left()))


def test_as_much_is_claimed_ahead_as_ends_within_half_a_second(clock: Hand) -> None:
    ahead = ClaimedAhead[Won](Limits(threads=4))
    assert ahead.room(None) == 8, "two for each thread before anything is known"
    clock.tick(0.25)
    for _ in range(10):
        ahead.note_end()
    ahead.put(won("a"), {"a": 0})
    assert ahead.room(None) == 20 - 1

    clock.tick(10.0)
    ahead.put(won("b"), {"b": 0})
    assert ahead.room(None) == 8 - 2, "the target has become slow"
    for _ in range(10_000):
        ahead.note_end()
    clock.tick(0.25)
    ahead.put([], {})
    assert ahead.room(None) == 4 * MOST_EACH - 2, "and never more, however quick it is"


def test_of_a_target_with_a_pace_no_more_is_claimed_than_it_bears_in_a_second(clock: Hand) -> None:
    ahead = ClaimedAhead[Won](Limits(threads=16, per_second=3.0))
    for _ in range(100):
        ahead.note_end()
    clock.tick(1.0)
    ahead.put([], {})

    assert ahead.room(None) == 3


def test_what_is_more_urgent_than_anything_claimed_is_claimed_at_once_and_goes_first(clock: Hand) -> None:
    ahead = ClaimedAhead[Won](Limits(threads=2))
    ahead.put(won("a", "b", "c", "d"), dict.fromkeys("abcd", 900))

    assert (ahead.room(None), ahead.room(900), ahead.room(120)) == (0, 0, 2)
    ahead.put(won("critical"), {"critical": 120})
    assert [ahead.start().id for _ in range(3)] == ["critical", "a", "b"]
    assert [(one.id, rank) for one, rank in ahead.clear()] == [("c", 900), ("d", 900)]


def test_what_was_claimed_long_ago_is_not_begun(rows: Rows, target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.claimed.LONGEST_WAIT_SECONDS", 1.0)
    lanes = Lanes(rows.business(act=target.act), on_leak=lambda: None, limits=lambda _: Limits(threads=1))
    target.hanging = {"first"}
    rows.add("first", "second")
    lanes.put("crm", ["first", "second"])
    wait_until(lambda: rows.claimed == {"first", "second"}, "the one that runs, and the claim behind it")
    hanging_since = time.monotonic()
    wait_until(lambda: time.monotonic() > hanging_since + 1.2, "the claim to be old")
    target.let_go.set()
    wait_until(lambda: rows.done == {"first", "second"}, "both")

    assert rows.claims_of("first") == 1
    assert rows.claims_of("second") == 2, "given back, and claimed anew"
    lanes.stop()


def won(*names: str) -> list[Won]:
    return [Won(name, 1) for name in names]
