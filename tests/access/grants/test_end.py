"""Closing doors: never before the end, never given up, and over only when the target was asked again."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from access.errors import RateLimited
from access.grants.claims import LONGEST_PAUSE
from access.models import EndedBy, Grant, GrantStatus, Message
from access.ports import Capabilities, Deadline, GrantSpec, Isolation, Observation, Plan, Receipt, Removal
from tests.cast import BEN, SECURITY
from tests.fakes import FakeProvider
from tests.world import World, deadline

Revoke = Callable[[FakeProvider, GrantSpec, Receipt | None, Deadline], Removal]


def expired(world: World, minutes: float = 30) -> Grant:
    """Access whose end has come."""
    grant = world.open(minutes=minutes)
    world.clock.tick(minutes=minutes)
    return grant


def test_nothing_is_taken_away_before_its_end(world: World) -> None:
    grant = world.open(minutes=30)
    world.clock.tick(minutes=29, seconds=59, milliseconds=999)

    assert world.deactivation.claim([grant.id]) == []
    assert world.again(grant).status == GrantStatus.ACTIVE
    world.clock.tick(milliseconds=1)
    assert len(world.deactivation.claim([grant.id])) == 1


def test_one_that_breaks_its_provider_fails_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = world.open(minutes=30), world.open(by=BEN, minutes=30)
    world.clock.tick(minutes=30)
    removes = FakeProvider.revoke

    def revoke(self: FakeProvider, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        if spec.grant_id == bad.id:
            raise RuntimeError("password=canary-secret")
        return removes(self, spec, receipt, deadline)

    monkeypatch.setattr(FakeProvider, "revoke", revoke)
    world.remove(bad, good)

    assert world.again(good).status == GrantStatus.ENDED
    assert world.again(bad).problem == "The provider failed unexpectedly (RuntimeError)."
    assert "canary" not in "".join(event.entry for event in world.events())


def test_what_is_typed_by_hand_is_what_this_version_would_type(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An access that was opened by the version before, whose statements a holder may hold up."""
    grant = expired(world)
    monkeypatch.setattr(
        FakeProvider, "plan", lambda _self, spec: Plan(grant=("ADD",), revoke=("BETTER", spec.grant_id))
    )
    world.server.weather = "down"
    world.remove(grant)

    assert world.again(grant).plan["revoke"] == ["BETTER", grant.id]
    assert world.again(grant).plan["grant"] == [f"ADD {grant.id} read"]


