"""A request whose rule wants several persons, stage after stage, from the click to the access."""

import json
from pathlib import Path

import pytest
from sqlmodel import select

from access.actors import by_slack
from access.errors import AlreadyDecided, AlreadyReviewed, NotAnApprover, NotYourTurn, SelfReview
from access.ids import SlackUser
from access.messages.facts import CardFacts, card_of
from access.messages.home import home_facts
from access.models import GrantStatus, MessageKind, Request, RequestStatus, Review
from access.queries.mine import mine
from access.requests.remind import ReminderFacts
from access.store import Database
from tests.cast import ANN, BEN, EVE, KIM, LEA, POLICY, SAM
from tests.world import World

ONE = "stages: [{any_of: [payments-leads], quorum: 1}]"
TWO_STAGES = "stages: [{any_of: [payments-leads], quorum: 1}, {any_of: [security], quorum: 1}]"
TWO_LEADS = "stages: [{any_of: [payments-leads], quorum: 2}]"
ONE_OF_EACH = "stages: [{all_of: [payments-leads, security]}]"


@pytest.fixture
def world(database: Database, tmp_path: Path, request: pytest.FixtureRequest) -> World:
    assert ONE in POLICY
    return World.make(database, tmp_path, POLICY.replace(ONE, getattr(request, "param", TWO_STAGES)))


def now(world: World) -> Request:
    (request,) = world.requests()
    return request


def reviews(world: World) -> list[tuple[str, str, int, list[str]]]:
    with world.core.database.read() as session:
        found = session.exec(select(Review).order_by(Review.id))  # pyright: ignore[reportArgumentType] -- a column
        return [(one.reviewer, one.verdict, one.stage, one.groups) for one in found]


def asked(world: World) -> tuple[SlackUser, ...]:
    return tuple(card_of(world.core, now(world).id).approvers)


def test_the_second_stage_is_asked_when_the_first_has_its_approval_and_opens_the_access(world: World) -> None:
    request = world.ask()
    assert asked(world) == (KIM, LEA)

    world.approve(request, by=LEA)
    assert (now(world).status, now(world).decision_seq, asked(world)) == (RequestStatus.PENDING, 1, (SAM,))
    assert world.grants() == []

    world.approve(request, by=SAM)
    assert now(world).status == RequestStatus.APPROVED
    assert reviews(world) == [
        ("lea", "approve", 1, ["payments-leads"]), ("sam", "approve", 2, ["security"]),
    ]  # fmt: skip
    world.work()
    assert world.grant_of(request).status == GrantStatus.ACTIVE
    (event,) = world.events("request.reviewed")
    assert json.loads(event.entry)["details"]["waits_for_stage"] == 2
    assert world.verified().flaw is None


def test_who_comes_later_waits_for_the_turn_and_who_was_asked_before_need_not_approve_again(world: World) -> None:
    request = world.ask()
    with pytest.raises(NotYourTurn, match=r"It is not your turn yet\. Now kim or lea can decide\."):
        world.approve(request, by=SAM)
    with pytest.raises(NotYourTurn, match="not your turn yet"):
        world.deny(request, by=SAM)
    world.approve(request, by=LEA)
    with pytest.raises(NotYourTurn, match=r"Your stage of this request has its approvals\. Now sam can decide\."):
        world.approve(request, by=KIM)
    with pytest.raises(AlreadyReviewed):
        world.approve(request, by=LEA)
    for outsider, refusal in ((EVE, NotAnApprover), (ANN, SelfReview), (BEN, NotAnApprover)):
        with pytest.raises(refusal):
            world.approve(request, by=outsider)
    assert (now(world).decision_seq, len(reviews(world))) == (1, 1)


@pytest.mark.parametrize("who", [LEA, KIM, SAM])
def test_whose_turn_it_is_or_was_ends_it_with_a_no(world: World, who: SlackUser) -> None:
    """Lea, who has approved, may think better of it while the next stage is asked."""
    request = world.ask()
    world.approve(request, by=LEA)

    world.deny(request, by=who, comment="It is the wrong database.")

    assert now(world).status == RequestStatus.DENIED
    assert world.grants() == []
    world.work()
    assert (MessageKind.ANSWER, ANN) in world.told()


def test_after_the_last_approval_a_no_changes_nothing_and_says_who_decided_and_who_can_end_it(world: World) -> None:
    request = world.ask()
    world.approve(request, by=LEA)
    world.approve(request, by=SAM)

    decided = r"lea \(approved\) and sam \(approved\).* ask the security team to revoke"
    with pytest.raises(AlreadyDecided, match=decided):
        world.deny(request, by=KIM)
    assert now(world).status == RequestStatus.APPROVED


def test_those_of_the_next_stage_are_called_once_and_the_requester_is_told_who_is_asked(world: World) -> None:
    request = world.ask()
    world.work()
    assert (MessageKind.NEXT_STAGE, request.channel) not in world.told()
    world.said.clear()

    world.approve(request, by=LEA)
    world.work()

    (call,) = [one.facts for one in world.said if one.message.kind == MessageKind.NEXT_STAGE]
    assert isinstance(call, ReminderFacts)
    assert call.named == [SAM]
    assert (MessageKind.ANSWER, ANN) in world.told()
    answer = next(one.facts for one in world.said if one.message.kind == MessageKind.ANSWER)
    assert isinstance(answer, CardFacts)
    assert [(stage.missing, stage.people, stage.is_now) for stage in answer.chain] == [
        (0, (), False), (1, (SAM,), True),
    ]  # fmt: skip
    world.said.clear()
    world.approve(request, by=SAM)
    world.work()
    assert MessageKind.NEXT_STAGE not in {one.message.kind for one in world.said}


