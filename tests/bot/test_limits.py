"""What Slack refuses the bot for coming too often: the workers leave it alone, and ending access goes on."""

from datetime import timedelta

import pytest

from access.messages.rate_limits import PUBLISH, USERS_INFO, Call, Limited, is_left_alone, note_refused
from access.models import EndedBy
from bot import ids
from tests.bot.desk import Desk
from tests.bot.slack import FakeSlack
from tests.cast import ANN, STRANGER
from tests.world import World

WAIT = timedelta(seconds=30)


@pytest.mark.parametrize("error", ["ratelimited", "rate_limited"])
def test_who_a_person_is_is_then_left_to_the_bot(desk: Desk, world: World, slack: FakeSlack, error: str) -> None:
    slack.failing["users.info"] = error
    desk.command(ANN, "mine")

    assert is_left_alone(world.core, Call(USERS_INFO))


def test_another_refusal_holds_up_nobody(desk: Desk, world: World, slack: FakeSlack) -> None:
    slack.failing["users.info"] = "internal_error"
    desk.command(ANN, "mine")

    assert not is_left_alone(world.core, Call(USERS_INFO))


def test_a_home_that_slack_refuses_is_left_alone_by_the_workers_too(desk: Desk, world: World, slack: FakeSlack) -> None:
    slack.failing["views.publish"] = "ratelimited"
    desk.open_home(STRANGER)

    assert is_left_alone(world.core, Call(PUBLISH))


def test_no_home_is_published_while_slack_takes_none(desk: Desk, world: World, slack: FakeSlack) -> None:
    note_refused(world.core, Limited(Call(PUBLISH), WAIT))
    desk.open_home(STRANGER)

    assert slack.called("views.publish") == []


def test_access_is_ended_whatever_the_workers_leave_alone(desk: Desk, world: World) -> None:
    grant = world.open()
    for call in (Call(USERS_INFO), Call(PUBLISH), Call("views.open")):
        note_refused(world.core, Limited(call, WAIT))

    desk.press_home(ANN, ids.DONE, grant.id)

    assert world.again(grant).ended_by == EndedBy.RETURNED
