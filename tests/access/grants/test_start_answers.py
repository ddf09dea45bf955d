"""Answers that are lost, late or no: one access or none, and none that nobody knows of."""

from datetime import timedelta

import pytest

from access import audit
from access.actors import system
from access.errors import (
    Transient,
)
from access.grants.start import remove_found_again
from access.models import AlertKind, EndedBy, GrantStatus, MessageKind
from access.ports import Deadline, GrantSpec, Observation, Outcome, Receipt
from tests.cast import ANN
from tests.fakes import FakeProvider
from tests.world import World, deadline


def test_a_lost_answer_converges_to_one_access(world: World) -> None:
    grant = world.scheduled(minutes=30)
    world.server.weather = "answer lost"
    world.activate(grant)
    lost = world.again(grant)
    assert lost.status == GrantStatus.ACTIVATING
    assert lost.recheck_after == world.clock.now() + timedelta(seconds=30)

    world.server.weather = "fine"
    world.pass_time(seconds=10)
    assert world.again(grant).status == GrantStatus.ACTIVE
    assert list(world.server.holders) == [grant.id]


def test_access_whose_start_was_unclear_gets_a_second_look_at_its_end(world: World) -> None:
    grant = world.scheduled(minutes=1)
    world.server.weather = "answer lost"
    world.activate(grant)
    world.server.weather = "fine"
    world.clock.tick(seconds=5)
    world.activate(grant)
    active = world.again(grant)
    look, ends = active.recheck_after, active.expires_at
    assert look is not None
    assert ends is not None
    assert look > ends

    world.clock.time = ends
    world.work()
    assert world.again(grant).status == GrantStatus.REVOKING
    world.server.holders[grant.id] = ("ann", "read")  # the lost call lands now

    world.clock.time = look
    world.work()
    assert world.again(grant).status == GrantStatus.ENDED
    assert world.server.holders == {}


def test_a_worker_that_died_in_the_call_loses_its_claim(world: World) -> None:
    grant = world.scheduled(minutes=30)
    first = world.activation.claim([grant.id])
    late = world.activation.act(first[0], deadline())

    world.clock.tick(seconds=59)
    assert world.activation.claim([grant.id]) == []
    world.clock.tick(seconds=1)
    world.activate(grant)
    active = world.again(grant)
    assert (active.status, active.fence) == (GrantStatus.ACTIVE, 2)

    world.activation.commit([late])
    assert world.again(grant) == active
    assert list(world.server.holders) == [grant.id]


def test_committing_twice_is_committing_once(world: World) -> None:
    """A worker whose commit failed keeps its results and tries again."""
    grant = world.scheduled()
    claimed = world.activation.claim([grant.id])
    results = [world.activation.act(one, deadline()) for one in claimed]

    world.activation.commit(results)
    world.activation.commit(results)

    assert len(world.events("grant.active")) == 1
    assert [row.status for row in world.grants()] == [GrantStatus.ACTIVE]


def test_a_result_survives_a_commit_that_failed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    grant = world.scheduled()
    results = [world.activation.act(one, deadline()) for one in world.activation.claim([grant.id])]
    with monkeypatch.context() as broken:
        broken.setattr(audit, "append", _fail)
        with pytest.raises(OSError, match="no space"):
            world.activation.commit(results)
    assert world.again(grant).status == GrantStatus.ACTIVATING, "no event, no change"

    world.activation.commit(results)
    assert world.again(grant).status == GrantStatus.ACTIVE


def _fail(*_args: object, **_more: object) -> None:
    raise OSError("no space left on device")


def test_an_answer_that_comes_after_the_end_makes_a_row_that_takes_it_away(world: World) -> None:
    grant = world.scheduled(minutes=2)
    claimed = world.activation.claim([grant.id])  # this worker hangs …
    world.clock.tick(minutes=2)
    world.pass_time(minutes=3)
    assert world.again(grant).status == GrantStatus.ENDED
    late = world.activation.act(claimed[0], deadline())  # … and then its call lands
    assert world.server.holders

    world.activation.commit([late])
    world.activation.commit([late])
    again = [row for row in world.grants() if row.supersedes_grant_id == grant.id]
    assert [(row.status, row.ended_by) for row in again] == [(GrantStatus.REVOKING, EndedBy.DRIFT)]
    assert len(world.events("grant.found-again")) == 1

    world.work()
    assert world.server.holders == {}
    assert world.again(again[0]).status == GrantStatus.ENDED
    assert world.again(grant).status == GrantStatus.ENDED, "what has ended stays ended"


def test_found_again_is_alarmed_like_everything_that_should_be_over(world: World) -> None:
    grant = world.open(minutes=30)
    world.clock.tick(minutes=30)
    world.work()
    with world.core.work(system("test")) as work:
        again = remove_found_again(work, world.again(grant))
    world.server.weather = "down"

    world.pass_time(minutes=11)
    assert [(alert.kind, alert.subject) for alert in world.alerts()] == [(AlertKind.OVERDUE, again.id)]
    assert world.again(again).status == GrantStatus.REVOKING


def test_a_refusal_for_good_fails_after_reading_back(world: World) -> None:
    grant = world.scheduled()
    world.server.weather = "refuses"
    world.work()

    over = world.again(grant)
    assert (over.status, over.problem) == (GrantStatus.FAILED, "The fake server refuses the bot.")
    assert over.proven_at == world.clock.now()
    assert (MessageKind.ENDED, ANN) in world.told()
    assert len(world.events("grant.failed")) == 1
    assert (over.due_at, over.alert_at) == (None, None)


@pytest.mark.parametrize("observed", ["there", "unreachable", "broken"])
def test_a_refusal_that_cannot_be_read_back_is_taken_away_instead(
    world: World, monkeypatch: pytest.MonkeyPatch, observed: str
) -> None:
    def observe(self: FakeProvider, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Observation:
        if observed == "unreachable":
            raise Transient
        if observed == "broken":
            raise KeyError("rows")
        return Observation(present=True)

    grant = world.scheduled()
    world.server.weather = "refuses"
    with monkeypatch.context() as patch:
        patch.setattr(FakeProvider, "observe", observe)
        world.activate(grant)

    assert (world.again(grant).status, world.again(grant).ended_by) == (GrantStatus.REVOKING, EndedBy.LATE)
    assert world.again(grant).end_reason == "The fake server refuses the bot."


def test_a_refusal_after_an_unclear_call_is_not_forgotten(world: World) -> None:
    """Nothing is there now, but the first call may still land: only the second look can say."""
    grant = world.scheduled()
    world.activation.claim([grant.id])  # died in its call
    world.clock.tick(seconds=60)
    world.server.weather = "refuses"
    world.activate(grant)
    assert world.again(grant).status == GrantStatus.REVOKING

    world.server.weather = "fine"
    world.server.holders[grant.id] = ("ann", "read")
    world.pass_time(minutes=3)
    assert world.again(grant).status == GrantStatus.ENDED
    assert world.server.holders == {}


def test_a_provider_with_a_fault_of_its_own_is_not_trusted_to_have_done_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def grant(self: FakeProvider, spec: GrantSpec, deadline: Deadline) -> Outcome:
        raise RuntimeError("password=canary-secret")

    one = world.scheduled()
    monkeypatch.setattr(FakeProvider, "grant", grant)
    world.activate(one)

    now = world.again(one)
    assert now.status == GrantStatus.ACTIVATING
    assert now.problem == "The provider failed unexpectedly (RuntimeError)."
    assert "canary" not in "".join(event.entry for event in world.events())
