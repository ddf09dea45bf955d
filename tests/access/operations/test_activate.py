"""Opening doors on a target that misbehaves: retried in its window, and never forgotten before it is proven gone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from access import audit
from access.errors import (
    BadConfig,
    BadCredential,
    NotPermitted,
    PrincipalNotFound,
    ProviderError,
    RateLimited,
    Transient,
)
from access.models import AlertKind, EndedBy, Grant, GrantStatus, NoticeKind
from access.operations.activate import Result, remove_found_again
from access.operations.target import pause, pause_after, receipt_of
from access.ports import Deadline, GrantSpec, Observation, Outcome, Plan, Receipt
from tests.cast import ANN, SECURITY
from tests.fakes import FakeProvider
from tests.world import DEADLINE, World


def test_intent_plan_and_end_are_written_before_the_target_is_called(world: World) -> None:
    grant = world.scheduled(minutes=30)
    world.activation.claim([grant.id])

    now = world.again(grant)
    assert world.server.calls == []
    assert (now.status, now.fence) == (GrantStatus.ACTIVATING, 1)
    assert now.expires_at == now.end_due_at == world.clock.now() + timedelta(minutes=30)
    assert now.alert_at == world.clock.now() + timedelta(minutes=40)
    assert now.plan == {"grant": [f"ADD {grant.id} read"], "revoke": [f"REMOVE {grant.id}"]}
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

    longest = [2, 4, 8, 16, 32, 60, 60, 60]
    assert all(most / 2 <= one <= most for one, most in zip(pauses, longest, strict=True))
    assert world.again(grant).problem == "The fake server does not answer."
    assert len(world.events("grant.activate-failed")) == 1, "the same problem again is no news"


def test_what_cannot_start_within_15_minutes_ends_late_and_proven(world: World) -> None:
    grant = world.scheduled(minutes=60)
    world.server.weather = "down"
    world.pass_time(minutes=14)
    assert world.again(grant).status == GrantStatus.ACTIVATING
    assert (NoticeKind.ENDED, ANN) not in world.told()

    world.pass_time(minutes=2)
    assert (world.again(grant).status, world.again(grant).ended_by) == (GrantStatus.REVOKING, EndedBy.LATE)

    world.server.weather = "fine"
    world.pass_time(minutes=3)
    over = world.again(grant)
    assert over.status == GrantStatus.ENDED
    assert over.proven_at is not None
    assert over.end_reason == "The fake server does not answer."
    assert (NoticeKind.ENDED, ANN) in world.told()


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


def test_a_lost_answer_converges_to_one_access(world: World) -> None:
    grant = world.scheduled(minutes=30)
    world.server.weather = "answer lost"
    world.activate(grant)
    lost = world.again(grant)
    assert lost.status == GrantStatus.ACTIVATING
    assert lost.second_look_at == world.clock.now() + timedelta(seconds=30)

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
    look, ends = active.second_look_at, active.expires_at
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
    late = world.activation.act(first[0], DEADLINE)

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
    results = [world.activation.act(one, DEADLINE) for one in claimed]

    world.activation.commit(results)
    world.activation.commit(results)

    assert len(world.events("grant.active")) == 1
    assert [row.status for row in world.grants()] == [GrantStatus.ACTIVE]


def test_a_result_survives_a_commit_that_failed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    grant = world.scheduled()
    results = [world.activation.act(one, DEADLINE) for one in world.activation.claim([grant.id])]
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
    late = world.activation.act(claimed[0], DEADLINE)  # … and then its call lands
    assert world.server.holders

    world.activation.commit([late])
    world.activation.commit([late])
    again = [row for row in world.grants() if row.continues == grant.id]
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
    with world.core.work("system:test") as work:
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
    assert (NoticeKind.ENDED, ANN) in world.told()
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


@pytest.mark.parametrize("error", [BadConfig(), BadCredential()])
def test_what_an_operator_must_mend_is_told_to_security(
    world: World, monkeypatch: pytest.MonkeyPatch, error: ProviderError
) -> None:
    def grant(self: FakeProvider, spec: GrantSpec, deadline: Deadline) -> Outcome:
        raise error

    monkeypatch.setattr(FakeProvider, "grant", grant)
    world.scheduled()
    world.work()

    assert [(alert.kind, alert.subject) for alert in world.alerts()] == [(AlertKind.PROVIDER, "customers-db")]
    assert (NoticeKind.ALERT, SECURITY) in world.told()


def test_what_concerns_one_person_is_no_alert(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def grant(self: FakeProvider, spec: GrantSpec, deadline: Deadline) -> Outcome:
        raise PrincipalNotFound

    monkeypatch.setattr(FakeProvider, "grant", grant)
    one = world.scheduled()
    world.work()

    assert world.again(one).status == GrantStatus.FAILED
    assert world.alerts() == []


def test_a_provider_that_cannot_be_made_alerts_once_and_is_tried_again(world: World) -> None:
    grant = world.scheduled()
    world.targets.broken = BadConfig("CUSTOMERS_DSN is not set.")
    world.pass_time(minutes=3)

    assert world.again(grant).status == GrantStatus.SCHEDULED
    assert world.again(grant).problem == "CUSTOMERS_DSN is not set."
    assert [(alert.kind, alert.subject) for alert in world.alerts()] == [(AlertKind.PROVIDER, "customers-db")]
    assert [one.recipient for one in world.notices("alert")] == [SECURITY]

    world.targets.broken = None
    world.pass_time(minutes=2)
    assert world.again(grant).status == GrantStatus.ACTIVE
    assert world.alerts()[0].closed_at is not None, "closed by itself"


def test_a_broken_provider_holds_up_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.rewrite_policy("provider: fake\n    settings: {server: one}", "provider: fake\n    settings: {server: two}")
    bad = world.scheduled()
    world.rewrite_policy("server: two", "server: one")
    good = world.scheduled(entitlement="customers-db/fix-orders")
    makes = world.targets.provider

    def provider(grant: Grant) -> FakeProvider:
        if grant.id == bad.id:
            raise BadConfig
        return makes(grant)

    monkeypatch.setattr(world.targets, "provider", provider)
    world.activate(bad, good)

    assert world.again(good).status == GrantStatus.ACTIVE


def test_a_provider_that_cannot_plan_holds_up_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = world.scheduled(), world.scheduled(entitlement="customers-db/fix-orders")

    def plan(self: FakeProvider, spec: GrantSpec) -> Plan:
        if spec.role == "read":
            raise KeyError("power")
        return Plan(grant=("ADD",), revoke=("REMOVE",))

    monkeypatch.setattr(FakeProvider, "plan", plan)
    world.activate(bad, good)

    assert world.again(good).status == GrantStatus.ACTIVE
    assert world.again(bad).problem == "The provider cannot say what it would do (KeyError)."
    assert world.alerts()[0].kind == AlertKind.PROVIDER


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


REFUSED_NOW = {
    "Ann left the group": ("engineers: {people: [ann, ben, lea]}", "engineers: {people: [ben, lea]}"),
    "Ann left": ("  ann: {slack: U0ANN}\n", ""),
    "the role means more": ("power: look", "power: mend"),
    "the target is another": ("server: one", "server: two"),
    "it may be shorter only": ("max: 2h", "max: 10m"),
}


@pytest.mark.parametrize("change", REFUSED_NOW)
@pytest.mark.parametrize("stage", [GrantStatus.SCHEDULED, GrantStatus.ACTIVATING])
def test_what_the_policy_of_now_refuses_is_not_given(world: World, change: str, stage: GrantStatus) -> None:
    grant = world.scheduled(minutes=60)
    if stage == GrantStatus.ACTIVATING:
        world.server.weather = "down"
        world.activate(grant)
        world.server.weather = "fine"
    if change == "Ann left":
        world.rewrite_policy("people: [ann, ben, lea]", "people: [ben, lea]")
    world.rewrite_policy(*REFUSED_NOW[change])
    world.pass_time(minutes=3)

    over = world.again(grant)
    assert (over.status, over.ended_by) == (GrantStatus.ENDED, EndedBy.REFUSED)
    assert over.end_reason
    assert world.server.holders == {}
    assert (NoticeKind.ENDED, ANN) in world.told()


def test_an_unrelated_change_after_the_approval_changes_nothing(world: World) -> None:
    grant = world.scheduled()
    world.rewrite_policy('at: "09:00"', 'at: "10:00"')
    world.work()

    assert world.again(grant).status == GrantStatus.ACTIVE


def test_a_policy_that_changes_later_leaves_open_access_to_its_end(world: World) -> None:
    grant = world.open(minutes=30)
    world.rewrite_policy("engineers: {people: [ann, ben, lea]}", "engineers: {people: [ben, lea]}")
    world.pass_time(minutes=5)
    assert world.again(grant).status == GrantStatus.ACTIVE


def test_nothing_is_given_on_a_policy_that_cannot_be_read(world: World) -> None:
    grant = world.scheduled()
    text = world.policy_file.read_text(encoding="utf-8")
    world.policy_file.unlink()
    world.pass_time(minutes=1)
    assert world.again(grant).status == GrantStatus.SCHEDULED
    assert world.server.calls == []

    world.policy_file.write_text(text, encoding="utf-8")
    world.pass_time(seconds=10)
    assert world.again(grant).status == GrantStatus.ACTIVE


def test_nothing_is_given_while_the_clocks_differ(world: World) -> None:
    grant = world.scheduled()
    world.clock.offset = timedelta(seconds=-31)
    world.pass_time(minutes=1)
    assert (world.again(grant).status, world.server.calls) == (GrantStatus.SCHEDULED, [])

    world.clock.offset = timedelta(seconds=30)
    world.pass_time(seconds=20)
    assert world.again(grant).status == GrantStatus.ACTIVE


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
    assert (back.second_look_at is None) == first, "an earlier call may still be under way"
    assert len(world.activation.claim([grant.id])) == 1


def test_a_pause_is_never_longer_than_a_minute() -> None:
    hour = timedelta(hours=1)
    assert all(timedelta(0) < pause(attempts) <= timedelta(minutes=1) for attempts in range(100))
    assert pause_after(RateLimited(retry_after=timedelta(seconds=20)), 1) == timedelta(seconds=20)
    assert pause_after(Transient(retry_after=hour), 1) == timedelta(minutes=1)
    assert pause_after(Transient(retry_after=-hour), 1) == timedelta(seconds=1)
    assert timedelta(seconds=1) <= pause_after(NotPermitted(), 1) <= timedelta(seconds=2)


def test_a_target_that_answered_no_is_healthy(world: World) -> None:
    claimed = world.activation.claim([world.scheduled().id])[0]

    assert Result(claimed, error=NotPermitted()).healthy
    assert not Result(claimed, error=Transient()).healthy
    assert replace(Result(claimed), outcome=Outcome(state="active", receipt=Receipt())).healthy
