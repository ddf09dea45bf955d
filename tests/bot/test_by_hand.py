"""“I removed it by hand” on an alert: who may say so, and what everybody then reads."""

import pytest

from access.models import Grant, GrantStatus
from bot import ids
from sandbox.seen import Message
from tests.bot.desk import Desk
from tests.bot.slack import FakeSlack
from tests.bot.staging import acme, by_socket, deliver
from tests.cast import ANN, EVE, KIM, LEA, SAM, SECURITY
from tests.waiting import wait_until
from tests.world import World

NOT_IN_CHARGE = "Only the security team and the owners of this resource can say that it was removed by hand."


def stuck(world: World) -> Grant:
    """Overdue and alerted."""
    grant = world.open(minutes=30)
    world.server.weather = "down"
    for _ in range(4):
        world.pass_time(minutes=15)
    return grant


@pytest.mark.parametrize("person", [SAM, LEA, KIM])
def test_security_and_owners_have_the_target_asked_at_once(
    desk: Desk, world: World, slack: FakeSlack, person: str
) -> None:
    grant = stuck(world)
    world.server.weather = "fine"
    del world.server.holders[grant.id]

    desk.press(person, ids.BY_HAND, grant.id)
    assert slack.whispers[0].startswith("*Thank you.* The target of `customers-db/read` is asked now.")
    world.work()

    assert world.again(grant).status == GrantStatus.ENDED


@pytest.mark.parametrize("person", [ANN, EVE])
def test_everybody_else_is_told_no(desk: Desk, world: World, slack: FakeSlack, person: str) -> None:
    grant = stuck(world)
    before = world.again(grant).due_at

    desk.press(person, ids.BY_HAND, grant.id)

    assert slack.whispers == [NOT_IN_CHARGE]
    assert world.refusals() == [(ids.BY_HAND, "NotInCharge")]
    assert world.again(grant).due_at == before


def test_who_left_a_moment_ago_is_not_listened_to(desk: Desk, world: World, slack: FakeSlack) -> None:
    grant = stuck(world)
    desk.command(SAM, "mine")
    slack.join(SAM, deleted=True)

    desk.press(SAM, ids.BY_HAND, grant.id)

    assert slack.whispers[-1].startswith("Countersign is for full members of this workspace")
    assert world.events("grant.removed-by-hand") == []


def test_a_press_on_an_alert_that_has_closed_says_that_it_is_gone(desk: Desk, world: World, slack: FakeSlack) -> None:
    grant = stuck(world)
    world.server.weather = "fine"
    world.pass_time(minutes=1)

    desk.press(SAM, ids.BY_HAND, grant.id)

    assert slack.whispers == ["This access is already proven gone; there is nothing left to remove."]


def test_the_alert_in_slack_from_the_statement_to_the_proof(world: World) -> None:
    """In the sandbox, by Socket Mode: the owner reads it too, presses too early, then removes it, and all are told."""
    grant = world.scheduled(minutes=30)
    with acme() as sandbox, by_socket(world, sandbox):
        workspace = sandbox.workspace()
        sam, kim = workspace.person(SAM), workspace.person(KIM)
        deliver(world, sandbox)
        world.server.weather = "stubborn"
        world.clock.tick(minutes=40)
        deliver(world, sandbox)
        alert = the_alert(sam.messages(SECURITY))
        assert f"REMOVE {grant.id}" in alert.words
        assert the_alert(kim.direct_messages()).words == alert.words

        kim.click(the_alert(kim.direct_messages()), ids.BY_HAND)
        wait_until(lambda: world.events("grant.removed-by-hand"), "the word to be written down")
        wait_until(lambda: thanked(kim.messages(kim.direct_message)), "kim to be thanked")
        deliver(world, sandbox)
        said = the_alert(sam.messages(SECURITY)).words
        assert "It is not proven gone" in said
        assert "The target accepted the removal, but the access is still there." in said

        world.server.weather = "fine"
        del world.server.holders[grant.id]
        sam.click(the_alert(sam.messages(SECURITY)), ids.BY_HAND)
        wait_until(lambda: len(world.events("grant.removed-by-hand")) == 2, "the second word")
        deliver(world, sandbox)

        assert world.again(grant).status == GrantStatus.ENDED
        for messages in (sam.messages(SECURITY), kim.direct_messages()):
            assert "Alert closed" in the_alert(messages).words
            assert ids.BY_HAND not in the_alert(messages).actions()
        assert workspace.violations() == []


def the_alert(messages: list[Message]) -> Message:
    (alert,) = [message for message in messages if message.text.startswith("Alert")]
    return alert


def thanked(messages: list[Message]) -> bool:
    return any(message.ephemeral and "Thank you" in message.words for message in messages)
