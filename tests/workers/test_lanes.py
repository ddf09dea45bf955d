"""Lanes: chunks, hanging targets, lost threads, the breaker, the rate limit, and a stop in order."""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from access.ports import Deadline
from tests.waiting import wait_until
from tests.workers.rows import Answer, Rows, RowsBusiness, Won, answers
from workers.lanes import Lanes
from workers.pacing import BREAK_AFTER, Limits


@dataclass
class Target:
    """A target whose calls hang, fail or answer, as the test wants."""

    hanging: set[str] = field(default_factory=set)
    failing: bool = False
    let_go: threading.Event = field(default_factory=threading.Event)
    calling: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def act(self, identifier: str, _deadline: Deadline) -> bool:
        with self.lock:
            self.calling += 1
            self.most = max(self.most, self.calling)
        if identifier in self.hanging or self.failing:
            self.let_go.wait(0.02 if self.failing else 30)
        with self.lock:
            self.calling -= 1
        return not self.failing


@pytest.fixture
def rows(tmp_path: Path) -> Rows:
    return Rows(tmp_path / "rows.db")


@pytest.fixture
def target() -> Iterator[Target]:
    target = Target()
    yield target
    target.let_go.set()


@dataclass
class Leaks:
    count: int = 0

    def __call__(self) -> None:
        self.count += 1


def make_lanes(business: RowsBusiness, limits: Limits | None = None, leaks: Leaks | None = None) -> Lanes[Won, Answer]:
    return Lanes(business, on_leak=leaks or Leaks(), limits=lambda _target: limits or Limits())


def ids(count: int, prefix: str = "id") -> list[str]:
    return [f"{prefix}{number:05}" for number in range(count)]


