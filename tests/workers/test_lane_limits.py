"""Lanes: the breaker, the rate limit, and a stop in order."""

import threading
import time

import pytest

from access.ports import Deadline
from tests.waiting import wait_until
from tests.workers.rows import Rows, answers
from tests.workers.targets import Leaks, Target, ids, make_lanes
from workers.lanes import Lanes
from workers.pacing import BREAK_AFTER, Limits


def test_a_target_that_does_not_answer_is_probed_by_one_call_at_a_time(rows: Rows, target: Target) -> None:
    lanes = make_lanes(rows.business(act=target.act), Limits(threads=4, probe_seconds=0.05))
    target.failing = True
    rows.add(*ids(200))

    lanes.put("crm", ids(200))
    wait_until(lambda: len(rows.calls) >= BREAK_AFTER + 8, "some probes")
    most_at_break = target.most
    assert len(rows.calls) < 60
    wait_until(lambda: len(rows.claimed) <= 1, "claims to be given back while the breaker is open")

    target.most = 0
    count = len(rows.calls)
    wait_until(lambda: len(rows.calls) > count + 2, "more probes")
    assert target.most == 1 < most_at_break

    target.failing = False
    wait_until(lambda: len(rows.done) > 150, "the breaker to close when the target answers")
    lanes.stop()


def test_a_breaker_concerns_one_target_alone(rows: Rows) -> None:
    def act(identifier: str, _deadline: Deadline) -> bool:
        return identifier.startswith("good")

    lanes = make_lanes(rows.business(act=act), Limits(probe_seconds=30.0))
    rows.add(*ids(50), target="crm")
    rows.add(*ids(50, "good"), target="erp")

    lanes.put("crm", ids(50))
    wait_until(lambda: len(rows.calls) >= BREAK_AFTER, "the breaker")
    lanes.put("erp", ids(50, "good"))

    wait_until(lambda: rows.done == set(ids(50, "good")), "the other target's")
    lanes.stop()


def test_calls_start_no_faster_than_the_rate_limit(rows: Rows) -> None:
    lanes = make_lanes(rows.business(), Limits(per_second=20.0))
    rows.add(*ids(10))
    began = time.monotonic()

    lanes.put("crm", ids(10))
    wait_until(lambda: len(rows.done) == 10, "all to be done")

    assert time.monotonic() - began >= 9 / 20
    lanes.stop()


def test_a_limit_that_changes_holds_from_the_next_call_on(rows: Rows, target: Target) -> None:
    limits = Limits(threads=1)
    lanes = Lanes(rows.business(act=target.act), on_leak=Leaks(), limits=lambda _target: limits)
    target.hanging = set(ids(12))
    rows.add(*ids(12))
    lanes.put("crm", ids(12)[:6])
    wait_until(lambda: target.calling == 1, "the one call that may be under way")

    limits = Limits(threads=3)
    lanes.put("crm", ids(12)[6:])
    wait_until(lambda: target.calling == 3, "as many as may be now")
    limits = Limits(threads=3, per_second=1.0)
    lanes.put("crm", [])
    target.let_go.set()
    wait_until(lambda: len(rows.done) >= 3, "those that were under way")

    assert target.most == 3
    assert len(rows.calls) < 12, "no more than one starts in a second now"
    lanes.stop()


def test_a_target_whose_limits_cannot_be_known_is_called_all_the_same(
    rows: Rows, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_target: str) -> Limits:
        raise AttributeError("hunter2")

    lanes = Lanes(rows.business(), on_leak=Leaks(), limits=broken)
    rows.add(*ids(3))
    lanes.put("crm", ids(2))
    lanes.put("crm", ids(3))

    wait_until(lambda: rows.done == set(ids(3)), "all to be done")
    assert "how hard crm may be called is not known (AttributeError" in caplog.text
    assert "hunter2" not in caplog.text
    lanes.stop()


def test_a_stop_finishes_what_runs_and_gives_the_rest_back(rows: Rows, target: Target) -> None:
    lanes = make_lanes(rows.business(act=target.act), Limits(threads=2))
    target.hanging = set(ids(20))
    rows.add(*ids(20))
    lanes.put("crm", ids(20))
    wait_until(lambda: target.calling == 2 and len(rows.claimed) > 2, "two calls, and claims behind them")

    left: list[str] = []
    stopping = threading.Thread(target=lambda: left.extend(lanes.stop()))
    stopping.start()
    wait_until(lambda: len(rows.claimed) == 2, "what has not started to be given back")
    target.let_go.set()
    stopping.join()

    assert len(rows.done) == len(rows.calls) == 2
    assert rows.claimed == set()
    assert left
    assert set(left).isdisjoint(rows.calls)


def test_a_stop_does_not_wait_for_ever_for_a_call_that_hangs(rows: Rows, target: Target) -> None:
    lanes = make_lanes(rows.business(act=target.act))
    target.hanging = {"stuck"}
    rows.add("stuck")
    lanes.put("crm", ["stuck"])
    wait_until(lambda: target.calling, "the call")
    began = time.monotonic()

    lanes.stop(within=0.1)

    assert time.monotonic() - began < 8.0  # else ten seconds


def test_after_a_stop_nothing_is_taken(rows: Rows) -> None:
    lanes = make_lanes(rows.business(act=answers))
    lanes.stop()
    rows.add("ann")

    lanes.put("crm", ["ann"])

    assert not lanes.busy
    assert rows.calls == []
