"""Asking for another: by the form and by the line, and what each of the two is shown."""

from pathlib import Path

import pytest

from access.ids import SlackUser, short
from access.models import RequestStatus
from access.store import Database
from bot import ids
from tests.access.requests.test_on_behalf import FOR_OTHERS
from tests.bot.desk import Desk
from tests.bot.slack import FakeSlack, words
from tests.cast import ANN, BEN, EVE, KIM, LEA, STRANGER
from tests.world import World

GOOD = {ids.ENTITLEMENT: "customers-db/read", ids.DURATION: "1h", ids.REASON: "INC-12 stuck refunds"}


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World.make(database, tmp_path, FOR_OTHERS)


def blocks_of(view: dict) -> list[str]:
    return [block["block_id"] for block in view["blocks"] if block["type"] == "input"]


def test_the_form_asks_for_whom_only_whom_a_rule_lets_ask_for_others(desk: Desk, slack: FakeSlack) -> None:
    desk.command(ANN)
    assert ids.SUBJECT not in blocks_of(slack.view)
    desk.command(LEA)
    assert blocks_of(slack.view)[0] == ids.SUBJECT


def test_the_form_asks_for_another_who_then_holds_it(desk: Desk, world: World, slack: FakeSlack) -> None:
    desk.command(EVE)
    answer = desk.submit(EVE, slack.view, **GOOD, **{ids.SUBJECT: BEN})

    (request,) = world.requests()
    assert (request.requester_slack, request.subject_slack) == (EVE, BEN)
    assert answer["response_action"] == "update"
    assert "for ben" in words(answer["view"]["blocks"])


def test_the_form_says_who_will_be_asked_for_whom_is_chosen(desk: Desk, slack: FakeSlack) -> None:
    desk.command(LEA)

    desk.choose(LEA, slack.view, "customers-db/read", **{ids.SUBJECT: BEN})

    assert "*Will be asked in <#C0PAYAPPR>:* <@U0KIM>." in words(slack.view["blocks"])
    assert ids.SUBJECT in blocks_of(slack.view)
    desk.choose(LEA, slack.view, "customers-db/read", **{ids.SUBJECT: KIM})
    assert "There is no customers-db/read that you may ask for on behalf of kim." in words(slack.view["blocks"])


def test_a_stranger_and_who_is_no_full_member_are_refused_under_their_field(
    desk: Desk, world: World, slack: FakeSlack
) -> None:
    slack.join(BEN, is_restricted=True)
    desk.command(LEA)
    form = slack.view
    for account, said in ((STRANGER, "does not know that person"), (BEN, "as a full member of this workspace")):
        answer = desk.submit(LEA, form, **GOOD, **{ids.SUBJECT: account})
        assert said in answer["errors"][ids.SUBJECT]
    slack.join(BEN, team_id="T0OTHER")
    answer = desk.submit(LEA, form, **GOOD | {ids.REASON: "why"}, **{ids.SUBJECT: BEN})
    assert set(answer["errors"]) == {ids.SUBJECT, ids.REASON}
    assert world.requests() == []
    assert {attempt for attempt, _ in world.refusals()} == {"request.submit"}


@pytest.mark.parametrize("line", ["2h for <@U0BEN> {}", "2h for <@U0BEN|ben>, {}", "2h For <@U0BEN> {}"])
def test_the_line_asks_for_who_is_marked_after_for(desk: Desk, world: World, line: str, slack: FakeSlack) -> None:
    desk.command(LEA, f"customers-db/read {line.format('INC-12 stuck refunds of <@U0EVE|eve>')}")

    (request,) = world.requests()
    assert (request.subject_slack, request.reason) == (BEN, "INC-12 stuck refunds of @eve")
    assert "for ben" in slack.whispers[0]


@pytest.mark.parametrize(
    "when", ["from tomorrow 9:00 for <@U0BEN>", "for <@U0BEN> from tomorrow 9:00"], ids=["start-first", "person-first"]
)
def test_a_start_may_stand_on_either_side_of_the_person(desk: Desk, world: World, when: str) -> None:
    desk.command(LEA, f"customers-db/read 2h {when} INC-12 stuck refunds")

    (request,) = world.requests()
    assert (request.subject_slack, request.starts_at is not None) == (BEN, True)
    assert request.reason == "INC-12 stuck refunds"


@pytest.mark.parametrize(
    ("by", "line", "sentence"),
    [
        (LEA, "2h for @ben INC-12 stuck refunds", "Slack did not mark @ben as a person."),
        (LEA, "2h for <@U0BEN|ben> <@U0EVE|ben> INC-12", "Slack did not mark @ben as a person."),
        (LEA, "2h for <@U0STRANGER> INC-12 stuck refunds", "The access policy does not know that person."),
        (LEA, "2h for <@U0KIM> INC-12 stuck refunds", "that you may ask for on behalf of kim."),
        (LEA, "2h for <@U0BEN>", "Say why, after the time: /access customers-db/read 2h for @U0BEN INC-12"),
        (LEA, "9h for <@U0BEN> INC-12 stuck refunds", "The longest access to customers-db/read is 2 h"),
        (LEA, "0m for <@U0BEN> INC-12 stuck refunds", "The time after customers-db/read can't be used"),
        (ANN, "2h for <@U0BEN> INC-12 stuck refunds", "that you may ask for on behalf of ben."),
    ],
)
def test_a_line_for_another_that_is_wrong_asks_for_no_one(desk: Desk, by: SlackUser, line: str, sentence: str) -> None:
    desk.command(by, f"customers-db/read {line}")

    assert sentence in desk.slack.whispers[0]
    assert desk.world.requests() == []


def test_a_reason_that_begins_with_for_is_a_reason(desk: Desk, world: World) -> None:
    desk.command(LEA, "customers-db/read 2h for the refunds of INC-12")

    (request,) = world.requests()
    assert (request.subject_slack, request.reason) == (LEA, "for the refunds of INC-12")


def test_the_lists_of_both_name_the_other(desk: Desk, world: World, slack: FakeSlack) -> None:
    request = world.ask(by=LEA, subject=BEN)
    desk.command(LEA, "mine")
    desk.command(BEN, "mine")

    of_lea, of_ben = slack.whispers
    assert "`customers-db/read` for <@U0BEN>" in of_lea
    assert "`customers-db/read`, <@U0LEA> asked for you" in of_ben
    assert short(request.id) in of_ben
    desk.command(BEN, "cancel")
    assert "None of your requests waits for an answer." in slack.whispers[-1]
    desk.command(LEA, "cancel")
    assert world.requests()[0].status == RequestStatus.CANCELLED


def test_what_is_open_for_another_opens_no_form_to_extend_it(desk: Desk, world: World, slack: FakeSlack) -> None:
    world.approve(world.ask(by=LEA, subject=BEN), by=KIM)
    world.work()

    desk.command(LEA, "customers-db/read 1h for <@U0BEN> INC-12 stuck refunds")

    assert "ben's access to customers-db/read is open already; ben can extend it." in slack.whispers[0]
    assert slack.called("views.open") == []