def test_where_it_is_typed_is_what_this_version_would_say(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The version before planned the same statements, and did not say on which server."""
    grant = expired(world)
    said_nothing_of_it(world, grant)
    world.server.weather = "down"
    world.remove(grant)
    assert world.again(grant).plan == grant.plan
    assert grant.plan["where"] == "server one"

    monkeypatch.setattr(FakeProvider, "plan", lambda _self, _spec: Plan(grant=(), revoke=("BETTER",)))
    world.pass_time(minutes=1)
    assert world.again(grant).plan == grant.plan | {"revoke": ["BETTER"]}, "the place that is known stays"


def test_an_open_alert_says_where_once_this_version_knows_it(world: World) -> None:
    grant = expired(world)
    world.server.weather = "down"
    world.pass_time(minutes=11)
    said_nothing_of_it(world, grant)
    told = its_alert(world, grant)

    world.pass_time(minutes=1)

    assert its_alert(world, grant).shown_version == told.shown_version + 1


def its_alert(world: World, grant: Grant) -> Message:
    (alert,) = [one.id for one in world.alerts() if one.subject == grant.id]
    (message,) = [one for one in world.messages("alert") if (one.subject, one.recipient) == (alert, SECURITY)]
    return message


def said_nothing_of_it(world: World, grant: Grant) -> None:
    """As the version before wrote the row."""
    with world.core.database.write() as session:
        session.get_one(Grant, grant.id).plan = {one: grant.plan[one] for one in ("grant", "revoke")}


def test_a_provider_that_cannot_say_it_any_more_leaves_what_was_planned(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = expired(world)
    planned = grant.plan
    monkeypatch.setattr(FakeProvider, "plan", lambda _self, _spec: 1 / 0)
    world.server.weather = "down"
    world.remove(grant)

    assert world.again(grant).plan == planned
    assert world.again(grant).problem == "The fake server does not answer."


def test_what_is_no_grant_is_left_out(world: World) -> None:
    grant = expired(world)

    assert [one.id for one in world.deactivation.claim(["0" * 26, grant.id])] == [grant.id]


def test_a_worker_that_died_loses_its_claim_and_its_late_answer_counts_no_more(world: World) -> None:
    grant = expired(world)
    first = world.deactivation.claim([grant.id])
    world.clock.tick(seconds=59)
    assert world.deactivation.claim([grant.id]) == []
    world.clock.tick(seconds=1)
    second = world.deactivation.claim([grant.id])
    assert len(second) == 1

    late = world.deactivation.act(first[0], deadline())
    world.deactivation.commit([late])
    assert world.again(grant).status == GrantStatus.REVOKING, "the fence is the second's"

    world.deactivation.commit([world.deactivation.act(second[0], deadline())])
    assert world.again(grant).status == GrantStatus.ENDED
    world.deactivation.commit([late])
    assert len(world.events("grant.ended")) == 1


def test_committing_twice_is_committing_once(world: World) -> None:
    grant = expired(world)
    results = [world.deactivation.act(one, deadline()) for one in world.deactivation.claim([grant.id])]

    world.deactivation.commit(results)
    world.deactivation.commit(results)

    assert len(world.events("grant.ended")) == 1
    assert len(world.messages("ended")) == 1


def test_what_was_claimed_but_not_started_goes_back_at_once(world: World) -> None:
    grant = expired(world)
    world.deactivation.release(world.deactivation.claim([grant.id]))

    assert world.again(grant).due_at == world.clock.now()
    assert len(world.deactivation.claim([grant.id])) == 1


def test_what_was_taken_over_is_not_given_back_by_the_first(world: World) -> None:
    grant = expired(world)
    first = world.deactivation.claim([grant.id])
    world.clock.tick(seconds=60)
    world.deactivation.claim([grant.id])
    world.deactivation.release(first)

    assert world.deactivation.claim([grant.id]) == [], "the second one holds it"


def test_a_lost_answer_to_a_removal_is_asked_for_again(world: World) -> None:
    grant = expired(world)
    world.server.weather = "answer lost"
    world.work()
    assert world.again(grant).status == GrantStatus.REVOKING

    world.server.weather = "fine"
    world.pass_time(seconds=10)
    over = world.again(grant)
    assert (over.status, over.ended_by) == (GrantStatus.ENDED, EndedBy.EXPIRED)


def test_what_is_gone_already_counts_as_removed(world: World) -> None:
    grant = expired(world)
    world.server.holders.clear()
    world.work()

    assert world.again(grant).status == GrantStatus.ENDED
    assert world.again(grant).proven_at is not None


def test_a_settling_target_is_looked_at_again_when_it_has_settled(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle = timedelta(seconds=45)
    monkeypatch.setattr(
        FakeProvider, "capabilities", Capabilities(isolation=Isolation.PER_GRANT, ends_sessions=True, settle=settle)
    )
    grant = expired(world)
    world.server.weather = "stubborn"
    world.remove(grant)
    settling = world.again(grant)
    assert settling.due_at == world.clock.now() + settle
    assert settling.problem == "", "no problem yet"
    assert world.events("grant.revoke-failed") == []

    world.server.weather = "fine"
    world.pass_time(seconds=45)
    assert world.again(grant).status == GrantStatus.ENDED


def test_a_target_that_does_not_settle_becomes_a_problem(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    settle = timedelta(seconds=5)
    monkeypatch.setattr(FakeProvider, "capabilities", Capabilities(isolation=Isolation.PER_GRANT, settle=settle))
    grant = expired(world)
    world.server.weather = "stubborn"
    world.live_through(minutes=2)

    assert world.again(grant).problem
    assert world.again(grant).attempts < 12, "with growing pauses"


def answering(monkeypatch: pytest.MonkeyPatch, *removals: Removal) -> None:
    answers = iter(removals)

    def revoke(self: FakeProvider, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        self.server.holders.pop(spec.grant_id, None)
        return next(answers)

    monkeypatch.setattr(FakeProvider, "revoke", revoke)


def test_a_removal_that_takes_long_is_looked_at_when_the_target_says(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = expired(world)
    wait = timedelta(seconds=20)
    answering(monkeypatch, Removal(state="pending", look_again=wait), Removal(state="removed"))
    world.remove(grant)
    assert (world.again(grant).status, world.again(grant).removed_at) == (GrantStatus.REVOKING, None)
    assert world.again(grant).due_at == world.clock.now() + wait

    world.pass_time(seconds=20)
    assert world.again(grant).status == GrantStatus.ENDED


def test_what_may_outlive_the_end_is_kept_and_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    grant = expired(world)
    residual = ("Tokens issued before the end work until 14:00.",)
    removed = Removal(state="removed", sessions_ended=2, residual=residual)
    answering(monkeypatch, removed, Removal(state="absent", sessions_ended=1))
    observed = iter([Observation(present=True), Observation(present=False)])
    monkeypatch.setattr(FakeProvider, "observe", lambda *_: next(observed))
    world.live_through(seconds=10)

    over = world.again(grant)
    assert over.status == GrantStatus.ENDED
    assert over.residual == list(residual)
    assert over.sessions_ended == 3, "those of both removals"
    assert residual[0] in world.events("grant.ended")[0].entry


def test_sessions_that_cannot_be_ended_are_not_said_to_be(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    grant = expired(world)
    answering(monkeypatch, Removal(state="removed"))
    world.work()

    assert world.again(grant).sessions_ended is None


def test_a_target_that_says_tomorrow_is_asked_within_a_minute(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    grant = expired(world)

    def revoke(self: FakeProvider, spec: GrantSpec, receipt: Receipt | None, deadline: Deadline) -> Removal:
        raise RateLimited(retry_after=timedelta(days=1))

    monkeypatch.setattr(FakeProvider, "revoke", revoke)
    world.remove(grant)

    assert world.again(grant).due_at == world.clock.now() + LONGEST_PAUSE


def test_a_receipt_of_another_version_still_ends(world: World) -> None:
    """It is read from the row; one that cannot be read must not stop the batch."""
    grant, good = world.open(minutes=30), world.open(by=BEN, minutes=30)
    world.clock.tick(minutes=30)
    with world.core.database.write() as session:
        session.connection().execute(
            text("""UPDATE "grant" SET receipt = '{"version": "x"}' WHERE id = :id"""), {"id": grant.id}
        )
    world.remove(grant, good)

    assert world.again(good).status == GrantStatus.ENDED
    assert world.again(grant).problem == "The provider failed unexpectedly (ValidationError)."
