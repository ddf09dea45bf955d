"""Approvers who do not answer are reminded, each step once, until it is decided; then silence lets it lapse."""

from datetime import timedelta
from pathlib import Path

import pytest

from access.actors import by_slack
from access.messages.outbox import Claimed, Delivery, Outbox
from access.models import MessageKind, Request, RequestStatus
from access.requests.cancel import cancel
from access.requests.remind import ReminderFacts
from access.store import Database
from tests.cast import ANN, KIM, LEA, POLICY
from tests.world import World

LADDER = (
    "quorum: 1}]}\n    escalate: [{after: 15m, to: payments-leads}, {after: 1h, to: payments-leads}, "
    "{after: 2h, then: lapse}]"
)


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    assert POLICY.count("quorum: 1}]}") == 1
    return World.make(database, tmp_path, POLICY.replace("quorum: 1}]}", LADDER))


def reminders(world: World) -> list[ReminderFacts]:
    return [one.facts for one in world.said if isinstance(one.facts, ReminderFacts)]


def asked(world: World, **how) -> Request:
    """With its card in the channel."""
    request = world.ask(**how)
    world.work()
    return request


def after(world: World, **span: float) -> None:
    world.clock.tick(**span)
    world.work()


def test_each_step_reminds_once_in_the_thread_of_the_card(world: World) -> None:
    request = asked(world)
    (card,) = world.messages(MessageKind.REVIEW)

    after(world, minutes=14, seconds=59)
    assert reminders(world) == []
    after(world, seconds=1)
    after(world, minutes=1)
    (first,) = reminders(world)
    after(world, minutes=44)

    assert len(reminders(world)) == 2
    assert first.card is not None
    assert (first.card.channel, first.card.ts) == (card.channel, card.ts)
    assert first.request.id == request.id
    assert first.named == [KIM, LEA]


def test_the_agenda_has_every_step_from_the_beginning(world: World) -> None:
    request = world.ask()

    due = {message.due_at for message in world.messages(MessageKind.REMINDER)}
    assert due == {request.asked_at + timedelta(minutes=15), request.asked_at + timedelta(hours=1)}
    assert due <= set(world.agenda.due.values())


def test_who_asked_is_never_reminded_of_it(world: World) -> None:
    asked(world, by=LEA)

    after(world, minutes=15)

    assert [one.named for one in reminders(world)] == [[KIM]]


def test_those_are_named_who_can_decide_now(world: World) -> None:
    asked(world)
    world.rewrite_policy("payments-leads: {people: [lea, kim]}", "payments-leads: {people: [kim]}")

    after(world, minutes=15)

    assert [one.named for one in reminders(world)] == [[KIM]]


def cancelled(world: World, request: Request) -> None:
    cancel(world.core, request_id=request.id, by=by_slack(ANN))


@pytest.mark.parametrize("decide", [World.approve, World.deny, cancelled])
def test_nobody_is_reminded_of_what_is_decided(world: World, decide) -> None:
    request = asked(world)
    after(world, minutes=15)
    decide(world, request)

    after(world, minutes=45)

    assert len(reminders(world)) == 1
    (said,) = world.messages(MessageKind.REMINDER)
    assert said.due_at is None


def test_silence_lets_it_lapse_and_ends_the_reminders(world: World) -> None:
    request = asked(world)
    assert request.lapses_at == request.asked_at + timedelta(hours=2)

    world.clock.tick(hours=2, seconds=1)
    world.work()

    assert world.requests()[0].status == RequestStatus.LAPSED
    assert reminders(world) == []
    assert (MessageKind.ANSWER, ANN) in world.told()


def test_a_reminder_that_was_claimed_and_never_posted_comes_again(world: World) -> None:
    asked(world)
    world.clock.tick(minutes=15)
    dying = _claim(world)
    assert len(dying) == 1

    world.work()
    assert reminders(world) == [], "the claim of the one who died still holds"
    after(world, seconds=31)
    after(world, seconds=31)

    assert len(reminders(world)) == 1


def test_two_workers_do_not_both_post_it(world: World) -> None:
    asked(world)
    world.clock.tick(minutes=15)

    assert [len(_claim(world)), len(_claim(world))] == [1, 0]


def test_a_result_that_is_written_twice_is_one_reminder(world: World) -> None:
    asked(world)
    world.clock.tick(minutes=15)
    (claimed,) = _claim(world)
    told = Delivery(claimed, channel="C0PAYAPPR", ts="99.0")

    Outbox(world.core).commit([told])
    Outbox(world.core).commit([told])
    world.work()

    assert reminders(world) == []
    assert len(world.messages(MessageKind.REMINDER)) == 2, "this one, and the step to come"


def test_a_step_waits_for_the_card(world: World) -> None:
    world.ask()
    world.clock.tick(minutes=15)

    (claimed,) = _claim(world)

    assert isinstance(claimed.facts, ReminderFacts)
    assert claimed.facts.card is None


def test_after_a_changed_rule_the_new_card_is_reminded_of(world: World) -> None:
    request = asked(world)
    world.rewrite_policy("channel: C0PAYAPPR", "channel: C0OTHER")
    with pytest.raises(Exception, match="The rule has changed"):
        world.approve(request)
    world.work()

    after(world, minutes=15)

    (first,) = reminders(world)
    assert first.card is not None
    assert first.card.channel == "C0OTHER"


def _claim(world: World) -> list[Claimed]:
    return Outbox(world.core).claim([message.id for message in world.messages(MessageKind.REMINDER)])


def test_a_reminder_says_in_columns_whom_it_names_and_when(world: World) -> None:
    request = world.ask()

    steps = [one for one in world.messages(MessageKind.REMINDER) if one.subject == request.id]

    assert [(one.destination, one.step_group, one.step_after_s) for one in steps] == [
        (request.channel, "payments-leads", 15 * 60), (request.channel, "payments-leads", 60 * 60),
    ]  # fmt: skip
