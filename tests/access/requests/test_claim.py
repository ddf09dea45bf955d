"""Who is looking at a request says so; others see it, and can decide all the same."""

from pathlib import Path

import pytest

from access.actors import by_slack
from access.errors import AlreadyDecided, NotAnApprover, NotYourTurn, RequestChanged, SelfReview
from access.ids import SlackUser
from access.messages.facts import card_of
from access.models import MessageKind, Request, RequestStatus
from access.requests.claim import claim
from access.store import Database
from tests.access.requests.test_chains import ONE, TWO_LEADS, TWO_STAGES
from tests.access.requests.test_edit import change
from tests.access.requests.test_narrow import narrow
from tests.cast import ANN, EVE, KIM, LEA, POLICY, SAM
from tests.world import World


@pytest.fixture
def world(database: Database, tmp_path: Path, request: pytest.FixtureRequest) -> World:
    return World.make(database, tmp_path, POLICY.replace(ONE, getattr(request, "param", ONE)))


def look(world: World, request: Request, by: SlackUser = KIM) -> Request:
    return claim(world.core, button=world.button(request), by=by_slack(by))


def looking(world: World, request: Request) -> SlackUser | None:
    return card_of(world.core, request.id).claimant


def events(world: World) -> list[str]:
    return [one.action for one in world.events() if "claim" in one.action]


def test_who_is_looking_stands_on_the_card_until_it_lapses_by_itself(world: World) -> None:
    request = world.ask()
    world.work()
    world.said.clear()
    look(world, request)
    world.work()
    assert looking(world, request) == KIM
    assert [one.message.kind for one in world.said if one.message.kind == MessageKind.REVIEW] == [MessageKind.REVIEW]

    world.pass_time(minutes=14)
    assert looking(world, request) == KIM
    world.said.clear()
    world.pass_time(minutes=1)
    assert looking(world, request) is None
    assert [one.message.kind for one in world.said if one.message.kind == MessageKind.REVIEW] == [MessageKind.REVIEW]
    assert events(world) == ["request.claimed", "request.claim-lapsed"]
    world.said.clear()
    world.pass_time(minutes=1)
    assert world.said == [], "it lapses once"
    assert world.verified().flaw is None


def test_pressed_again_it_is_given_up(world: World) -> None:
    request = world.ask()
    look(world, request)
    look(world, request)
    assert looking(world, request) is None
    assert events(world) == ["request.claimed", "request.unclaimed"]


def test_it_locks_nobody_out_and_another_may_say_it_too(world: World) -> None:
    request = world.ask()
    look(world, request)
    look(world, request, by=LEA)
    assert looking(world, request) == LEA
    assert world.approve(request, by=KIM).status == RequestStatus.APPROVED
    assert looking(world, request) is None


@pytest.mark.parametrize("world", [TWO_STAGES], indirect=True)
def test_only_who_could_decide_now_may_say_it(world: World) -> None:
    request = world.ask()
    for who, refusal in ((ANN, SelfReview), (EVE, NotAnApprover), (SAM, NotYourTurn)):
        with pytest.raises(refusal):
            look(world, request, by=who)
    assert events(world) == []
    assert {attempt for attempt, _ in world.refusals()} == {"request.claim"}
    world.deny(request)
    with pytest.raises(AlreadyDecided):
        look(world, request)


@pytest.mark.parametrize("world", [TWO_STAGES], indirect=True)
def test_a_new_version_ends_it(world: World) -> None:
    request = world.ask(minutes=60)
    look(world, request)
    change(world, request)
    assert looking(world, request) is None
    (row,) = world.requests()
    with pytest.raises(RequestChanged):
        look(world, request)
    look(world, row)
    narrow(world, row, "10m", by=KIM)
    assert world.requests()[0].claimed_by is None


@pytest.mark.parametrize("world", [TWO_LEADS], indirect=True)
def test_who_has_voted_is_not_looking_any_more_and_another_still_is(world: World) -> None:
    request = world.ask()
    look(world, request)
    world.approve(request, by=LEA)
    assert looking(world, request) == KIM
    other = world.ask(entitlement="customers-db/fix-orders")
    look(world, other)
    world.approve(other, by=KIM)
    assert (looking(world, other), world.requests()[1].claimed_by) == (None, None)


def test_who_leaves_is_not_named(world: World) -> None:
    request = world.ask()
    look(world, request)
    world.rewrite_policy("payments-leads: {people: [lea, kim]}", "payments-leads: {people: [lea]}")
    assert looking(world, request) is None
