"""Who has left loses what is asked and what is held, within five minutes, and nobody else loses anything."""

import json
from datetime import timedelta

import pytest
from sqlmodel import select

from access.actors import system
from access.approvers import is_at_approver
from access.ids import Person
from access.models import CheckKind, EndedBy, GrantStatus, PeriodicCheck, Request, RequestStatus
from access.monitor.offboarding import Members, Membership
from access.monitor.schedule_checks import EVERYBODY, schedule_checks
from access.periodic_checks import claim_checks
from tests.cast import ANN, BEN, LEA
from tests.world import World

DEACTIVATED = "Slack shows this account as deactivated."
BOUND = timedelta(minutes=5)
STAGES = ("pending", "scheduled", "activating", "active")


def at_stage(world: World, stage: str) -> None:
    """Ann has something open that has come so far."""
    request = world.ask()
    if stage == "pending":
        return
    world.approve(request)
    grant = world.grant_of(request)
    if stage == "activating":
        world.server.weather = "down"
        world.activate(grant)
        world.server.weather = "fine"
    if stage == "active":
        world.activate(grant)


def live_through(world: World, span: timedelta) -> None:
    """The sweep comes every ten seconds here, for every second would take long."""
    end = world.clock.now() + span
    while world.clock.now() < end:
        world.clock.tick(seconds=10)
        world.work()


@pytest.mark.parametrize("stage", STAGES)
def test_who_is_deactivated_has_nothing_open_after_five_minutes(world: World, stage: str) -> None:
    at_stage(world, stage)
    world.gone[ANN] = DEACTIVATED

    live_through(world, BOUND)

    (request,), grants = world.requests(), world.grants()
    assert request.status == (RequestStatus.CANCELLED if stage == "pending" else RequestStatus.APPROVED)
    assert all((one.status, one.ended_by, one.end_reason) == ("ended", EndedBy.LEFT, DEACTIVATED) for one in grants)
    assert len(grants) == (stage != "pending")
    assert world.server.holders == {}
    (event,) = world.events("request.cancelled" if stage == "pending" else "grant.ended")
    assert json.loads(event.entry)["details"]["by"] == EndedBy.LEFT
    assert world.verified().flaw is None


@pytest.mark.parametrize("stage", STAGES)
def test_who_is_no_longer_in_the_policy_has_nothing_open_after_half_a_minute(world: World, stage: str) -> None:
    at_stage(world, stage)
    world.work()
    world.rewrite_policy("  ann: {slack: U0ANN}\n", "")
    world.rewrite_policy("[ann, ben, lea]", "[ben, lea]")

    live_through(world, timedelta(seconds=40))

    assert [one for one in world.requests() if one.status == RequestStatus.PENDING] == []
    # One that is about to be opened may be refused first, by the same policy.
    assert {one.ended_by for one in world.grants()} <= {EndedBy.LEFT, EndedBy.REFUSED}
    assert {one.status for one in world.grants()} <= {GrantStatus.REVOKING, GrantStatus.ENDED}
    assert world.server.holders == {}


def test_a_cancelled_request_says_why_and_nobody_writes_to_who_has_left(world: World) -> None:
    request = world.ask()
    world.gone[ANN] = DEACTIVATED
    live_through(world, BOUND)
    (event,) = world.events("request.cancelled")
    assert (event.object_id, event.actor) == (request.id, "system:leavers")
    assert json.loads(event.entry)["details"]["because"] == world.requests()[0].decided_because == DEACTIVATED
    assert ("answer", ANN) not in set(world.told())


def test_who_asked_for_somebody_who_has_left_is_answered(world: World) -> None:
    request = world.ask()
    with world.core.work(system("test")) as work:
        row = work.session.get_one(Request, request.id)
        row.subject, row.subject_slack = Person("ben"), BEN
    world.gone[BEN] = DEACTIVATED
    live_through(world, BOUND)
    assert world.requests()[0].status == RequestStatus.CANCELLED
    assert ("answer", ANN) in set(world.told())


