"""A request that no one can approve any more is not left to lapse in silence."""

from pathlib import Path

import pytest
from sqlmodel import select

from access.actors import by_slack
from access.messages.facts import CardFacts, card_of
from access.models import Alert, AlertKind, MessageKind, Request, RequestStatus
from access.monitor.approver_checks import EVERY
from access.monitor.schedule_checks import schedule_checks
from access.requests.cancel import cancel
from access.store import Database
from tests.cast import ANN, KIM, LEA, POLICY, SAM, SECURITY
from tests.world import World

ONE = "stages: [{any_of: [payments-leads], quorum: 1}]"
TWO_STAGES = "stages: [{any_of: [payments-leads], quorum: 1}, {any_of: [security], quorum: 1}]"
EMPTY = "payments-leads: {people: [lea, kim]}", "payments-leads: {people: []}"


@pytest.fixture
def world(database: Database, tmp_path: Path, request: pytest.FixtureRequest) -> World:
    assert ONE in POLICY
    return World.make(database, tmp_path, POLICY.replace(ONE, getattr(request, "param", ONE)))


def now(world: World) -> Request:
    (request,) = world.requests()
    return request


def alerts(world: World) -> list[tuple[str, bool]]:
    """What was said, and whether it is still open."""
    with world.core.database.read() as session:
        found = session.exec(select(Alert).filter_by(kind=AlertKind.UNANSWERABLE))
        return [(one.sentence, one.closed_at is None) for one in found]


def answers(world: World) -> list[str]:
    """What the one who asked was told last of why no one can approve it."""
    shown = [one.facts for one in world.said if one.message.kind == MessageKind.ANSWER]
    return [one.unanswerable for one in shown if isinstance(one, CardFacts)]


def asked(world: World) -> Request:
    request = world.ask()
    world.work()
    assert alerts(world) == []
    return request


WHY = "It needs 1 approval of payments-leads, and too few people are left who can give one."


def test_when_a_policy_takes_the_last_approver_away_security_and_the_asker_are_told_at_once(world: World) -> None:
    asked(world)
    world.rewrite_policy(*EMPTY)
    world.work()

    said = f"The request of ann for customers-db/read can no longer be approved. {WHY}"
    assert alerts(world) == [(said, True)]
    assert (MessageKind.ALERT, SECURITY) in world.told()
    assert answers(world) == [WHY]
    assert MessageKind.PAGE not in {one.message.kind for one in world.said}
    assert now(world).status == RequestStatus.PENDING


def test_it_is_over_when_a_person_can_approve_it_again_and_the_asker_reads_who(world: World) -> None:
    asked(world)
    world.rewrite_policy(*EMPTY)
    world.work()
    world.rewrite_policy(*reversed(EMPTY))
    world.work()

    assert [still_open for _, still_open in alerts(world)] == [False]
    assert answers(world)[-1] == ""
    world.approve(now(world), by=LEA)
    assert now(world).status == RequestStatus.APPROVED


def test_it_is_over_when_the_request_is_taken_back(world: World) -> None:
    request = asked(world)
    world.rewrite_policy(*EMPTY)
    world.work()
    cancel(world.core, request_id=request.id, by=by_slack(ANN))
    world.work()
    assert [still_open for _, still_open in alerts(world)] == [False]


def test_when_slack_shows_the_last_approver_as_no_member_they_are_told(world: World) -> None:
    asked(world)
    world.gone = dict.fromkeys((KIM, LEA), "Slack shows this account as a guest.")
    schedule_checks(world.core)
    world.clock.tick(seconds=EVERY.total_seconds())
    world.work()
    assert [still_open for _, still_open in alerts(world)] == [True]

    world.gone = {}
    world.clock.tick(seconds=EVERY.total_seconds())
    world.work()
    assert [still_open for _, still_open in alerts(world)] == [False]


@pytest.mark.parametrize("world", [TWO_STAGES], indirect=True)
def test_a_later_stage_that_lost_its_people_is_told_before_it_is_its_turn(world: World) -> None:
    asked(world)
    world.rewrite_policy("security: {people: [sam]}", "security: {people: [ann]}")
    world.work()
    ((said, _),) = alerts(world)
    assert "Stage 2 needs 1 approval of security, and too few people are left who can give one." in said


@pytest.mark.parametrize("world", [TWO_STAGES], indirect=True)
def test_who_has_approved_and_leaves_no_other_for_the_next_stage_is_found_at_the_vote(world: World) -> None:
    """Kim of security became a guest, which is asked anew at a click only of who clicks."""
    world.rewrite_policy(EMPTY[0], "payments-leads: {people: [lea, sam]}")
    world.rewrite_policy("security: {people: [sam]}", "security: {people: [sam, kim]}")
    asked(world)
    world.gone = {KIM: "Slack shows this account as a guest."}
    schedule_checks(world.core)
    world.clock.tick(seconds=EVERY.total_seconds())
    world.work()
    assert alerts(world) == []
    world.approve(now(world), by=SAM)
    ((said, still_open),) = alerts(world)
    assert still_open
    assert "Stage 2 needs 1 approval of security" in said


@pytest.mark.parametrize("world", [f"{ONE}}}\n    escalate: [{{after: 45m, to: security}}]\n    #"], indirect=True)
def test_what_a_step_to_come_can_still_answer_is_no_alert(world: World) -> None:
    request = asked(world)
    world.rewrite_policy(*EMPTY)
    world.work()
    assert alerts(world) == []
    world.clock.tick(minutes=45)
    world.approve(request, by=SAM)
    assert now(world).status == RequestStatus.APPROVED


def test_a_rule_that_names_others_by_now_asks_them(world: World) -> None:
    asked(world)
    world.rewrite_policy(*EMPTY)
    world.work()
    world.rewrite_policy(ONE, ONE.replace("payments-leads", "security"))
    world.work()

    assert (now(world).version, card_of(world.core, now(world).id).approvers) == (2, [SAM])
    assert [still_open for _, still_open in alerts(world)] == [False]
    world.approve(now(world), by=SAM)
    assert now(world).status == RequestStatus.APPROVED
