"""Opening doors on a target that misbehaves: retried in its window, and never forgotten before it is proven gone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from access.errors import (
    NotPermitted,
    RateLimited,
    Transient,
)
from access.grants.claims import LONGEST_PAUSE, pause, pause_after, receipt_of
from access.grants.start import Result
from access.models import EndedBy, GrantStatus, MessageKind
from access.ports import Deadline, GrantSpec, Outcome, Receipt
from tests.cast import ANN
from tests.fakes import FakeProvider
from tests.world import World
from workers.pacing import Limits


def test_intent_plan_and_end_are_written_before_the_target_is_called(world: World) -> None:
    grant = world.scheduled(minutes=30)
    world.activation.claim([grant.id])

    now = world.again(grant)
    assert world.server.calls == []
    assert (now.status, now.fence) == (GrantStatus.ACTIVATING, 1)
    assert now.expires_at == now.end_due_at == world.clock.now() + timedelta(minutes=30)
    assert now.alert_at == world.clock.now() + timedelta(minutes=40)
    assert now.plan == {"grant": [f"ADD {grant.id} read"], "revoke": [f"REMOVE {grant.id}"], "where": "server one"}
    assert now.provider_version == "fake 1.0 (tests)"


def test_two_workers_cannot_have_the_same_grant(world: World) -> None:
    grant = world.scheduled()

    assert len(world.activation.claim([grant.id])) == 1
    assert world.activation.claim([grant.id]) == []


def test_the_end_counts_from_the_first_claim_and_no_retry_moves_it(world: World) -> None:
    grant = world.scheduled(minutes=30)
    world.clock.tick(minutes=5)
    world.server.weather = "down"
    world.work()
    ends = world.again(grant).expires_at
    assert ends == world.clock.now() + timedelta(minutes=30)

    world.pass_time(minutes=3)
    world.server.weather = "fine"
    world.pass_time(minutes=2)

    assert world.again(grant).status == GrantStatus.ACTIVE
    assert world.again(grant).expires_at == ends


def test_until_is_until_whenever_it_starts(world: World) -> None:
    until = world.clock.now() + timedelta(minutes=40)
    grant = world.scheduled(duration=None, until=until)
    world.clock.tick(minutes=10)
    world.work()

    assert world.again(grant).expires_at == until


def test_a_target_that_is_down_is_tried_again_with_growing_pauses(world: World) -> None:
    grant = world.scheduled()
    world.server.weather = "down"
    pauses = list[float]()
    for _ in range(8):
        world.activate(grant)
        now = world.again(grant)
        assert now.due_at is not None
        pauses.append((now.due_at - world.clock.now()).total_seconds())
        world.clock.time = now.due_at

    longest = [2, 4, 8, 16, 32, 45, 45, 45]
    assert all(most / 2 <= one <= most for one, most in zip(pauses, longest, strict=True))
    assert world.again(grant).problem == "The fake server does not answer."
    assert len(world.events("grant.activate-failed")) == 1, "the same problem again is no news"


def test_what_cannot_start_within_15_minutes_ends_late_and_proven(world: World) -> None:
    grant = world.scheduled(minutes=60)
    world.server.weather = "down"
    world.pass_time(minutes=14)
    assert world.again(grant).status == GrantStatus.ACTIVATING
    assert (MessageKind.ENDED, ANN) not in world.told()

    world.pass_time(minutes=2)
    assert (world.again(grant).status, world.again(grant).ended_by) == (GrantStatus.REVOKING, EndedBy.LATE)

    world.server.weather = "fine"
    world.pass_time(minutes=3)
    over = world.again(grant)
    assert over.status == GrantStatus.ENDED
    assert over.proven_at is not None
    assert over.end_reason == "The fake server does not answer."
    assert (MessageKind.ENDED, ANN) in world.told()


def test_a_claim_gives_way_to_the_end(world: World) -> None:
    grant = world.scheduled(minutes=0.5)
    world.activation.claim([grant.id])
    world.clock.tick(seconds=30)
    world.work()

    assert (world.again(grant).status, world.again(grant).ended_by) == (GrantStatus.REVOKING, EndedBy.EXPIRED)


def test_what_nobody_started_in_time_ends_without_the_target(world: World) -> None:
    grant = world.scheduled(minutes=60)
    world.clock.tick(minutes=15)
    world.work()

    assert (world.again(grant).status, world.again(grant).ended_by) == (GrantStatus.ENDED, EndedBy.LATE)
    assert world.server.calls == []


def test_what_should_be_over_by_now_never_starts(world: World) -> None:
    grant = world.scheduled(duration=None, until=world.clock.now() + timedelta(minutes=5))
    world.clock.tick(minutes=5)
    world.work()

    assert (world.again(grant).status, world.again(grant).ended_by) == (GrantStatus.ENDED, EndedBy.LATE)
    assert world.server.calls == []


def test_what_expires_while_it_is_being_opened_is_taken_away(world: World) -> None:
    grant = world.scheduled(minutes=2)
    world.server.weather = "answer lost"
    world.activate(grant)
    assert world.server.holders
    world.live_through(minutes=2)
    assert world.again(grant).ended_by == EndedBy.EXPIRED
    assert world.server.holders == {}, "not later than its end, whatever the pause"

    world.server.weather = "fine"
    world.pass_time(minutes=3)
    assert world.again(grant).status == GrantStatus.ENDED
    assert world.server.holders == {}


def test_what_takes_long_is_looked_at_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    receipt, wait = Receipt(names={"id": "7"}), timedelta(seconds=20)
    answers = iter([
        Outcome(state="pending", receipt=receipt, look_again=wait),
        Outcome(state="active", receipt=receipt),
    ])  # fmt: skip

    def grant(self: FakeProvider, spec: GrantSpec, deadline: Deadline) -> Outcome:
        return next(answers)

    monkeypatch.setattr(FakeProvider, "grant", grant)
    one = world.scheduled()
    world.activate(one)
    waiting = world.again(one)
    assert (waiting.status, receipt_of(waiting)) == (GrantStatus.ACTIVATING, receipt)
    assert waiting.due_at == world.clock.now() + wait

    world.clock.tick(seconds=20)
    world.activate(one)
    assert world.again(one).status == GrantStatus.ACTIVE


@pytest.mark.parametrize("first", [True, False])
def test_what_was_claimed_but_not_started_goes_back_at_once(world: World, first: bool) -> None:
    grant = world.scheduled(minutes=30)
    if not first:
        world.activation.claim([grant.id])
        world.clock.tick(seconds=60)
    claimed = world.activation.claim([grant.id])
    world.activation.release(claimed)

    back = world.again(grant)
    assert back.due_at == world.clock.now()
    assert (back.recheck_after is None) == first, "an earlier call may still be under way"
    assert len(world.activation.claim([grant.id])) == 1


def test_a_pause_and_a_call_that_hangs_are_no_longer_than_a_minute() -> None:
    hour, limits, longest = timedelta(hours=1), Limits(), LONGEST_PAUSE
    assert longest + timedelta(seconds=limits.call_seconds + limits.probe_seconds) <= timedelta(minutes=1)
    assert all(timedelta(0) < pause(attempts) <= longest for attempts in range(100))
    assert pause_after(RateLimited(retry_after=timedelta(seconds=20)), 1) == timedelta(seconds=20)
    assert pause_after(Transient(retry_after=hour), 1) == longest
    assert pause_after(Transient(retry_after=-hour), 1) == timedelta(seconds=1)
    assert timedelta(seconds=1) <= pause_after(NotPermitted(), 1) <= timedelta(seconds=2)


def test_a_target_that_answered_no_is_healthy(world: World) -> None:
    claimed = world.activation.claim([world.scheduled().id])[0]

    assert Result(claimed, error=NotPermitted()).healthy
    assert not Result(claimed, error=Transient()).healthy
    assert replace(Result(claimed), outcome=Outcome(state="active", receipt=Receipt())).healthy