def test_home_and_mine_say_who_is_asked_now_and_who_comes_next(world: World) -> None:
    request = world.ask()
    (before,) = mine(world.core, person=by_slack(ANN)).asked.values()
    assert (before.approvers, before.then) == ((KIM, LEA), (SAM,))
    assert waits_for(world, SAM) == []

    world.approve(request, by=LEA)

    (after,) = mine(world.core, person=by_slack(ANN)).asked.values()
    assert (after.approvers, after.then) == ((SAM,), ())
    assert (waits_for(world, SAM), waits_for(world, KIM)) == ([request.id], [])


def waits_for(world: World, who: SlackUser) -> list[str]:
    with world.core.database.read() as session:
        facts = home_facts(session, world.core.known_policy(), who, world.clock.now())
    return [one.request.id for one in facts.waiting]


@pytest.mark.parametrize("world", [TWO_LEADS], indirect=True)
def test_two_of_one_group_must_both_approve(world: World) -> None:
    request = world.ask()
    world.approve(request, by=LEA)
    assert (now(world).status, asked(world)) == (RequestStatus.PENDING, (KIM,))
    assert world.messages(MessageKind.NEXT_STAGE) == [], "the same people go on being asked"
    world.approve(request, by=KIM)
    assert now(world).status == RequestStatus.APPROVED


@pytest.mark.parametrize("world", [ONE_OF_EACH], indirect=True)
@pytest.mark.parametrize("order", [(LEA, SAM), (SAM, LEA)])
def test_one_of_each_group_approves_in_any_order(world: World, order: tuple[SlackUser, SlackUser]) -> None:
    request = world.ask()
    world.approve(request, by=order[0])
    assert now(world).status == RequestStatus.PENDING
    assert order[1] in asked(world)
    world.approve(request, by=order[1])
    assert now(world).status == RequestStatus.APPROVED


@pytest.mark.parametrize("world", [ONE_OF_EACH], indirect=True)
def test_a_second_approval_for_the_same_group_is_not_asked_for(world: World) -> None:
    request = world.ask()
    world.approve(request, by=LEA)
    with pytest.raises(NotYourTurn, match="Now sam can decide"):
        world.approve(request, by=KIM)


def test_votes_stand_on_the_version_that_was_shown(world: World) -> None:
    """A rule that changes while the second stage is asked voids what the first has approved."""
    request = world.ask()
    world.approve(request, by=LEA)
    world.rewrite_policy("power: look", "power: glance")
    with pytest.raises(Exception, match="Please decide on the new card"):
        world.approve(request, by=SAM)

    assert (now(world).version, asked(world)) == (2, (KIM, LEA))
    world.approve(now(world), by=LEA)
    world.approve(now(world), by=SAM)
    assert now(world).status == RequestStatus.APPROVED


def test_an_approver_of_an_earlier_stage_who_leaves_before_the_start_takes_the_approval_along(world: World) -> None:
    request = world.ask()
    world.approve(request, by=LEA)
    world.approve(request, by=SAM)
    world.rewrite_policy("payments-leads: {people: [lea, kim]}", "payments-leads: {people: [kim]}")

    world.work()

    assert world.grant_of(request).status == GrantStatus.ENDED
    assert "lea, who approved this, is no longer one of its approvers" in world.grant_of(request).end_reason


def test_owner_and_manager_are_those_of_this_request(database: Database, tmp_path: Path) -> None:
    stages = "stages: [{any_of: [manager]}, {any_of: [owner]}]"
    policy = POLICY.replace(ONE, stages).replace("ann: {slack: U0ANN}", "ann: {slack: U0ANN, manager: eve}")
    world = World.make(database, tmp_path, policy)
    request = world.ask()
    assert request.facts["stages"] == [
        {"any_of": ["manager:ann"], "quorum": 1}, {"any_of": ["payments-leads"], "quorum": 1},
    ]  # fmt: skip
    assert asked(world) == (EVE,)
    world.approve(request, by=EVE)
    world.approve(now(world), by=KIM)
    assert now(world).status == RequestStatus.APPROVED


def test_who_has_no_manager_is_told_that_it_cannot_be_asked_for(database: Database, tmp_path: Path) -> None:
    world = World.make(database, tmp_path, POLICY.replace(ONE, "stages: [{any_of: [manager]}]"))
    with pytest.raises(Exception, match=r"No other person can approve customers-db/read for you"):
        world.ask()


def test_a_chain_that_too_few_people_could_complete_is_not_asked_for(database: Database, tmp_path: Path) -> None:
    """Kim alone is left for both stages when Lea asks."""
    stages = "stages: [{any_of: [payments-leads]}, {any_of: [payments-leads]}]"
    world = World.make(database, tmp_path, POLICY.replace(ONE, stages))
    with pytest.raises(Exception, match="needs the approval of 2 different people, and there are too few besides you"):
        world.ask(by=LEA)
    assert world.ask(by=ANN).status == RequestStatus.PENDING
