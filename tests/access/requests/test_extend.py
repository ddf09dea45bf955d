"""More time for what is open: a decision of its own, which moves one end everywhere, and never opens anything again."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from access.actors import by_slack
from access.errors import (
    AlreadyDecided,
    AlreadyHeld,
    AlreadyOpen,
    InvalidInput,
    NothingToExtend,
    NotYours,
    Refusal,
    RequestChanged,
    RequestLapsed,
    SelfReview,
)
from access.grants.revoke import return_access
from access.grants.target_expiry import Extension
from access.models import AlertKind, EndedBy, Grant, GrantStatus, MessageKind, Request, RequestStatus
from access.monitor.sweep import Schedule
from access.requests.extend import OVER, may_extend
from access.unit_of_work import grant_item
from tests.cast import ANN, BEN, KIM, LEA
from tests.world import World, deadline

HALF_AN_HOUR = timedelta(minutes=30)


@pytest.fixture
def grant(world: World) -> Grant:
    """Open for an hour."""
    return world.open(minutes=60)


def extended(world: World, grant: Grant, **asked: Any) -> Request:
    """Asked, approved, and the target told."""
    request = world.approve(world.extend(grant, **asked))
    world.work()
    return request


def test_an_approved_extension_moves_the_end_and_all_that_hangs_on_it(world: World, grant: Grant) -> None:
    extended(world, grant)

    now = world.again(grant)
    assert grant.expires_at is not None
    ends = grant.expires_at + HALF_AN_HOUR
    assert now.status == GrantStatus.ACTIVE
    assert now.expires_at == now.end_due_at == now.due_at == ends
    assert now.alert_at == ends + timedelta(minutes=10)
    assert now.extensions == 1
    assert world.server.ends[grant.id] == ends
    assert now.target_expiry_stale_since is None
    assert now.receipt is not None
    assert now.receipt["native_expiry"] == ends.isoformat().replace("+00:00", "Z")
    assert world.agenda.due[grant_item(grant.id)] == ends


def test_it_ends_at_the_new_end_and_not_at_the_old_one(world: World, grant: Grant) -> None:
    extended(world, grant)

    world.pass_time(minutes=61)
    world.pass_time(minutes=28)
    assert world.again(grant).status == GrantStatus.ACTIVE

    world.live_through(minutes=2)
    assert world.again(grant).status == GrantStatus.ENDED
    assert world.again(grant).ended_by == EndedBy.EXPIRED
    assert world.server.holders == {}
    assert world.alerts() == []


def test_until_a_time_of_day_is_that_time(world: World, grant: Grant) -> None:
    until = world.clock.now() + timedelta(minutes=100)

    extended(world, grant, duration=None, until=until)

    assert world.again(grant).expires_at == until


def test_the_end_moves_in_one_transaction_with_its_event(world: World, grant: Grant) -> None:
    request = extended(world, grant)

    (event,) = world.events("grant.extended")
    assert event.object_id == grant.id
    assert request.id in event.entry
    assert [one.object_id for one in world.events("grant.target-extended")] == [grant.id]
    assert world.verified().flaw is None


def test_no_second_grant_comes_of_it(world: World, grant: Grant) -> None:
    extended(world, grant)

    assert [one.id for one in world.grants()] == [grant.id]


def test_it_goes_to_the_same_approvers_with_a_card_of_its_own(world: World, grant: Grant) -> None:
    request = world.extend(grant)

    (asked,) = [one for one in world.requests() if one.id != request.id]
    assert (request.rule, request.channel, request.chain) == (asked.rule, asked.channel, asked.chain)
    assert request.extends == grant.id
    assert request.fingerprint != asked.fingerprint
    assert {message.subject for message in world.messages(MessageKind.REVIEW)} == {asked.id, request.id}


def test_nobody_approves_an_extension_of_their_own(world: World) -> None:
    grant = world.grant_of(world.approve(world.ask(by=LEA), by=KIM))
    world.work()

    with pytest.raises(SelfReview):
        world.approve(world.extend(grant, by=LEA), by=LEA)


def test_a_denied_extension_changes_nothing(world: World, grant: Grant) -> None:
    world.deny(world.extend(grant))
    world.work()

    assert world.again(grant).expires_at == grant.expires_at
    assert world.again(grant).extensions == 0


def test_only_the_holder_asks_for_more_time(world: World, grant: Grant) -> None:
    with pytest.raises(NotYours):
        world.extend(grant, by=BEN)

    assert world.refusals() == [("request.extend", "NotYours")]


def test_asking_for_what_is_open_leads_to_an_extension(world: World, grant: Grant) -> None:
    with pytest.raises(AlreadyHeld) as refused:
        world.ask()

    assert refused.value.grant == grant.id


def test_a_second_extension_waits_for_the_answer_to_the_first(world: World, grant: Grant) -> None:
    world.extend(grant)

    with pytest.raises(AlreadyOpen, match="already asked for an extension"):
        world.extend(grant)


def test_once_is_enough_unless_the_policy_says_more(world: World, grant: Grant) -> None:
    extended(world, grant, minutes=10)

    with pytest.raises(Refusal, match="can be extended once only"):
        world.extend(grant, minutes=10)

    world.rewrite_policy("digest:", "limits: {extensions: 2}\ndigest:")
    extended(world, grant, minutes=10)
    assert world.again(grant).extensions == 2
    with pytest.raises(Refusal, match="can be extended 2 times only"):
        may_extend(world.core, grant_id=grant.id, by=by_slack(ANN))


def test_a_policy_may_allow_none(world: World, grant: Grant) -> None:
    world.rewrite_policy("digest:", "limits: {extensions: 0}\ndigest:")

    with pytest.raises(Refusal, match="This access can't be extended; when it has ended"):
        world.extend(grant)


def test_the_rule_bounds_what_is_left_to_go(world: World, grant: Grant) -> None:
    """Never more than the longest that a new request could have at that moment: two hours from now."""
    with pytest.raises(Refusal, match="2 h from now is the most for customers-db/read; this would be 2 h 1 min"):
        world.extend(grant, minutes=61)
    world.extend(grant, minutes=60)

    allowed = may_extend(world.core, grant_id=grant.id, by=by_slack(ANN))
    assert allowed.latest == world.clock.now() + timedelta(hours=2)


def test_an_end_that_is_no_later_is_no_extension(world: World, grant: Grant) -> None:
    with pytest.raises(InvalidInput, match="It is open until then already"):
        world.extend(grant, duration=None, until=world.clock.now() + timedelta(minutes=20))


def test_an_extension_needs_a_reason_of_its_own(world: World, grant: Grant) -> None:
    with pytest.raises(InvalidInput) as refused:
        world.extend(grant, reason=" ")

    assert refused.value.field == "reason"


@pytest.mark.parametrize(("minutes", "refusal"), [(0, NothingToExtend), (60, RequestLapsed)])
def test_what_ended_before_the_approval_is_not_opened_again(
    world: World, grant: Grant, minutes: float, refusal: type[Refusal]
) -> None:
    """Given back, or its time was up and nobody has looked yet."""
    request = world.extend(grant)
    if minutes == 0:
        return_access(world.core, grant_id=grant.id, by=by_slack(ANN))
    world.clock.tick(minutes=minutes)

    with pytest.raises(refusal):
        world.approve(request)

    world.work()
    assert world.again(grant).status == GrantStatus.ENDED
    assert world.again(grant).expires_at == grant.expires_at
    assert world.server.holders == {}


def test_more_time_can_be_given_until_the_end_and_the_request_for_it_lapses_then(world: World, grant: Grant) -> None:
    request = world.extend(grant)

    assert request.lapses_at == grant.expires_at
    world.pass_time(minutes=60)

    (now,) = [one for one in world.requests() if one.id == request.id]
    assert now.status == RequestStatus.LAPSED
    with pytest.raises(RequestLapsed):
        world.approve(request)
    assert world.ask().status == RequestStatus.PENDING


def test_a_request_for_more_time_lapses_no_later_than_another(world: World) -> None:
    world.rewrite_policy("request_ttl: 8h", "request_ttl: 10m")
    grant = world.open(minutes=60)

    assert world.extend(grant).lapses_at == world.clock.now() + timedelta(minutes=10)


def test_what_was_to_extend_access_that_is_over_is_taken_back_and_can_be_asked_anew(world: World, grant: Grant) -> None:
    request = world.extend(grant)

    return_access(world.core, grant_id=grant.id, by=by_slack(ANN))
    world.work()

    (now,) = [one for one in world.requests() if one.id == request.id]
    assert (now.status, now.decided_because) == (RequestStatus.CANCELLED, OVER)
    with pytest.raises(AlreadyDecided, match="The access ended before an approver answered"):
        world.approve(request)
    assert (MessageKind.ANSWER, ANN) in world.told()
    assert world.ask().status == RequestStatus.PENDING


def test_the_policy_is_asked_again_at_the_click(world: World, grant: Grant) -> None:
    request = world.extend(grant)
    world.rewrite_policy("digest:", "limits: {extensions: 0}\ndigest:")

    with pytest.raises(Refusal, match="The policy has changed: this access may not be extended again"):
        world.approve(request)

    assert world.again(grant).expires_at == grant.expires_at


def test_a_role_that_changed_is_not_prolonged(world: World, grant: Grant) -> None:
    """Neither by a new request, nor by one that was asked before and gets a new version at the click."""
    request = world.extend(grant)
    world.rewrite_policy("power: look", "power: rule")

    with pytest.raises(RequestChanged):
        world.approve(request)
    (request,) = [one for one in world.requests() if one.id == request.id]
    with pytest.raises(Refusal, match="The role was changed since this access was opened"):
        world.approve(request)
    world.deny(request)
    with pytest.raises(Refusal, match="The role was changed since this access was opened"):
        world.extend(grant)

    assert world.again(grant).expires_at == grant.expires_at


# The target


def test_while_the_target_is_down_it_is_told_again_and_the_holder_knows(world: World, grant: Grant) -> None:
    world.server.weather = "down"
    extended(world, grant)

    now = world.again(grant)
    assert now.target_expiry_stale_since is not None
    assert now.problem == "The fake server does not answer."
    assert world.server.ends[grant.id] == grant.expires_at

    world.server.weather = "fine"
    world.live_through(minutes=2)
    now = world.again(grant)
    assert (now.target_expiry_stale_since, now.problem) == (None, "")
    assert world.server.ends[grant.id] == now.expires_at


def test_a_target_that_stays_away_delays_no_end(world: World) -> None:
    grant = world.open(minutes=10)
    world.server.weather = "down"
    extended(world, grant, minutes=10)
    world.live_through(minutes=21)
    assert world.again(grant).status == GrantStatus.REVOKING

    world.server.weather = "fine"
    world.live_through(minutes=2)
    assert world.again(grant).status == GrantStatus.ENDED


def test_a_lost_answer_is_asked_for_once_more(world: World, grant: Grant) -> None:
    world.server.weather = "answer lost"
    extended(world, grant)
    world.server.weather = "fine"

    world.live_through(minutes=2)

    assert world.again(grant).target_expiry_stale_since is None
    assert world.server.ends[grant.id] == world.again(grant).expires_at


def test_a_target_that_says_yes_and_keeps_the_old_end_is_told_again(world: World, grant: Grant) -> None:
    world.server.weather = "stubborn"
    extended(world, grant)
    assert world.again(grant).problem == "The target took the later end, but still has the old one."

    world.server.weather = "fine"
    world.live_through(minutes=2)
    assert world.again(grant).target_expiry_stale_since is None


def test_access_that_the_target_has_ended_meanwhile_is_over(world: World, grant: Grant) -> None:
    world.approve(world.extend(grant))
    world.server.holders.clear()

    world.work()

    now = world.again(grant)
    assert (now.status, now.ended_by) == (GrantStatus.ENDED, EndedBy.DRIFT)
    assert [alert.kind for alert in world.alerts()] == [AlertKind.DRIFT]
    assert [verb for verb, _ in world.server.calls].count("grant") == 1


def test_given_back_between_the_approval_and_the_worker_it_just_ends(world: World, grant: Grant) -> None:
    world.approve(world.extend(grant))
    return_access(world.core, grant_id=grant.id, by=by_slack(ANN))

    world.work()

    assert world.again(grant).status == GrantStatus.ENDED
    assert "extend" not in [verb for verb, _ in world.server.calls]


def test_given_back_while_the_target_is_being_told_it_just_ends(world: World, grant: Grant) -> None:
    world.approve(world.extend(grant))
    extension = Extension(world.core, world.targets)
    results = [extension.act(one, deadline()) for one in extension.claim([grant.id])]
    return_access(world.core, grant_id=grant.id, by=by_slack(ANN))
    extension.commit(results)

    world.work()

    assert world.again(grant).status == GrantStatus.ENDED
    assert world.server.holders == {}


def test_the_older_of_two_ends_does_not_win_on_the_target(world: World, grant: Grant) -> None:
    """A worker that was stopped while it told the first end goes on after the second was told."""
    world.rewrite_policy("digest:", "limits: {extensions: 2}\ndigest:")
    world.approve(world.extend(grant, minutes=10))
    slow = Extension(world.core, world.targets)
    claimed = slow.claim([grant.id])
    extended(world, grant, minutes=10)

    slow.commit([slow.act(one, deadline()) for one in claimed])
    world.work()

    now = world.again(grant)
    assert grant.expires_at is not None
    assert world.server.ends[grant.id] == now.expires_at == grant.expires_at + timedelta(minutes=20)


def test_told_twice_is_told_once(world: World, grant: Grant) -> None:
    world.approve(world.extend(grant))
    extension = Extension(world.core, world.targets)
    results = [extension.act(one, deadline()) for one in extension.claim([grant.id]) * 2]

    extension.commit(results[:1])
    extension.commit(results[1:])
    world.work()

    assert world.again(grant).due_at == world.again(grant).expires_at
    assert world.again(grant).target_expiry_stale_since is None


def test_what_was_claimed_and_not_begun_is_given_back(world: World, grant: Grant) -> None:
    world.approve(world.extend(grant))
    extension = Extension(world.core, world.targets)
    extension.release(extension.claim([grant.id]))

    world.work()

    assert world.again(grant).target_expiry_stale_since is None


def test_a_target_is_told_by_the_queue_that_opens_doors_and_only_until_the_end(world: World, grant: Grant) -> None:
    world.approve(world.extend(grant))
    assert _queues(world, grant) == ["grant"]

    world.clock.tick(hours=2)
    assert _queues(world, grant) == ["revoke"]


# Being told


def test_the_new_end_has_a_warning_of_its_own_and_the_old_one_is_not_said(world: World, grant: Grant) -> None:
    extended(world, grant)

    world.pass_time(minutes=46)
    assert _warnings(world) == []

    world.pass_time(minutes=30)
    (said,) = _warnings(world)
    assert said.message.version == 2


def test_who_was_warned_already_is_warned_again(world: World, grant: Grant) -> None:
    world.pass_time(minutes=50)
    extended(world, grant)
    world.pass_time(minutes=30)

    assert [said.message.version for said in _warnings(world) if said.message.shown_version == 0] == [1, 2]


def test_homes_and_messages_about_the_access_are_told_anew(world: World, grant: Grant) -> None:
    before = {message.id: message.wanted_version for message in world.messages(MessageKind.ANSWER)}

    extended(world, grant)

    (answer,) = [one for one in world.messages(MessageKind.ANSWER) if one.id in before]
    assert answer.wanted_version > before[answer.id]


def _warnings(world: World) -> list:
    return [one for one in world.said if one.message.kind == MessageKind.WARNING]


def _queues(world: World, grant: Grant) -> Sequence[str]:
    return [route.queue for route in Schedule(world.core).route([grant_item(grant.id)]).now]
