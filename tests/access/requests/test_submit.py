"""Asking: every bad input names its field and says what to do; good words are kept as they are."""

import threading
from datetime import timedelta
from typing import Any

import pytest

from access.actors import by_slack
from access.errors import AccessError, AlreadyOpen, InvalidInput, PolicyError, Refusal, UnknownPerson
from access.models import MessageKind, RequestStatus
from access.requests.submit import preview, requestable
from tests.cast import ANN, APPROVALS, BEN, EVE, KIM, LEA, STRANGER
from tests.fakes import NOON
from tests.world import World

HOUR = timedelta(hours=1)
TIME = "Say how long you need it, like 2h, or until when, like until 17:00: one of the two."
BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "no such resource": (
        {"entitlement": "customer-db/read"}, "entitlement",
        "There is no customer-db/read that you may ask for. Did you mean customers-db/read?",
    ),
    "no such role": (
        {"entitlement": "customers-db/raed"}, "entitlement",
        "There is no customers-db/raed that you may ask for. Did you mean customers-db/read?",
    ),
    "not an entitlement": (
        {"entitlement": "customers-db"}, "entitlement",
        "An entitlement is written resource/role, like customers-db/read.",
    ),
    "nothing": ({"entitlement": ""}, "entitlement", "An entitlement is written resource/role, like customers-db/read."),
    "too long": (
        {"duration": HOUR * 2.5}, "duration",
        "The longest access to customers-db/read is 2 h; you asked for 2 h 30 min.",
    ),
    "until too late": (
        {"duration": None, "until": NOON + HOUR * 3}, "duration",
        "The longest access to customers-db/read is 2 h; you asked for 3 h.",
    ),
    "until the past": ({"duration": None, "until": NOON - HOUR}, "duration", "That end has already passed."),
    "no time": ({"duration": None, "until": None}, "duration", TIME),
    "two times": ({"duration": HOUR, "until": NOON + HOUR}, "duration", TIME),
    "too short": ({"duration": timedelta(seconds=4)}, "duration", "The shortest access is 5 s."),
    "less than nothing": ({"duration": -HOUR}, "duration", "The shortest access is 5 s."),
    "no reason": ({"reason": ""}, "reason", "Say why you need it: the approver decides by that."),
    "an invisible reason": (
        {"reason": "\u200b\u202e \n\t"}, "reason", "Say why you need it: the approver decides by that.",
    ),
    "a short reason": (
        {"reason": "because"}, "reason", "Say more: the reason needs at least 10 characters here, this has 7.",
    ),
    "3,000 characters": (
        {"reason": "x" * 3000}, "reason", "Shorten the reason: it may have 500 characters, this has 3,000.",
    ),
    "eleven lines": (
        {"reason": "\n".join(["line"] * 11)}, "reason", "Shorten the reason: it may have 10 lines, this has 11.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("bad", BAD)
def test_what_cannot_be_asked_names_its_field_and_says_what_to_do(world: World, bad: str) -> None:
    asked, field, sentence = BAD[bad]

    with pytest.raises(Refusal) as refused:
        world.ask(**asked)

    assert getattr(refused.value, "field", None) == field
    assert refused.value.sentence == sentence
    assert world.requests() == []
    assert world.messages("review") == []
    assert [attempt for attempt, _ in world.refusals()] == ["request.submit"]


@pytest.mark.parametrize(("who", "kind"), [(STRANGER, UnknownPerson), (EVE, Refusal)])
def test_who_may_not_ask_is_refused_and_kept(world: World, who: Any, kind: type[Refusal]) -> None:
    with pytest.raises(kind):
        world.ask(by=who)

    event = world.events("attempt.refused")[0]
    assert (event.actor, event.object_id) == (f"slack:{who}", "customers-db/read")
    assert world.requests() == []


def test_nothing_can_be_asked_on_a_policy_that_cannot_be_read(world: World) -> None:
    world.policy_file.write_text("version: [", encoding="utf-8")

    with pytest.raises(PolicyError):
        world.ask()

    assert world.refusals() == [("request.submit", "PolicyError")]


def test_markup_is_kept_as_the_text_it_is(world: World) -> None:
    words = "*INC-12* <!channel> <@U0LEA> <https://x.example|Approve> `code` & more"

    assert world.ask(reason=words).reason == words


def test_what_nobody_can_see_is_taken_out_of_the_reason(world: World) -> None:
    assert world.ask(reason="  refund\u202e of\u200b INC-12\r\n\r\n\r\n\r\nnow  ").reason == "refund of INC-12\n\nnow"


def test_the_card_goes_to_the_channel_of_the_rule(world: World) -> None:
    request = world.ask(by=BEN)
    world.work()

    assert (request.requester, request.subject, request.rule) == ("ben", "ben", "customers")
    assert (MessageKind.REVIEW, APPROVALS) in world.told()
    assert request.lapses_at == NOON + timedelta(hours=8)
    assert [event.object_id for event in world.events("request.created")] == [request.id]


def test_what_waits_for_an_answer_is_not_asked_twice(world: World) -> None:
    world.ask()

    with pytest.raises(AlreadyOpen, match="You have already asked for customers-db/read; it waits for an answer"):
        world.ask(minutes=5, reason="another good reason")

    assert world.ask(entitlement="customers-db/fix-orders").status == RequestStatus.PENDING
    assert world.ask(by=BEN).status == RequestStatus.PENDING


def test_what_is_open_is_not_asked_for_again(world: World) -> None:
    world.open()

    with pytest.raises(AlreadyOpen, match="Your access to customers-db/read is open"):
        world.ask()


def test_what_is_about_to_be_opened_is_not_asked_for_again(world: World) -> None:
    world.scheduled()

    with pytest.raises(AlreadyOpen):
        world.ask()


def test_what_is_being_ended_is_asked_for_when_that_is_done(world: World) -> None:
    world.open(minutes=30)
    world.server.weather = "down"
    world.clock.tick(minutes=30)
    world.work()

    with pytest.raises(AlreadyOpen, match="is just being ended; ask again when that is done"):
        world.ask()

    world.server.weather = "fine"
    world.pass_time(minutes=2)
    assert world.ask().status == RequestStatus.PENDING


@pytest.mark.parametrize("over", ["denied", "lapsed"])
def test_what_was_not_given_can_be_asked_for_again(world: World, over: str) -> None:
    request = world.ask()
    if over == "denied":
        world.deny(request)
    else:
        world.clock.tick(hours=8)
        world.work()

    assert world.ask().id != request.id


def test_of_two_submits_at_once_one_is_kept(world: World) -> None:
    """A form sent from the laptop and the telephone, or twice by Slack."""
    start, ends = threading.Barrier(8), list[str]()

    def press() -> None:
        start.wait()
        try:
            ends.append(world.ask().status)
        except AccessError as refused:
            ends.append(type(refused).__name__)

    threads = [threading.Thread(target=press) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(ends) == ["AlreadyOpen"] * 7 + ["pending"]
    assert len(world.requests()) == 1


def test_the_form_lists_what_this_person_may_ask_for(world: World) -> None:
    assert {choice.entitlement for choice in requestable(world.core, requester=by_slack(ANN))} == {
        "customers-db/read", "customers-db/fix-orders",
    }  # fmt: skip
    assert list(requestable(world.core, requester=by_slack(EVE))) == []
    assert {choice.longest for choice in requestable(world.core, requester=by_slack(ANN))} == {HOUR * 2}


def test_the_form_says_who_will_be_asked_before_asking(world: World) -> None:
    shown = preview(world.core, requester=by_slack(ANN), entitlement=" customers-db/read ")
    assert (shown.asked.approvers, shown.channel) == ((KIM, LEA), APPROVALS)
    assert (shown.longest, shown.reason_min) == (HOUR * 2, 10)
    lea = preview(world.core, requester=by_slack(LEA), entitlement="customers-db/read")
    assert lea.asked.approvers == (KIM,), "Lea cannot ask herself"

    with pytest.raises(InvalidInput, match="There is no customers-db/read that you may ask for"):
        preview(world.core, requester=by_slack(EVE), entitlement="customers-db/read")
