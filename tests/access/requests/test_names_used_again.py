"""A name of the policy that is used again, and an account that was renamed, are not the person who asked or holds."""

import json

import pytest

from access.actors import by_slack, system
from access.errors import AlreadyOpen, NotYours, RequestChanged, SelfReview
from access.grants.revoke import return_access, reveal
from access.ids import Person, SlackUser
from access.messages.facts import card_of
from access.messages.home import home_facts
from access.models import EndedBy, Grant, GrantStatus, MessageKind, Request, RequestStatus, Verdict
from access.monitor.offboarding import ANOTHER_ACCOUNT
from access.monitor.schedule_checks import schedule_checks
from access.policy.refusals import RefusedByPolicy
from access.queries.mine import mine
from access.requests.cancel import cancel
from access.requests.extend import may_extend
from access.requests.review import may_deny, review
from tests.cast import BEN, KIM, LEA
from tests.world import World

NEWCOMER = SlackUser("U0NEWCOMER")


def rename_lea(world: World, *, approver: bool = True) -> None:
    """Lea's account has another name by now, and her name is a newcomer's."""
    world.rewrite_policy("  lea: {slack: U0LEA}\n", "  lea: {slack: U0NEWCOMER}\n  leanne: {slack: U0LEA}\n")
    world.rewrite_policy("payments-leads: {people: [lea, kim]}", "payments-leads: {people: [lea, leanne, kim]}")
    if not approver:
        world.rewrite_policy("payments-leads: {people: [lea, leanne, kim]}", "payments-leads: {people: [lea, kim]}")


@pytest.mark.parametrize("verdict", list(Verdict))
@pytest.mark.parametrize("who", [LEA, NEWCOMER])
def test_neither_the_account_nor_the_name_that_asked_decides(world: World, who: SlackUser, verdict: Verdict) -> None:
    request = world.ask(by=LEA)
    rename_lea(world)

    with pytest.raises(SelfReview):
        review(world.core, button=world.button(request), reviewer=by_slack(who), verdict=verdict, comment="Because.")

    assert (world.requests()[0].status, world.grants()) == (RequestStatus.PENDING, [])


def test_who_renamed_herself_is_not_asked_why_she_denies(world: World) -> None:
    request = world.ask(by=LEA)
    rename_lea(world)

    with pytest.raises(SelfReview):
        may_deny(world.core, button=world.button(request), reviewer=by_slack(LEA))


def test_another_approver_does_not_give_a_newcomer_what_the_former_person_asked(world: World) -> None:
    request = world.ask(by=LEA)
    rename_lea(world)

    with pytest.raises(RefusedByPolicy, match="lea, for whom this was asked, now has another Slack account"):
        world.approve(request, by=KIM)

    assert world.grants() == []
    assert world.deny(request, by=KIM).status == RequestStatus.DENIED, "it can still be denied"


def test_what_was_approved_for_a_name_that_is_another_account_by_now_does_not_open(world: World) -> None:
    grant = world.grant_of(world.approve(world.ask(by=LEA), by=KIM))
    rename_lea(world)
    world.activate(grant)

    over = world.again(grant)
    assert (over.status, over.ended_by) == (GrantStatus.ENDED, EndedBy.REFUSED)
    assert over.end_reason == "lea now has another Slack account in the access policy. Please ask again."
    assert world.server.holders == {}


def held_by_lea(world: World) -> Grant:
    request = world.approve(world.ask(by=LEA), by=KIM)
    world.work()
    rename_lea(world)
    return world.grant_of(request)


@pytest.mark.parametrize("who", [LEA, NEWCOMER])
def test_only_the_same_name_and_account_is_shown_a_password(world: World, who: SlackUser) -> None:
    grant = held_by_lea(world)

    with pytest.raises(NotYours):
        reveal(world.core, grant_id=grant.id, by=by_slack(who), view="V1")

    assert world.messages(MessageKind.REVEAL) == []


@pytest.mark.parametrize("who", [LEA, NEWCOMER])
def test_only_the_same_name_and_account_has_it_extended(world: World, who: SlackUser) -> None:
    grant = held_by_lea(world)

    with pytest.raises(NotYours):
        may_extend(world.core, grant_id=grant.id, by=by_slack(who))
    with pytest.raises(NotYours):
        world.extend(grant, by=who)


