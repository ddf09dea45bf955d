"""Whoever is not Slack gets nothing done and learns nothing, and what Slack would not send is refused like it."""

from collections.abc import Iterator

import pytest

from bot import ids
from tests.bot.desk import Body, Desk
from tests.bot.http_door import Door, Sent, everything, from_slack, listening
from tests.bot.http_forgeries import forgeries, malformed, no_http
from tests.bot.slack import FakeSlack
from tests.cast import ANN, LEA
from tests.waiting import wait_until
from tests.world import World


@pytest.fixture
def door(world: World, slack: FakeSlack) -> Iterator[Door]:
    slack.failing["conversations.info"] = "channel_not_found"
    with listening(world) as door:
        yield door


@pytest.fixture
def command(desk: Desk) -> Body:
    return desk.command_body(ANN, "customers-db/read 1h INC-12 stuck refunds")


@pytest.fixture
def now(world: World) -> float:
    return world.clock.now().timestamp()


def answers(world: World, slack: FakeSlack, door: Door, sent: dict[str, Sent]) -> dict[str, int]:
    """By name; after each, nothing was written and Slack was not called."""
    rows, calls = everything(world), len(slack.calls)
    given = {}
    for name, one in sent.items():
        got = door.exchange(one)
        given[name] = got.status
        assert everything(world) == rows, f"{name}: something was written"
        assert len(slack.calls) == calls, f"{name}: Slack was called"
        assert b"Traceback" not in got.body
    return given


def test_nothing_that_slack_did_not_sign_is_let_in(
    world: World, slack: FakeSlack, door: Door, command: Body, now: float
) -> None:
    sent = forgeries(command, now=now)
    assert len(sent) >= 60

    assert answers(world, slack, door, sent) == dict.fromkeys(sent, 401)

    assert door.exchange(from_slack(command, now=now)).status == 200, "they were made from one that is let in"
    wait_until(world.requests, "the request")


def test_nothing_that_slack_would_not_send_is_let_in(
    world: World, desk: Desk, door: Door, command: Body, now: float
) -> None:
    click = desk.press_body(LEA, ids.APPROVE, world.button(world.ask()))
    desk.command(ANN)
    asked = {ids.ENTITLEMENT: "customers-db/fix-orders", ids.DURATION: "1h", ids.REASON: "INC-12 stuck refunds"}
    form = desk.submit_body(ANN, desk.slack.view, **asked)
    sent = malformed(command, click, form, now=now)

    assert answers(world, desk.slack, door, sent) == dict.fromkeys(sent, 400)

    assert [door.exchange(from_slack(body, now=now)).status for body in (command, click, form)] == [200, 200, 200]


def test_nothing_that_is_not_http_is_let_in(
    world: World, slack: FakeSlack, door: Door, command: Body, now: float
) -> None:
    sent = no_http(command, now=now)

    assert answers(world, slack, door, sent) == dict.fromkeys(sent, 400)


@pytest.mark.parametrize("age", [-300, 300])
def test_a_request_is_good_for_five_minutes(world: World, door: Door, command: Body, now: float, age: int) -> None:
    assert door.exchange(from_slack(command, now=now - age)).status == 200


def test_five_minutes_later_it_is_good_for_nothing(
    world: World, slack: FakeSlack, door: Door, command: Body, now: float
) -> None:
    sent = from_slack(command, now=now)
    world.clock.tick(seconds=301)

    assert answers(world, slack, door, {"late": sent}) == {"late": 401}
