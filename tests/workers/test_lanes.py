"""Lanes: chunks, hanging targets, lost threads, bad ids and a database that fails."""

import logging
import threading
from collections.abc import Sequence

import pytest

from access.ports import Deadline
from tests.waiting import wait_until
from tests.workers.rows import Answer, Rows
from tests.workers.targets import Leaks, Target, ids, make_lanes
from workers.lane import COMMIT_CHUNK
from workers.pacing import Limits


def test_a_single_grant_is_committed_at_once(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.lane.COMMIT_AFTER_SECONDS", 60.0)  # how long results are gathered while others run
    lanes = make_lanes(rows.business())
    rows.add("ann")

    lanes.put("crm", ["ann"])

    wait_until(lambda: rows.done == {"ann"}, "the grant to be committed")
    lanes.stop()


def test_many_are_committed_in_chunks(rows: Rows) -> None:
    lanes = make_lanes(rows.business())
    many = ids(600)
    rows.add(*many)

    lanes.put("crm", many)
    wait_until(lambda: len(rows.done) == 600, "all to be done")

    assert sorted(rows.calls) == many
    assert max(rows.commits) <= COMMIT_CHUNK
    assert len(rows.commits) < 200
    lanes.stop()


def test_calls_go_on_while_others_are_being_committed(rows: Rows, target: Target) -> None:
    business, began, go_on = rows.business(act=target.act), threading.Event(), threading.Event()
    commit = business.commit

    def slowly(results: Sequence[Answer]) -> None:
        began.set()
        go_on.wait(30)
        commit(results)

    business.commit = slowly
    lanes = make_lanes(business, Limits(threads=1))
    target.hanging = {"second"}
    rows.add("first", "second", "third")
    lanes.put("crm", ["first", "second", "third"])
    wait_until(lambda: began.is_set() and target.calling == 1, "the first to be committed beside the second call")

    target.let_go.set()
    wait_until(lambda: "third" in rows.calls, "the third call")
    assert rows.done == set(), "while the commit goes on"
    go_on.set()
    wait_until(lambda: len(rows.done) == 3, "all to be done")
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
    lanes = make_lanes(rows.business(act=target.act), Limits(threads=1, call_seconds=0.5, grace_seconds=0.5), leaks)
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

    assert 2.0 < seen[0] <= 7.0
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

    wait_until(lambda: rows.done == set(ids(100)), "all the others", within=60)
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
