"""An approval does not outlive its approver: at the start whoever approved must still be somebody who may."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from access.ids import Person, ReviewId, SlackUser, ulid
from access.models import EndedBy, Grant, GrantStatus, MessageKind, Review
from access.monitor.schedule_checks import schedule_checks
from tests.cast import ANN, BEN, KIM, LEA
from tests.world import World

IN_TEN_DAYS = timedelta(days=10)
LATER = {
    "left the policy": [
        ("  lea: {slack: U0LEA}\n", ""), ("[ann, ben, lea]", "[ann, ben]"), ("[lea, kim]", "[kim]"),
    ],
    "left the group": [("payments-leads: {people: [lea, kim]}", "payments-leads: {people: [kim]}")],
    "has another account": [("lea: {slack: U0LEA}", "lea: {slack: U0NEWCOMER}")],
    "is renamed": [
        ("  lea: {slack: U0LEA}\n", "  leanne: {slack: U0LEA}\n"), ("[ann, ben, lea]", "[ann, ben, leanne]"),
        ("[lea, kim]", "[leanne, kim]"),
    ],
}  # fmt: skip


def approved_for_later(world: World) -> Grant:
    return world.scheduled(starts_at=world.clock.now() + IN_TEN_DAYS)


@pytest.mark.parametrize("what", LATER)
def test_what_was_approved_by_somebody_who_may_no_longer_does_not_open(world: World, what: str) -> None:
    grant = approved_for_later(world)
    for old, new in LATER[what]:
        world.rewrite_policy(old, new)
    world.pass_time(days=10)

    over = world.again(grant)
    assert (over.status, over.ended_by) == (GrantStatus.ENDED, EndedBy.REFUSED)
    assert over.end_reason.startswith("lea, who approved this, ")
    assert over.end_reason.endswith("Ask again, so that another approver can decide.")
    assert world.server.holders == {}
    assert (MessageKind.ENDED, ANN) in world.told()


def test_who_is_found_to_have_left_slack_no_longer_carries_what_has_not_begun(world: World) -> None:
    grant = approved_for_later(world)
    world.gone[LEA] = "Slack shows this account as deactivated."
    schedule_checks(world.core)
    world.pass_time(minutes=5)

    over = world.again(grant)
    assert (over.status, over.ended_by) == (GrantStatus.ENDED, EndedBy.REFUSED)
    assert over.end_reason == (
        "lea, who approved this, has left. Slack shows this account as deactivated. "
        "Ask again, so that another approver can decide."
    )
    assert (MessageKind.ENDED, ANN) in world.told()


def test_an_approver_who_leaves_afterwards_ends_nothing_that_is_open(world: World) -> None:
    later, now = approved_for_later(world), world.open(by=BEN)
    world.gone[LEA] = "Slack shows this account as deactivated."
    schedule_checks(world.core)
    world.pass_time(minutes=5)
    for old, new in LATER["left the policy"]:
        world.rewrite_policy(old, new)
    world.pass_time(minutes=1)

    assert world.again(later).status == GrantStatus.ENDED
    assert world.again(now).status == GrantStatus.ACTIVE


def test_an_approver_who_leaves_between_two_tries_is_noticed_too(world: World) -> None:
    grant = world.scheduled()
    world.server.weather = "down"
    world.activate(grant)
    world.server.weather = "fine"
    for old, new in LATER["left the group"]:
        world.rewrite_policy(old, new)
    world.pass_time(minutes=3)

    assert (world.again(grant).status, world.again(grant).ended_by) == (GrantStatus.ENDED, EndedBy.REFUSED)
    assert world.server.holders == {}


def test_an_approver_who_is_still_there_carries_it_whatever_else_changed(world: World) -> None:
    grant = approved_for_later(world)
    world.rewrite_policy("payments-leads: {people: [lea, kim]}", "payments-leads: {people: [lea]}")
    world.pass_time(days=10)

    assert world.again(grant).status == GrantStatus.ACTIVE


def test_a_grant_that_nobody_voted_for_does_not_open(world: World) -> None:
    grant = world.scheduled()
    with world.core.database.write() as session:
        session.connection().execute(sa.delete(Review))
    world.activate(grant)

    assert (world.again(grant).status, world.again(grant).ended_by) == (GrantStatus.ENDED, EndedBy.REFUSED)
    assert world.server.calls == []


@pytest.mark.parametrize(("name", "account"), [("lea", KIM), ("kim", LEA)])
def test_one_account_and_one_name_have_one_vote(world: World, name: Person, account: SlackUser) -> None:
    request = world.approve(world.ask())
    again = Review(
        id=ReviewId(ulid(world.clock.now())), request_id=request.id, version=1, reviewer=name, reviewer_slack=account,
        verdict="approve", comment="", fingerprint=request.fingerprint, at=world.clock.now(),
    )  # fmt: skip

    with pytest.raises(IntegrityError), world.core.database.write() as session:
        session.add(again)
