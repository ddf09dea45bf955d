"""Somebody says that access was removed by hand: the target is asked at once, and it alone can say so."""

import json
from datetime import timedelta

import pytest

from access.actors import by_slack
from access.errors import AlreadyEnded, NotFound, NotInCharge, NotOver, Refusal, UnknownPerson
from access.grants.removed_by_hand import REMOVED_BY_HAND, removed_by_hand
from access.grants.revoke import return_access
from access.ids import GrantId, SlackUser
from access.messages.outbox import AlertFacts
from access.models import Grant, GrantStatus, MessageKind
from access.monitor.routing import Route
from access.monitor.sweep import Schedule
from tests.cast import ANN, BEN, EVE, KIM, LEA, SAM, SECURITY, STRANGER
from tests.world import World, deadline


def stuck(world: World) -> Grant:
    """Overdue, alerted, and not to be tried again for the better part of a minute."""
    grant = world.open(minutes=5)
    world.server.weather = "down"
    for _ in range(5):
        world.pass_time(minutes=10)
    now = world.again(grant)
    assert now.due_at is not None
    assert now.due_at - world.clock.now() > timedelta(seconds=10)
    world.said.clear()
    return now


def shown(world: World) -> AlertFacts:
    """What the alert in the security channel says last."""
    (*_, last) = (
        one for one in world.said if (one.message.kind, one.message.recipient) == (MessageKind.ALERT, SECURITY)
    )
    assert isinstance(last.facts, AlertFacts)
    return last.facts


@pytest.mark.parametrize("person", [SAM, LEA, KIM])
def test_the_target_is_asked_at_once_and_the_alert_closes(world: World, person: SlackUser) -> None:
    grant = stuck(world)
    world.server.weather = "fine"
    del world.server.holders[grant.id]

    removed_by_hand(world.core, grant_id=grant.id, by=by_slack(person))
    assert world.again(grant).status == GrantStatus.REVOKING, "a word is no proof"
    world.work()

    over = world.again(grant)
    assert (over.status, over.proven_at) == (GrantStatus.ENDED, world.clock.now())
    assert [alert.closed_at for alert in world.alerts()] == [world.clock.now()]
    assert shown(world).alert.closed_at == world.clock.now()


def test_what_is_still_there_stays_open_and_the_alert_says_so(world: World) -> None:
    grant = stuck(world)
    world.server.weather = "stubborn"

    removed_by_hand(world.core, grant_id=grant.id, by=by_slack(SAM))
    world.run([route for route in routes(world) if route.queue == "tell"])
    world.work()

    assert world.again(grant).status == GrantStatus.REVOKING
    assert world.alerts()[0].closed_at is None
    said = shown(world)
    assert said.by_hand is not None
    assert (said.by_hand.person, said.by_hand.at) == (SAM, world.clock.now())
    assert said.grant is not None
    assert said.grant.problem == "The target accepted the removal, but the access is still there."


def test_a_target_that_still_does_not_answer_is_said_anew(world: World) -> None:
    """The same problem as before the press is news after it."""
    grant = stuck(world)

    removed_by_hand(world.core, grant_id=grant.id, by=by_slack(SAM))
    world.work()

    assert world.again(grant).status == GrantStatus.REVOKING
    said = shown(world)
    assert said.grant is not None
    assert said.grant.problem == "The fake server does not answer."


def test_until_the_target_has_answered_the_alert_says_who_said_so(world: World) -> None:
    grant = stuck(world)
    removed_by_hand(world.core, grant_id=grant.id, by=by_slack(LEA))

    world.run([route for route in routes(world) if route.queue == "tell"])

    said = shown(world)
    assert said.by_hand is not None
    assert said.by_hand.person == LEA
    assert said.grant is not None
    assert said.grant.problem == ""


def test_back_off_starts_anew(world: World) -> None:
    grant = stuck(world)
    assert world.again(grant).attempts >= 5

    removed_by_hand(world.core, grant_id=grant.id, by=by_slack(SAM))
    world.work()

    now = world.again(grant)
    assert now.attempts == 1
    assert now.due_at is not None
    assert now.due_at - world.clock.now() <= timedelta(seconds=2)


