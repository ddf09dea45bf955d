"""Buttons and the modals behind them: ack, who, do, say."""

import pytest

from access.models import EndedBy, GrantStatus, MessageKind, RequestStatus
from bot import ids
from bot.refusals import NOT_OPENED, OUR_FAULT, POLICY_BROKEN
from tests.bot.desk import Desk
from tests.bot.slack import FakeSlack, words
from tests.cast import ANN, APPROVALS, BEN, EVE, KIM, LEA, SAM
from tests.world import World


def test_a_click_on_approve_decides(desk: Desk, world: World, slack: FakeSlack) -> None:
    request = world.ask()

    assert desk.press(LEA, ids.APPROVE, world.button(request)) is None

    assert world.requests()[0].status == RequestStatus.APPROVED
    assert slack.whispers == []


def test_a_click_registers_a_card_that_we_had_lost(desk: Desk, world: World) -> None:
    request = world.ask()

    desk.press(LEA, ids.APPROVE, world.button(request))

    places = [(message.channel, message.ts) for message in world.messages(MessageKind.REVIEW)]
    assert (APPROVALS, "17.01") in places


def test_the_slower_of_two_approvers_is_told(desk: Desk, world: World, slack: FakeSlack) -> None:
    button = world.button(world.ask())
    desk.press(LEA, ids.APPROVE, button)

    desk.press(KIM, ids.APPROVE, button)

    assert slack.whispers == ["Someone decided this request before you did: lea (approved)."]


def test_a_double_click_on_approve_decides_once_and_says_nothing(desk: Desk, world: World, slack: FakeSlack) -> None:
    button = world.button(world.ask())

    desk.send(*(desk.press_body(LEA, ids.APPROVE, button) for _ in range(2)))

    assert len(world.events("request.approved")) == len(world.grants()) == 1
    assert slack.whispers == []


def test_who_decided_before_is_told_what(desk: Desk, world: World, slack: FakeSlack) -> None:
    approved, denied = world.ask(), world.ask(entitlement="customers-db/fix-orders")
    world.approve(approved)
    world.clock.tick(minutes=1)
    world.deny(denied)

    for request in (approved, denied):
        desk.press(LEA, ids.APPROVE, world.button(request))

    assert slack.whispers == ["You have already approved this request.", "You have already denied this request."]


@pytest.mark.parametrize(
    ("person", "sentence"),
    [
        (ANN, "You can't decide your own request. Another approver has to."),
        (EVE, "You are not one of the approvers of this request."),
        (SAM, "You are not one of the approvers of this request."),
    ],
)
@pytest.mark.parametrize("action", [ids.APPROVE, ids.DENY])
def test_who_may_not_decide_is_told_why(desk: Desk, action: str, person: str, sentence: str) -> None:
    world, slack = desk.world, desk.slack

    desk.press(person, action, world.button(world.ask()))

    assert slack.whispers == [sentence]
    assert world.requests()[0].status == RequestStatus.PENDING
    assert slack.called("views.open") == []
    assert len(world.events("attempt.refused")) == 1


def test_a_click_after_the_lapse_is_told(desk: Desk, world: World, slack: FakeSlack) -> None:
    button = world.button(world.ask())
    world.clock.tick(hours=8)

    desk.press(LEA, ids.APPROVE, button)

    assert slack.whispers == ["This request was not answered in time and has lapsed. It can be asked for again."]


def test_a_click_after_the_rule_changed_is_told(desk: Desk, world: World, slack: FakeSlack) -> None:
    button = world.button(world.ask())
    world.rewrite_policy("power: look", "power: stare")

    desk.press(LEA, ids.APPROVE, button)

    assert slack.whispers == [
        "The rule has changed since this was posted. "
        "Please decide on the new card, which has the current terms."
    ]  # fmt: skip


@pytest.mark.parametrize("value", ["", "v1", "v1.x.1.0", "v2.01kaq9z0000000000000req7xk.1.0123456789abcdef", "é" * 99])
def test_a_button_that_we_never_made_is_nothing(desk: Desk, slack: FakeSlack, value: str) -> None:
    desk.press(LEA, ids.APPROVE, value)

    assert slack.whispers == ["There is no such request or access."]


def test_deny_asks_why_and_the_answer_decides(desk: Desk, world: World, slack: FakeSlack) -> None:
    button = world.button(world.ask())
    desk.press(LEA, ids.DENY, button)

    assert desk.submit(LEA, slack.view, comment="Use the dashboard.") is None

    assert world.requests()[0].status == RequestStatus.DENIED


def test_deny_without_a_reason_points_at_the_field(desk: Desk, world: World, slack: FakeSlack) -> None:
    desk.press(LEA, ids.DENY, world.button(world.ask()))

    answer = desk.submit(LEA, slack.view, comment=" \u202e ")

    assert answer == {
        "response_action": "errors",
        "errors": {ids.COMMENT: "Say why: the requester will read it."},
    }
    assert world.requests()[0].status == RequestStatus.PENDING


def test_a_denial_that_comes_too_late_is_told_in_its_modal(desk: Desk, world: World, slack: FakeSlack) -> None:
    button = world.button(world.ask())
    desk.press(LEA, ids.DENY, button)
    desk.press(KIM, ids.APPROVE, button)

    answer = desk.submit(LEA, slack.view, comment="No.")

    assert answer["errors"] == {
        ids.COMMENT: "Someone decided this request before you did: kim (approved). "
        "To end the access now, ask the security team to revoke it."
    }


