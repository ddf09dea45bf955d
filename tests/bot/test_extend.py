"""More time: by the button, by its command, and by asking again for what is open."""

import pytest

from access.models import Grant, GrantStatus, RequestStatus
from bot import ids
from tests.bot.desk import Desk
from tests.bot.slack import FakeSlack, words
from tests.cast import ANN, BEN
from tests.world import World


@pytest.fixture
def grant(world: World) -> Grant:
    return world.open(minutes=60)


def extension(world: World) -> list[str]:
    return [str(one.extends) for one in world.requests() if one.extends]


def test_extend_asks_how_much_longer_and_the_answer_is_a_request(
    desk: Desk, world: World, slack: FakeSlack, grant: Grant
) -> None:
    desk.press(ANN, ids.EXTEND, grant.id)
    assert slack.view["callback_id"] == ids.EXTENSION
    assert "customers-db/read` is open until" in words(slack.view)

    answer = desk.submit(ANN, slack.view, duration="30m", reason="INC-12 two refunds are left")

    assert answer["response_action"] == "update"
    assert "Asked for more time" in words(answer["view"])
    assert extension(world) == [grant.id]


def test_from_the_home_it_is_the_same(desk: Desk, world: World, slack: FakeSlack, grant: Grant) -> None:
    desk.press_home(ANN, ids.EXTEND, grant.id)
    desk.submit(ANN, slack.view, duration="until 14:30", reason="INC-12 two refunds are left")

    assert extension(world) == [grant.id]
    (request,) = [one for one in world.requests() if one.extends]
    assert request.until is not None
    assert request.until.isoformat() == "2026-11-23T13:30:00+00:00"


def test_by_command(desk: Desk, world: World, slack: FakeSlack, grant: Grant) -> None:
    desk.command(ANN, f"extend {grant.id[-6:]}")

    assert slack.view["private_metadata"] == grant.id


def test_asking_again_in_a_line_opens_the_extension_with_what_was_typed(
    desk: Desk, world: World, slack: FakeSlack, grant: Grant
) -> None:
    desk.command(ANN, "customers-db/read 30m INC-12 two refunds are left")

    assert slack.view["callback_id"] == ids.EXTENSION
    assert _prefilled(slack.view) == {ids.DURATION: "30 min", ids.REASON: "INC-12 two refunds are left"}
    desk.submit(ANN, slack.view, duration="30 min", reason="INC-12 two refunds are left")
    assert extension(world) == [grant.id]


def test_asking_again_by_the_form_turns_it_into_the_extension(
    desk: Desk, world: World, slack: FakeSlack, grant: Grant
) -> None:
    desk.command(ANN)

    answer = desk.submit(ANN, slack.view, entitlement="customers-db/read", duration="30m", reason="two more refunds")

    assert answer["response_action"] == "update"
    assert answer["view"]["callback_id"] == ids.EXTENSION
    assert _prefilled(answer["view"]) == {ids.DURATION: "30m", ids.REASON: "two more refunds"}


def test_what_cannot_be_extended_any_more_says_so_and_offers_no_button(
    desk: Desk, world: World, slack: FakeSlack, grant: Grant
) -> None:
    world.approve(world.extend(grant))
    world.work()

    desk.command(ANN, "mine")
    desk.press(ANN, ids.EXTEND, grant.id)
    desk.command(ANN, "customers-db/read 30m INC-12 two refunds are left")

    assert ids.EXTEND not in str(slack.said[0]["blocks"])
    sentence = "This access can be extended once only; when it has ended you can ask for it again."
    assert slack.whispers[1:] == [sentence, sentence]


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        (ids.DURATION, "3h", "2 h from now is the most for customers-db/read; this would be 4 h from now."),
        (ids.DURATION, "soon", "A duration is written like"),
        (ids.DURATION, "until 13:30", "It is open until then already"),
        (ids.REASON, "more", "Say more: the reason needs at least 10 characters"),
    ],
)
def test_a_mistake_is_told_beneath_its_field(desk: Desk, grant: Grant, field: str, typed: str, sentence: str) -> None:
    desk.press(ANN, ids.EXTEND, grant.id)

    given = {"duration": "30m", "reason": "INC-12 two refunds are left"} | {field: typed}
    answer = desk.submit(ANN, desk.slack.view, **given)

    assert list(answer["errors"]) == [field]
    assert answer["errors"][field].startswith(sentence)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("400d", "2 h from now is the most for customers-db/read; this would be 400 d 1 h from now."),
        ("soon", "A duration is written like 90s, 90m, 2h, 1h30 or 1d, not “soon”."),
        ("until 13:30", "It is open until then already; say a later time, or how much longer."),
    ],
)
def test_a_wrong_time_and_a_short_reason_are_told_at_once(desk: Desk, grant: Grant, typed: str, sentence: str) -> None:
    desk.press(ANN, ids.EXTEND, grant.id)

    answer = desk.submit(ANN, desk.slack.view, duration=typed, reason="more")

    short = "Say more: the reason needs at least 10 characters here, this has 4."
    assert answer["errors"] == {ids.DURATION: sentence, ids.REASON: short}


def test_what_the_policy_says_no_to_is_told_in_the_modal(
    desk: Desk, world: World, slack: FakeSlack, grant: Grant
) -> None:
    desk.press(ANN, ids.EXTEND, grant.id)
    world.rewrite_policy("engineers: {people: [ann, ben, lea]}", "engineers: {people: [ben, lea]}")

    answer = desk.submit(ANN, slack.view, duration="30m", reason="INC-12 two refunds are left")

    assert list(answer["errors"]) == [ids.DURATION]


def test_nobody_extends_what_somebody_else_holds(desk: Desk, slack: FakeSlack, grant: Grant) -> None:
    desk.press(BEN, ids.EXTEND, grant.id)

    assert slack.whispers == ["Only the person who holds this access can do that."]


def test_what_has_ended_meanwhile_can_be_asked_for_anew(
    desk: Desk, world: World, slack: FakeSlack, grant: Grant
) -> None:
    desk.press(ANN, ids.EXTEND, grant.id)
    world.pass_time(minutes=61)
    assert world.again(grant).status == GrantStatus.ENDED

    answer = desk.submit(ANN, slack.view, duration="30m", reason="INC-12 two refunds are left")

    assert "You can ask for it again" in answer["errors"][ids.DURATION]
    assert [one.status for one in world.requests()] == [RequestStatus.APPROVED]


def _prefilled(view: dict) -> dict[str, str]:
    inputs = [block for block in view["blocks"] if block["type"] == "input"]
    return {block["block_id"]: block["element"]["initial_value"] for block in inputs}
