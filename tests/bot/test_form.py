"""The form: what it offers, who it says will be asked, and what it answers to bad input."""

from datetime import timedelta

import pytest

from access.models import RequestStatus
from bot import ids
from tests.access.requests.test_approvers import GUEST, slack_says
from tests.bot.desk import Desk
from tests.bot.slack import FakeSlack, words
from tests.cast import ANN
from tests.fakes import NOON
from tests.world import World

GOOD = {ids.ENTITLEMENT: "customers-db/read", ids.DURATION: "1h", ids.REASON: "INC-12 stuck refunds"}


def opened(desk: Desk) -> dict:
    desk.command(ANN)
    return desk.slack.view


def test_the_form_lists_what_this_person_may_ask_for(desk: Desk) -> None:
    (group,) = opened(desk)["blocks"][0]["element"]["option_groups"]

    assert group["label"]["text"] == "Customer database"
    assert {option["value"] for option in group["options"]} == {"customers-db/read", "customers-db/fix-orders"}


def test_the_form_says_who_will_be_asked_before_anything_is_sent(desk: Desk, slack: FakeSlack) -> None:
    form = opened(desk)

    desk.choose(ANN, form, "customers-db/read")

    assert "*Will be asked in <#C0PAYAPPR>:* <@U0KIM> and <@U0LEA>. Level medium." in words(slack.view["blocks"])
    assert [update["hash"] for update in slack.called("views.update")] == ["1"]


def test_the_form_says_what_the_chosen_role_allows_in_the_policys_words(
    desk: Desk, world: World, slack: FakeSlack
) -> None:
    words_of_the_policy = "Shows *all* customers <!channel>"
    world.rewrite_policy("power: look}", f'power: look, description: "{words_of_the_policy}"}}')

    desk.choose(ANN, opened(desk), "customers-db/read")

    note = {"type": "plain_text", "text": words_of_the_policy, "emoji": False}
    assert {"type": "context", "elements": [note]} in slack.view["blocks"]


def test_the_form_says_so_where_no_approver_can_answer(desk: Desk, world: World, slack: FakeSlack) -> None:
    slack_says(world, kim=GUEST, lea=GUEST)

    desk.choose(ANN, opened(desk), "customers-db/read")
    answer = desk.submit(ANN, slack.view, **GOOD)

    sentence = "customers-db/read can't be asked for now: Slack does not show kim and lea"
    assert sentence in words(slack.view["blocks"])
    assert answer["errors"][ids.ENTITLEMENT].startswith(sentence)
    assert world.requests() == []


def test_choosing_keeps_what_was_typed(desk: Desk, slack: FakeSlack) -> None:
    form = opened(desk)
    desk.choose(ANN, form, "customers-db/read")

    assert inputs(slack.view) == inputs(form)


@pytest.mark.parametrize("error", ["hash_conflict", "not_found"])
def test_a_form_that_has_moved_on_is_left_alone(desk: Desk, slack: FakeSlack, error: str) -> None:
    form = opened(desk)
    slack.failing["views.update"] = error

    assert desk.choose(ANN, form, "customers-db/read") is None
    assert len(slack.called("views.update")) == 1


def test_choosing_what_is_gone_says_so_in_the_form(desk: Desk, slack: FakeSlack) -> None:
    desk.choose(ANN, opened(desk), "customers-db/gone")

    assert "There is no customers-db/gone that you may ask for." in words(slack.view["blocks"])
    assert inputs(slack.view)