def test_deny_works_while_the_policy_is_broken_and_approve_does_not(desk: Desk, world: World, slack: FakeSlack) -> None:
    button = world.button(world.ask())
    world.rewrite_policy("version: 1", "version: 1\nnonsense: 1")

    desk.press(LEA, ids.APPROVE, button)
    desk.press(LEA, ids.DENY, button)
    desk.submit(LEA, slack.view, comment="Not now.")

    assert slack.whispers == [POLICY_BROKEN]
    assert world.requests()[0].status == RequestStatus.DENIED


def test_the_holder_is_done(desk: Desk, world: World, slack: FakeSlack) -> None:
    grant = world.open()

    desk.press(ANN, ids.DONE, grant.id)
    world.work()

    assert world.grants()[0].ended_by == EndedBy.RETURNED
    assert "is being ended" in slack.whispers[0]


def test_nobody_else_is_done_for_the_holder(desk: Desk, world: World, slack: FakeSlack) -> None:
    desk.press(LEA, ids.DONE, world.open().id)

    assert slack.whispers == ["Only the person who holds this access can do that."]
    assert world.grants()[0].status == GrantStatus.ACTIVE


def test_connect_opens_a_modal_and_asks_a_worker_to_fill_it(desk: Desk, world: World, slack: FakeSlack) -> None:
    grant = world.open()

    desk.press(ANN, ids.CONNECT, grant.id)

    assert "Your connection is being prepared" in words(slack.view["blocks"])
    (message,) = world.messages(MessageKind.REVEAL)
    assert (message.subject, message.recipient) == (grant.id, "V0")
    assert "canary-secret" not in str(slack.calls) + str(slack.said)


def test_connect_to_what_is_over_says_so_in_the_modal(desk: Desk, world: World, slack: FakeSlack) -> None:
    grant = world.open(minutes=5)
    world.clock.tick(minutes=5)
    world.work()

    desk.press(ANN, ids.CONNECT, grant.id)

    assert words(slack.view["blocks"]) == "This access is not open; there is nothing to connect to."


def test_security_revokes_and_says_why(desk: Desk, world: World, slack: FakeSlack) -> None:
    grant = world.open()
    desk.press(SAM, ids.REVOKE, grant.id)

    assert desk.submit(SAM, slack.view, reason="The laptop was stolen.") is None
    world.work()

    over = world.grants()[0]
    assert (over.status, over.ended_by, over.end_reason) == ("ended", "revoked", "The laptop was stolen.")


@pytest.mark.parametrize("person", [ANN, LEA, EVE])
def test_only_security_revokes(desk: Desk, world: World, slack: FakeSlack, person: str) -> None:
    desk.press(person, ids.REVOKE, world.open().id)

    assert slack.whispers == ["Only the security team can revoke another person's access."]
    assert slack.called("views.open") == []


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("", "Say why you revoke it: the holder will read it, and the log keeps it."),
        ("x" * 3000, "Shorten the reason: it may have 500 characters, this has 3,000."),
    ],
)
def test_a_revocation_needs_a_usable_reason(
    desk: Desk, world: World, slack: FakeSlack, reason: str, sentence: str
) -> None:
    desk.press(SAM, ids.REVOKE, world.open().id)

    assert desk.submit(SAM, slack.view, reason=reason)["errors"] == {ids.REASON: sentence}


def test_who_asked_takes_it_back(desk: Desk, world: World, slack: FakeSlack) -> None:
    request = world.ask()

    desk.press(BEN, ids.CANCEL, request.id)
    desk.press(ANN, ids.CANCEL, request.id)

    assert "Only the person who asked" in slack.whispers[0]
    assert "is taken back" in slack.whispers[1]
    assert world.requests()[0].status == RequestStatus.CANCELLED


def test_a_button_from_an_older_version_is_acked_and_explained(
    desk: Desk, slack: FakeSlack, caplog: pytest.LogCaptureFixture
) -> None:
    assert desk.press(ANN, "request.snooze", "1") is None

    assert slack.whispers[0].startswith("This button is from an older version")
    assert "request.snooze" in caplog.text


def test_a_trigger_that_came_too_late_is_told(desk: Desk, world: World, slack: FakeSlack) -> None:
    slack.failing["views.open"] = "expired_trigger_id"

    desk.press(LEA, ids.DENY, world.button(world.ask()))

    assert slack.whispers == [NOT_OPENED]


def test_a_fault_of_ours_is_logged_without_anybodys_words(
    desk: Desk, world: World, slack: FakeSlack, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    request = world.ask()

    def broken() -> None:
        raise LookupError(request.reason)

    monkeypatch.setattr(world.core.policy, "current", broken)

    assert desk.press(LEA, ids.APPROVE, world.button(request)) is None

    assert slack.whispers == [OUR_FAULT]
    assert "LookupError" in caplog.text
    assert "stuck refunds" not in caplog.text


def test_the_ack_is_not_lost_when_the_refusal_cannot_be_told(
    desk: Desk, world: World, slack: FakeSlack, caplog: pytest.LogCaptureFixture
) -> None:
    slack.failing["response_url"] = TimeoutError()

    assert desk.press(ANN, ids.APPROVE, world.button(world.ask())) is None

    assert "the person could not be told" in caplog.text
