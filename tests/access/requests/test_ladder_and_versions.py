"""Whom a step of the ladder has added decides on what was narrowed or changed since, and is named as others are."""

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from access.actors import by_slack
from access.errors import NotAnApprover
from access.ids import short
from access.messages.facts import card_of
from access.models import GrantStatus, MessageKind, RequestStatus
from access.policy.refusals import RefusedByPolicy
from access.queries.why import why
from access.requests.claim import claim
from access.requests.edit import edit
from access.requests.narrow import TypedTime
from access.requests.remind import ReminderFacts
from access.store import Database
from tests.access.requests.test_asked_too import BOSS, LADDER, TWO, can_decide, made, now
from tests.access.requests.test_narrow import narrow, votes
from tests.cast import ANN, KIM, LEA, SAM
from tests.world import World


@pytest.fixture
def world(database: Database, tmp_path: Path, request: pytest.FixtureRequest) -> World:
    return made(database, tmp_path, getattr(request, "param", LADDER))


@pytest.mark.parametrize("world", [TWO], indirect=True)
def test_the_vote_of_who_was_added_stands_for_less_as_well(world: World) -> None:
    request = world.ask(minutes=120)
    world.clock.tick(minutes=45)
    world.approve(request, by=SAM)

    narrow(world, now(world), "30m", by=BOSS)

    assert now(world).status == RequestStatus.APPROVED
    assert votes(world, 2) == [("ben", 2, ["bosses"], None), ("sam", 1, ["security"], 1)]
    world.work()
    assert (world.grant_of(request).status, world.grant_of(request).duration_s) == (GrantStatus.ACTIVE, 1800)


@pytest.mark.parametrize("world", [TWO], indirect=True)
def test_a_vote_of_before_a_step_is_not_carried_over_by_the_group_that_was_added_after_it(world: World) -> None:
    request = world.ask(minutes=120)
    world.approve(request, by=LEA)
    world.rewrite_policy("payments-leads: {people: [lea, kim]}", "payments-leads: {people: [kim]}")
    world.rewrite_policy("security: {people: [sam]}", "security: {people: [sam, lea]}")
    world.clock.tick(minutes=45)
    with pytest.raises(RefusedByPolicy, match="lea, who approved this, is no longer one of its approvers"):
        narrow(world, now(world), "30m", by=BOSS)


@pytest.mark.parametrize("world", [TWO], indirect=True)
def test_a_vote_that_is_carried_over_keeps_its_time_so_that_a_step_goes_to_the_stage_that_waited_then(
    world: World,
) -> None:
    request = world.ask(minutes=120)
    world.clock.tick(minutes=30)
    narrow(world, request, "1h", by=LEA)
    world.clock.tick(minutes=15)
    assert [one.groups for one in card_of(world.core, request.id).chain] == [
        ("payments-leads",),
        ("bosses", "security"),
    ]
    narrow(world, now(world), "30m", by=SAM)
    assert votes(world, 3) == [("lea", 1, ["payments-leads"], 2), ("sam", 2, ["security"], None)]
    world.work()
    assert world.grant_of(request).status == GrantStatus.ACTIVE


def test_what_its_requester_changes_has_a_new_card_in_the_channel_of_the_step_and_calls_no_one_twice(
    world: World,
) -> None:
    request = world.ask(minutes=60)
    world.work()
    for _ in range(3):
        world.clock.tick(minutes=15)
        world.work()
    world.said.clear()

    time = TypedTime(text="30m", zone=ZoneInfo("Europe/Amsterdam"))
    edit(world.core, button=world.button(request), by=by_slack(ANN), time=time, reason="INC-13 the other shop")
    world.work()

    cards = world.messages(MessageKind.ESCALATED)
    assert sorted(one.version for one in cards if one.ts is not None) == [1, 2]
    assert not [one for one in world.said if isinstance(one.facts, ReminderFacts)]
    assert can_decide(world) == [KIM, LEA, SAM]
    world.approve(now(world), by=SAM)
    assert world.grant_of(request).duration_s == 1800


def test_what_is_changed_before_a_step_has_only_its_new_card_there(world: World) -> None:
    request = world.ask(minutes=60)
    world.work()
    time = TypedTime(text="30m", zone=ZoneInfo("Europe/Amsterdam"))
    edit(world.core, button=world.button(request), by=by_slack(ANN), time=time, reason="INC-13 the other shop")
    for _ in range(3):
        world.clock.tick(minutes=15)
        world.work()
    assert [one.version for one in world.messages(MessageKind.ESCALATED) if one.ts is not None] == [2]
    calls = [one.facts for one in world.said if isinstance(one.facts, ReminderFacts)]
    assert [(one.named, one.adds) for one in calls] == [([KIM, LEA], False), ([SAM], True)]


def test_who_was_added_can_say_of_being_at_it_and_not_before(world: World) -> None:
    request = world.ask()
    with pytest.raises(NotAnApprover):
        claim(world.core, button=world.button(request), by=by_slack(SAM))
    world.clock.tick(minutes=45)
    claim(world.core, button=world.button(request), by=by_slack(SAM))
    assert card_of(world.core, request.id).claimant == SAM


def test_why_names_them_from_that_moment_on(world: World) -> None:
    request = world.ask()
    assert asked_now(world, short(request.id)) == ("kim", "lea")
    world.clock.tick(seconds=timedelta(minutes=45).total_seconds())
    assert asked_now(world, short(request.id)) == ("kim", "lea", "sam")


def asked_now(world: World, text: str) -> tuple[str, ...]:
    shown = why(world.core, text=text, by=by_slack(ANN)).now
    assert shown is not None
    (stage,) = shown.stages
    return stage.people