def test_a_good_form_asks_and_says_so(desk: Desk, world: World) -> None:
    answer = desk.submit(ANN, opened(desk), **GOOD)

    assert answer["response_action"] == "update"
    assert "*Asked in <#C0PAYAPPR>:* <@U0KIM> and <@U0LEA>. I'll message you" in words(answer["view"]["blocks"])
    assert [request.status for request in world.requests()] == [RequestStatus.PENDING]


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        (ids.ENTITLEMENT, "customers-db/gone", "There is no customers-db/gone that you may ask for."),
        (ids.ENTITLEMENT, "", "An entitlement is written resource/role, like customers-db/read."),
        (ids.DURATION, "soon", "A duration is written like 90s, 90m, 2h, 1h30 or 1d, not “soon”."),
        (ids.DURATION, "", "A duration is written like 90s, 90m, 2h, 1h30 or 1d, not “”."),
        (ids.DURATION, "until 25:00", "A time of day is written like 9:30 or 17:00, not “25:00”."),
        (ids.DURATION, "3h", "The longest access to customers-db/read is 2 h; you asked for 3 h."),
        (ids.DURATION, "0s", "A duration must be longer than nothing, like 90s, 90m, 2h, 1h30 or 1d."),
        (ids.REASON, "", "Say why you need it: the approver decides by that."),
        (ids.REASON, "\u200b\u202e", "Say why you need it: the approver decides by that."),
        (ids.REASON, "short", "Say more: the reason needs at least 10 characters here, this has 5."),
        (ids.REASON, "x" * 3000, "Shorten the reason: it may have 500 characters, this has 3,000."),
        (ids.REASON, "why\n" * 11, "Shorten the reason: it may have 10 lines, this has 11."),
    ],
)
def test_bad_input_is_named_under_its_field(desk: Desk, field: str, typed: str, sentence: str) -> None:
    answer = desk.submit(ANN, opened(desk), **(GOOD | {field: typed}))

    assert answer["response_action"] == "errors"
    assert list(answer["errors"]) == [field]
    assert answer["errors"][field].startswith(sentence)
    assert desk.world.requests() == []


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("3h", "The longest access to customers-db/read is 2 h; you asked for 3 h."),
        ("400d", "The longest access to customers-db/read is 2 h; you asked for 400 days."),
        ("999999999d", "The longest access to customers-db/read is 2 h; you asked for 999999 days."),
        ("soon", "A duration is written like 90s, 90m, 2h, 1h30 or 1d, not “soon”."),
        ("until 25:00", "A time of day is written like 9:30 or 17:00, not “25:00”."),
    ],
)
def test_a_wrong_time_and_a_short_reason_are_told_at_once(desk: Desk, typed: str, sentence: str) -> None:
    answer = desk.submit(ANN, opened(desk), **(GOOD | {ids.DURATION: typed, ids.REASON: "short"}))

    assert answer["errors"] == {
        ids.DURATION: sentence,
        ids.REASON: "Say more: the reason needs at least 10 characters here, this has 5.",
    }
    assert desk.world.requests() == []


def test_a_form_sent_twice_asks_once(desk: Desk, world: World) -> None:
    form = opened(desk)
    desk.submit(ANN, form, **GOOD)

    answer = desk.submit(ANN, form, **GOOD)

    assert answer["errors"] == {
        ids.ENTITLEMENT: "You have already asked for customers-db/read; it waits for an answer."
    }
    assert len(world.requests()) == 1


def test_what_is_typed_into_a_long_list_finds_it(desk: Desk) -> None:
    answer = desk.suggest(ANN, "correct")

    (group,) = answer["option_groups"]
    assert [option["value"] for option in group["options"]] == ["customers-db/fix-orders"]
    assert desk.suggest(ANN, "nowhere") == {"options": []}


def inputs(view: dict) -> list[tuple[str, str]]:
    return [(block["block_id"], block["element"]["action_id"]) for block in view["blocks"] if block["type"] == "input"]


def test_a_later_start_is_chosen_in_the_form(desk: Desk, world: World, slack: FakeSlack) -> None:
    start = int((NOON + timedelta(hours=21)).timestamp())
    desk.command(ANN)

    desk.submit(
        ANN, slack.view, entitlement="customers-db/read", start=str(start), duration="until 11:00", reason="two refunds"
    )  # fmt: skip

    (request,) = world.requests()
    assert request.starts_at == NOON + timedelta(hours=21)  # ten in Amsterdam
    assert request.until == NOON + timedelta(hours=22)


def test_a_start_that_has_passed_is_told_beneath_its_field(desk: Desk, slack: FakeSlack) -> None:
    desk.command(ANN)

    answer = desk.submit(
        ANN, slack.view, entitlement="customers-db/read", start=str(int(NOON.timestamp()) - 60), duration="1h",
        reason="two stuck refunds",
    )  # fmt: skip

    assert answer["errors"] == {ids.START: "That start has already passed. Leave it out to begin at once."}