def test_a_single_grant_is_committed_at_once(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.lane.COMMIT_AFTER_SECONDS", 60.0)  # how long results are gathered while others run
    lanes = make_lanes(rows.business())
    rows.add("ann")

    lanes.put("crm", ["ann"])

    wait_until(lambda: rows.done == {"ann"}, "the grant to be committed")
    lanes.stop()


def test_many_are_committed_in_chunks_of_fifty_at_most(rows: Rows) -> None:
    lanes = make_lanes(rows.business())
    many = ids(600)
    rows.add(*many)

    lanes.put("crm", many)
    wait_until(lambda: len(rows.done) == 600, "all to be done")

    assert sorted(rows.calls) == many
    assert max(rows.commits) <= 50
    assert len(rows.commits) < 200
    lanes.stop()


def test_no_more_calls_run_than_the_target_may_bear(rows: Rows, target: Target) -> None:
    lanes = make_lanes(rows.business(act=target.act), Limits(threads=3))
    many = ids(30)
    target.hanging = set(many)
    rows.add(*many)

    lanes.put("crm", many)
    wait_until(lambda: target.calling == 3, "three calls")
    assert len(rows.claimed) <= 9  # what runs, and what starts next
    target.let_go.set()
    wait_until(lambda: len(rows.done) == 30, "all to be done")

    assert target.most == 3
    lanes.stop()


def test_a_target_that_hangs_delays_no_other_and_no_neighbour(rows: Rows, target: Target) -> None:
    lanes = make_lanes(rows.business(act=target.act))
    target.hanging = {"stuck"}
    rows.add("stuck", "beside", target="crm")
    rows.add(*ids(100), target="erp")

    lanes.put("crm", ["stuck"])
    wait_until(lambda: target.calling == 1, "the call that hangs")
    lanes.put("crm", ["beside"])
    lanes.put("erp", ids(100))

    wait_until(lambda: rows.done == {"beside", *ids(100)}, "everything but the one that hangs")
    target.let_go.set()
    wait_until(lambda: "stuck" in rows.done, "that one, when it answers")
    lanes.stop()


def test_an_id_that_waits_twice_is_worked_on_once(rows: Rows, target: Target) -> None:
    lanes = make_lanes(rows.business(act=target.act), Limits(threads=1))
    target.hanging = {"first"}
    rows.add("first", "second")

    for _ in range(5):
        lanes.put("crm", ["first", "second"])
    target.let_go.set()
    wait_until(lambda: len(rows.done) == 2 and not lanes.busy, "both")

    assert sorted(rows.calls) == ["first", "second"]
    lanes.stop()


def test_what_another_process_has_claimed_is_left_alone(rows: Rows) -> None:
    rows.add("ann", "lea")
    rows.claim("revoke", ["ann"])
    lanes = make_lanes(rows.business())

    lanes.put("crm", ["ann", "lea", "unknown"])
    wait_until(lambda: rows.done == {"lea"} and not lanes.busy, "the free one")

    assert rows.calls == ["lea"]
    lanes.stop()


def test_a_call_that_outlives_its_deadline_loses_its_thread_and_not_its_lane(rows: Rows, target: Target) -> None:
    leaks = Leaks()
    lanes = make_lanes(rows.business(act=target.act), Limits(threads=1, call_seconds=0.05, grace_seconds=0.05), leaks)
    target.hanging = {"stuck"}
    rows.add("stuck", "next")

    lanes.put("crm", ["stuck", "next"])

    wait_until(lambda: rows.done == {"next"}, "the next call on the place of the lost one")
    assert leaks.count == 1
    target.let_go.set()
    wait_until(lambda: rows.done == {"stuck", "next"}, "the late result, which is still true")
    lanes.stop()


def test_calls_get_a_deadline(rows: Rows) -> None:
    seen: list[float] = []

    def act(_id: str, deadline: Deadline) -> bool:
        seen.append(deadline.left())
        return True

    lanes = make_lanes(rows.business(act=act), Limits(call_seconds=7.0))
    rows.add("ann")
    lanes.put("crm", ["ann"])
    wait_until(lambda: rows.done, "the call")

    assert 6.0 < seen[0] <= 7.0
    lanes.stop()


def test_one_bad_id_does_not_fail_its_batch_and_its_words_stay_out_of_the_log(
    rows: Rows, caplog: pytest.LogCaptureFixture
) -> None:
    def act(identifier: str, _deadline: Deadline) -> bool:
        if identifier == "bad":
            raise RuntimeError("canary-secret-4711")
        return True

    lanes = make_lanes(rows.business(act=act))
    rows.add("bad", *ids(20))

    with caplog.at_level(logging.DEBUG):
        lanes.put("crm", ["bad", *ids(20)])
        wait_until(lambda: rows.done == set(ids(20)) and not lanes.busy, "all the others")

    assert "RuntimeError" in caplog.text
    assert "canary" not in caplog.text
    lanes.stop()


@pytest.mark.parametrize("broken", ["claim", "commit"])
def test_a_row_the_database_chokes_on_does_not_hold_up_the_others(
    rows: Rows, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.lane._PAUSE_SECONDS", 0.01)
    business = rows.business()
    genuine = {"claim": business.claim, "commit": business.commit}[broken]

    def choke(things: Sequence[str] | Sequence[Answer]) -> object:
        names = [thing if isinstance(thing, str) else thing.id for thing in things]
        if "bad" in names:
            raise RuntimeError("cannot")
        return genuine(things)  # pyright: ignore[reportArgumentType]  each takes what it was given

    setattr(business, broken, choke)
    lanes = make_lanes(business)
    rows.add("bad", *ids(100))

    lanes.put("crm", ["bad", *ids(100)])

    wait_until(lambda: rows.done == set(ids(100)), "all the others")
    lanes.stop(within=0.1)


def test_results_outlive_a_database_that_fails(rows: Rows, target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.lane._PAUSE_SECONDS", 0.01)
    lanes = make_lanes(rows.business(act=target.act))
    target.hanging = {"ann"}
    rows.add("ann")
    lanes.put("crm", ["ann"])
    wait_until(lambda: target.calling, "the call")

    rows.broken = True
    target.let_go.set()
    wait_until(lambda: not target.calling, "its end")
    rows.broken = False

    wait_until(lambda: rows.done == {"ann"}, "the result, committed later")
    assert rows.calls == ["ann"]
    lanes.stop()


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

    assert time.monotonic() - began < 2.0


def test_after_a_stop_nothing_is_taken(rows: Rows) -> None:
    lanes = make_lanes(rows.business(act=answers))
    lanes.stop()
    rows.add("ann")

    lanes.put("crm", ["ann"])

    assert not lanes.busy
    assert rows.calls == []
