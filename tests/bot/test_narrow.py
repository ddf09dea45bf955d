"""Approve…, Change it and I'm looking: the buttons, their modals, and what is refused in them."""

import pytest

from access.models import MessageKind, RequestStatus
from bot import ids
from tests.bot.desk import Desk
from tests.bot.slack import FakeSlack, words
from tests.cast import ANN, EVE, KIM, LEA, SAM
from tests.world import World


def test_it_is_approved_with_a_word_and_for_less(desk: Desk, world: World, slack: FakeSlack) -> None:
    request = world.ask(minutes=120)
    desk.press(LEA, ids.APPROVE_WITH, world.button(request))
    assert "2 h, counted from when it opens" in words(slack.view)

    assert desk.submit(LEA, slack.view, duration="30m", comment="Only INC-12, *please*.") is None

    (row,) = world.requests()
    assert (row.status, row.duration_s, row.narrowed_by) == (RequestStatus.APPROVED, 1800, "lea")


def test_with_a_word_alone_all_of_it_is_approved(desk: Desk, world: World, slack: FakeSlack) -> None:
    desk.press(LEA, ids.APPROVE_WITH, world.button(world.ask(minutes=120)))
    desk.submit(LEA, slack.view, duration=" ", comment="Good luck.")
    (row,) = world.requests()
    assert (row.status, row.version, row.duration_s) == (RequestStatus.APPROVED, 1, 7200)


def test_a_longer_time_points_at_its_field_and_changes_nothing(desk: Desk, world: World, slack: FakeSlack) -> None:
    desk.press(LEA, ids.APPROVE_WITH, world.button(world.ask(minutes=120)))
    answer = desk.submit(LEA, slack.view, duration="2h")
    assert answer["errors"] == {
        ids.DURATION: "ann asked for 2 h. Write a shorter time, or leave this empty to approve all of it."
    }
    assert world.requests()[0].status == RequestStatus.PENDING


def test_too_many_words_point_at_their_field(desk: Desk, world: World, slack: FakeSlack) -> None:
    desk.press(LEA, ids.APPROVE_WITH, world.button(world.ask(minutes=120)))
    answer = desk.submit(LEA, slack.view, duration="1h", comment="w" * 501)
    assert answer["errors"] == {ids.COMMENT: "Shorten the comment: it may have 500 characters, this has 501."}


@pytest.mark.parametrize("action", [ids.APPROVE_WITH, ids.CLAIM])
@pytest.mark.parametrize(
    ("person", "sentence"),
    [
        (ANN, "You can't decide your own request. Another approver has to."),
        (EVE, "You are not one of the approvers of this request."),
        (SAM, "You are not one of the approvers of this request."),
    ],
)
def test_who_may_not_decide_is_told_before_a_modal_opens(desk: Desk, action: str, person: str, sentence: str) -> None:
    desk.press(person, action, desk.world.button(desk.world.ask()))
    assert desk.slack.whispers == [sentence]
    assert desk.slack.called("views.open") == []
    assert desk.world.requests()[0].claimed_by is None


def test_the_slower_of_two_who_narrow_is_told_in_the_modal(desk: Desk, world: World, slack: FakeSlack) -> None:
    button = world.button(world.ask(minutes=120))
    desk.press(LEA, ids.APPROVE_WITH, button)
    leas = slack.view
    desk.press(KIM, ids.APPROVE_WITH, button)
    desk.submit(KIM, slack.view, duration="30m")
    answer = desk.submit(LEA, leas, duration="1h")
    assert answer["errors"] == {ids.COMMENT: "Someone decided this request before you did: kim (approved)."}


@pytest.mark.parametrize("where", ["mine", "home"])
def test_the_requester_changes_it_from_mine_and_from_the_home(desk: Desk, where: str) -> None:
    world, slack = desk.world, desk.slack
    request = world.ask(minutes=120)
    press = desk.press if where == "mine" else desk.press_home
    press(ANN, ids.CHANGE, request.id)
    view = slack.view
    assert [one["element"]["initial_value"] for one in view["blocks"] if one["type"] == "input"] == [
        "2h", "INC-12 stuck refunds",
    ]  # fmt: skip

    answer = desk.submit(ANN, view, duration="30m", reason="INC-13 the refunds of another shop")

    assert answer["response_action"] == "update"
    assert "Asked in" in words(answer["view"])
    (row,) = world.requests()
    assert (row.version, row.duration_s, row.status) == (2, 1800, RequestStatus.PENDING)


def test_mine_has_the_button(desk: Desk, world: World, slack: FakeSlack) -> None:
    world.ask()
    desk.command(ANN, "mine")
    assert ids.CHANGE in str(slack.said[-1])


def test_what_is_wrong_in_a_change_points_at_its_fields(desk: Desk, world: World, slack: FakeSlack) -> None:
    desk.press(ANN, ids.CHANGE, world.ask().id)
    answer = desk.submit(ANN, slack.view, duration="9h", reason="short")
    assert set(answer["errors"]) == {ids.DURATION, ids.REASON}
    assert world.requests()[0].version == 1


@pytest.mark.parametrize("when", ["before it opens", "while it is written"])
def test_what_is_decided_is_not_changed(desk: Desk, when: str) -> None:
    world, slack = desk.world, desk.slack
    request = world.ask()
    if when == "while it is written":
        desk.press(ANN, ids.CHANGE, request.id)
    world.deny(request)
    sentence = "This request is already denied, so it can't be changed. You can ask again."
    if when == "before it opens":
        desk.press(ANN, ids.CHANGE, request.id)
        assert slack.whispers == [sentence]
        return
    answer = desk.submit(ANN, slack.view, duration="30m", reason="INC-13 the refunds of another shop")
    assert answer["errors"] == {ids.REASON: sentence}


def test_who_is_not_the_requester_is_told(desk: Desk, world: World, slack: FakeSlack) -> None:
    desk.press(LEA, ids.CHANGE, world.ask().id)
    assert slack.whispers == ["Only the person who asked can change a request."]


def test_who_is_looking_is_said_and_said_no_more(desk: Desk, world: World) -> None:
    request = world.ask()
    world.work()
    desk.press(KIM, ids.CLAIM, world.button(request))
    assert world.requests()[0].claimed_by == "kim"
    world.said.clear()
    world.work()
    assert MessageKind.REVIEW in {one.message.kind for one in world.said}
    desk.press(KIM, ids.CLAIM, world.button(request))
    assert world.requests()[0].claimed_by is None