def test_the_account_that_holds_it_gives_it_back_whatever_its_name_and_no_other(world: World) -> None:
    grant = held_by_lea(world)

    with pytest.raises(NotYours):
        return_access(world.core, grant_id=grant.id, by=by_slack(NEWCOMER))
    return_access(world.core, grant_id=grant.id, by=by_slack(LEA))
    world.work()

    assert (world.again(grant).status, world.again(grant).ended_by) == (GrantStatus.ENDED, EndedBy.RETURNED)


def test_the_account_that_asked_takes_it_back_whatever_its_name_and_no_other(world: World) -> None:
    request = world.ask(by=LEA)
    rename_lea(world)

    with pytest.raises(NotYours):
        cancel(world.core, request_id=request.id, by=by_slack(NEWCOMER))
    assert cancel(world.core, request_id=request.id, by=by_slack(LEA)).status == RequestStatus.CANCELLED


def test_a_newcomer_sees_nothing_of_who_had_the_name_before(world: World) -> None:
    grant = held_by_lea(world)
    waiting = world.ask(by=BEN)

    assert mine(world.core, person=by_slack(NEWCOMER)).grants == []
    assert [one.id for one in mine(world.core, person=by_slack(LEA)).grants] == [grant.id]
    assert mine(world.core, person=by_slack(LEA)).extendable == frozenset()
    assert {NEWCOMER, LEA, KIM} == set(card_of(world.core, waiting.id).approvers)


def test_neither_is_named_or_offered_as_an_approver_of_what_was_asked(world: World) -> None:
    request = world.ask(by=LEA)
    rename_lea(world)

    assert card_of(world.core, request.id).approvers == [KIM]
    for user, waits in ((LEA, 0), (NEWCOMER, 0), (KIM, 1)):
        with world.core.database.read() as session:
            assert len(home_facts(session, world.core.known_policy(), user, world.clock.now()).waiting) == waits


def test_the_card_of_a_newcomer_tells_no_history_of_who_had_the_name_before(world: World) -> None:
    world.deny(world.ask(by=LEA), by=KIM)
    rename_lea(world)
    world.clock.tick(minutes=1)

    assert card_of(world.core, world.ask(by=NEWCOMER).id).history == []


@pytest.mark.parametrize("stage", ["pending", "active"])
def test_what_an_account_has_under_a_name_that_is_anothers_by_now_ends(world: World, stage: str) -> None:
    request = world.ask(by=LEA)
    if stage == "active":
        world.approve(request, by=KIM)
        world.work()
    rename_lea(world)
    world.clock.tick(seconds=31)
    schedule_checks(world.core)
    world.work()

    now = world.requests()[0]
    assert now.status == (RequestStatus.CANCELLED if stage == "pending" else RequestStatus.APPROVED)
    assert [grant.end_reason for grant in world.grants()] == [ANOTHER_ACCOUNT] * (stage == "active")
    assert world.server.holders == {}


@pytest.mark.parametrize("stage", ["pending", "active"])
def test_a_newcomer_hears_why_it_cannot_be_asked_yet(world: World, stage: str) -> None:
    request = world.ask(by=LEA)
    if stage == "active":
        world.approve(request, by=KIM)
        world.work()
    rename_lea(world)

    with pytest.raises(AlreadyOpen, match="It is being ended; ask again in a minute"):
        world.ask(by=NEWCOMER)


def test_who_receives_on_behalf_is_barred_by_name_and_account(world: World) -> None:
    request = world.ask(by=BEN)
    with world.core.work(system("test")) as work:
        row = work.session.get_one(Request, request.id)
        row.subject, row.subject_slack = Person("lea"), LEA
    rename_lea(world)

    for who in (LEA, NEWCOMER):
        with pytest.raises((SelfReview, RequestChanged)):
            review(
                world.core, button=world.button(request), reviewer=by_slack(who), verdict=Verdict.DENY, comment="No."
            )
    assert world.requests()[0].status == RequestStatus.PENDING


def test_the_refusal_of_a_renamed_person_is_an_event(world: World) -> None:
    request = world.ask(by=LEA)
    rename_lea(world)
    with pytest.raises(SelfReview):
        world.deny(request, by=LEA)

    (event,) = world.events("attempt.refused")
    assert (event.actor, json.loads(event.entry)["details"]["because"]) == (f"slack:{LEA}", "SelfReview")