def test_who_said_so_is_in_the_log(world: World) -> None:
    grant = stuck(world)
    removed_by_hand(world.core, grant_id=grant.id, by=by_slack(SAM))

    (event,) = world.events(REMOVED_BY_HAND)
    assert (event.actor, event.object_id) == (f"slack:{SAM}", grant.id)
    assert json.loads(event.entry)["details"]["person"] == "sam"
    assert world.verified().flaw is None


@pytest.mark.parametrize(
    ("person", "refusal"), [(ANN, NotInCharge), (BEN, NotInCharge), (EVE, NotInCharge), (STRANGER, UnknownPerson)]
)
def test_nobody_else_may_say_so(world: World, person: SlackUser, refusal: type[Refusal]) -> None:
    grant = stuck(world)

    with pytest.raises(refusal):
        removed_by_hand(world.core, grant_id=grant.id, by=by_slack(person))

    assert world.again(grant).due_at == grant.due_at
    assert world.refusals() == [(REMOVED_BY_HAND, refusal.__name__)]


def test_the_owners_are_those_of_the_policy_of_now(world: World) -> None:
    grant = stuck(world)
    world.rewrite_policy("payments-leads: {people: [lea, kim]}", "payments-leads: {people: [kim]}")

    with pytest.raises(NotInCharge):
        removed_by_hand(world.core, grant_id=grant.id, by=by_slack(LEA))
    removed_by_hand(world.core, grant_id=grant.id, by=by_slack(KIM))


def test_what_is_proven_gone_needs_no_word(world: World) -> None:
    grant = world.open(minutes=30)
    world.pass_time(minutes=30)
    assert world.again(grant).status == GrantStatus.ENDED

    with pytest.raises(AlreadyEnded):
        removed_by_hand(world.core, grant_id=grant.id, by=by_slack(SAM))


def test_what_is_not_over_is_left_alone(world: World) -> None:
    grant = world.open(minutes=30)

    with pytest.raises(NotOver):
        removed_by_hand(world.core, grant_id=grant.id, by=by_slack(SAM))

    assert world.again(grant).due_at == grant.expires_at
    with pytest.raises(NotFound):
        removed_by_hand(world.core, grant_id=GrantId("none"), by=by_slack(SAM))


def test_what_no_worker_has_taken_up_yet_can_be_said_to_be_removed(world: World) -> None:
    grant = world.open(minutes=30)
    world.clock.tick(minutes=45)

    removed_by_hand(world.core, grant_id=grant.id, by=by_slack(SAM))
    world.work()

    assert world.again(grant).status == GrantStatus.ENDED


def test_a_worker_that_has_it_in_hand_is_not_lost(world: World) -> None:
    """It looked before the press: what it writes then is looked at again soon, and by nobody twice."""
    grant = world.open(minutes=30)
    return_access(world.core, grant_id=grant.id, by=by_slack(ANN))
    world.server.weather = "stubborn"
    business = world.deactivation
    result = business.act(business.claim([grant.id])[0], deadline())
    removed_by_hand(world.core, grant_id=grant.id, by=by_slack(SAM))

    business.commit([result])
    world.server.weather = "fine"
    world.pass_time(seconds=2)

    assert world.again(grant).status == GrantStatus.ENDED


def routes(world: World) -> list[Route]:
    schedule = Schedule(world.core)
    return schedule.route([item for item, _ in schedule.sweep()]).now


def test_a_target_that_refuses_the_bot_is_believed_that_it_is_gone(world: World) -> None:
    grant = world.open(minutes=30)
    world.server.weather = "refuses"
    world.pass_time(minutes=31)
    assert world.again(grant).status == GrantStatus.REVOKING, "refused, and still there"

    world.server.holders.clear()
    removed_by_hand(world.core, grant_id=grant.id, by=by_slack(SAM))
    world.work()

    ended = world.again(grant)
    assert (ended.status, ended.problem) == (GrantStatus.ENDED, "")
    assert ended.proven_at is not None
    assert all(alert.closed_at for alert in world.alerts())