def test_those_who_stay_keep_what_they_have(world: World) -> None:
    world.open(by=ANN)
    kept, waiting = world.open(by=BEN), world.ask(by=LEA)
    world.gone[ANN] = DEACTIVATED
    live_through(world, BOUND)
    assert world.again(kept).status == GrantStatus.ACTIVE
    assert [one.status for one in world.requests() if one.id == waiting.id] == [RequestStatus.PENDING]


def test_a_policy_that_cannot_be_read_ends_nothing(world: World) -> None:
    grant, waiting = world.open(), world.ask(by=BEN)
    world.policy_file.write_text("people: {}\n", encoding="utf-8")
    live_through(world, BOUND)
    assert world.again(grant).status == GrantStatus.ACTIVE
    assert [one.status for one in world.requests() if one.id == waiting.id] == [RequestStatus.PENDING]


def test_no_answer_ends_nothing_and_is_asked_again(world: World) -> None:
    grant = world.open()
    members = Members(world.core)
    world.clock.tick(minutes=4)
    schedule_checks(world.core)
    world.clock.tick(minutes=4)
    members.commit([Membership(one, problem="Slack cannot be reached.") for one in members.claim(looks(world))])
    assert world.again(grant).status == GrantStatus.ACTIVE
    assert member_looks(world)[0].due_at - world.clock.now() == timedelta(seconds=10)


def test_an_answer_that_comes_after_another_worker_took_over_moves_no_look(world: World) -> None:
    world.open()
    world.work()
    world.clock.tick(minutes=5)
    members = Members(world.core)
    first = members.claim(looks(world))
    world.clock.tick(minutes=2)
    second = members.claim(looks(world))
    assert len(first) == len(second) == 1
    members.commit([Membership(first[0])])
    assert member_looks(world)[0].due_at == second[0].look.due_at
    assert members.claim(looks(world)) == []


def test_who_has_nothing_open_is_not_asked_about(world: World) -> None:
    world.deny(world.ask())
    live_through(world, timedelta(seconds=40))
    assert member_looks(world) == []


def test_a_request_that_is_approved_at_that_moment_is_looked_at_again_at_once(world: World) -> None:
    world.ask()
    world.clock.tick(minutes=1)
    schedule_checks(world.core)
    world.clock.tick(minutes=4)
    members = Members(world.core)
    members.commit([Membership(one, gone=DEACTIVATED) for one in members.claim(looks(world))])
    assert member_looks(world)[0].due_at - world.clock.now() == timedelta(seconds=5)


@pytest.mark.both_databases
def test_of_two_timekeepers_one_calls_the_roster(world: World) -> None:
    schedule_checks(world.core)
    (before,) = [one for one in rows(world) if one.subject == EVERYBODY]
    schedule_checks(world.core)
    (after,) = [one for one in rows(world) if one.subject == EVERYBODY]
    assert before.fence == after.fence == 1


def test_a_look_in_hand_is_not_taken_twice_and_comes_back_when_released(world: World) -> None:
    world.open()
    world.work()
    world.clock.tick(minutes=5)
    claimed = claim_checks(world.core, looks(world), CheckKind.MEMBER)
    assert len(claimed) == 1
    assert claim_checks(world.core, looks(world), CheckKind.MEMBER) == []
    Members(world.core).release(claimed)
    assert len(claim_checks(world.core, looks(world), CheckKind.MEMBER)) == 1


def looks(world: World) -> list[str]:
    return [one.id for one in rows(world) if not is_at_approver(one)]


def member_looks(world: World) -> list[PeriodicCheck]:
    """Those at people who have something open."""
    return [one for one in rows(world) if one.kind == CheckKind.MEMBER and not is_at_approver(one)]


def rows(world: World) -> list[PeriodicCheck]:
    with world.core.database.read() as session:
        return list(session.exec(select(PeriodicCheck)))
