"""Words that must reach somebody: each once, true in the end, and again when they did not arrive."""

from datetime import timedelta

import pytest

from access.actors import by_slack
from access.messages.facts import CardFacts
from access.messages.outbox import Claimed, Delivery, Outbox
from access.messages.rate_limits import POST, Call, Limited
from access.models import Message, MessageKind, Request
from access.requests.cancel import cancel
from tests.cast import ANN, APPROVALS, KIM, LEA
from tests.world import World


@pytest.fixture
def card(world: World) -> Message:
    """A card that nobody has posted yet."""
    world.ask()
    return world.messages("review")[0]


def claim(world: World, *messages: Message) -> list[Claimed]:
    return Outbox(world.core).claim([message.id for message in messages])


def posted(world: World, claimed: list[Claimed], ts: str = "1.0") -> None:
    Outbox(world.core).commit([Delivery(one, channel=APPROVALS, ts=ts) for one in claimed])


def now(world: World, message: Message) -> Message:
    return next(row for row in world.messages(message.kind) if row.id == message.id)


def only_request(world: World) -> Request:
    return world.requests()[0]


def test_a_message_is_told_once_and_where_it_stands_is_kept(world: World, card: Message) -> None:
    posted(world, claim(world, card))

    told = now(world, card)
    assert (told.channel, told.ts, told.shown_version, told.due_at) == (APPROVALS, "1.0", told.wanted_version, None)
    assert told.delivered_at == world.clock.now()
    assert claim(world, card) == []
    assert len(world.events("message.delivered")) == 1


def test_two_workers_cannot_both_send_it(world: World, card: Message) -> None:
    assert len(claim(world, card)) == 1
    assert claim(world, card) == []


def test_what_changes_while_it_is_being_told_is_told_again(world: World, card: Message) -> None:
    claimed = claim(world, card)
    world.deny(only_request(world))
    assert claim(world, card) == [], "two at once would post the card twice"

    posted(world, claimed)
    stale = now(world, card)
    assert (stale.ts, stale.due_at) == ("1.0", world.clock.now())
    assert stale.shown_version < stale.wanted_version

    again = claim(world, card)
    assert again[0].message.ts == "1.0", "updated where it stands"
    assert isinstance(again[0].facts, CardFacts)
    assert again[0].facts.request.status == "denied"
    posted(world, again)
    assert now(world, card).shown_version == now(world, card).wanted_version
    assert now(world, card).due_at is None


def test_many_changes_are_told_in_one_message(world: World, card: Message) -> None:
    posted(world, claim(world, card))
    world.approve(only_request(world))
    world.activate(*world.grants())

    assert now(world, card).wanted_version >= 3
    posted(world, claim(world, card))
    assert now(world, card).shown_version == now(world, card).wanted_version


def test_what_did_not_arrive_is_told_again(world: World, card: Message) -> None:
    claimed = claim(world, card)
    Outbox(world.core).commit([Delivery(one, problem="Slack cannot be reached.") for one in claimed])

    waiting = now(world, card)
    assert waiting.problem == "Slack cannot be reached."
    assert waiting.due_at is not None
    assert world.clock.now() < waiting.due_at <= world.clock.now() + timedelta(minutes=1)
    assert world.events("message.delivered") == []

    world.clock.time = waiting.due_at
    posted(world, claim(world, card))
    assert (now(world, card).problem, now(world, card).due_at) == ("", None)


def test_a_change_does_not_press_on_while_slack_asks_us_to_wait(world: World, card: Message) -> None:
    wait = timedelta(seconds=30)
    claimed = claim(world, card)
    slow_down = {"problem": "Slack asks us to slow down.", "limited": Limited(Call(POST, APPROVALS), wait)}
    Outbox(world.core).commit([Delivery(one, **slow_down) for one in claimed])
    cancel(world.core, request_id=only_request(world).id, by=by_slack(ANN))

    assert now(world, card).due_at == world.clock.now() + wait


def test_what_a_dead_worker_held_is_told_by_another(world: World, card: Message) -> None:
    claim(world, card)
    world.clock.tick(seconds=30)

    posted(world, claim(world, card))
    assert now(world, card).shown_version == now(world, card).wanted_version


def test_a_card_that_was_posted_twice_is_kept_true_in_both_places(world: World, card: Message) -> None:
    """The first worker hung in its call until another took over; then both calls went through."""
    first = claim(world, card)
    world.clock.tick(seconds=30)
    second = claim(world, card)
    posted(world, second, ts="2.0")
    posted(world, first, ts="1.0")
    posted(world, first, ts="1.0")

    assert sorted(str(one.ts) for one in world.messages("review")) == ["1.0", "2.0"]
    world.deny(only_request(world))
    world.said.clear()
    world.work()
    assert {one.message.ts for one in world.said if one.message.kind == MessageKind.REVIEW} == {"1.0", "2.0"}


def test_what_was_claimed_but_not_started_goes_back_at_once(world: World, card: Message) -> None:
    Outbox(world.core).release(claim(world, card))

    assert len(claim(world, card)) == 1


def test_what_somebody_waits_for_goes_first(world: World) -> None:
    world.open(minutes=5)
    world.clock.tick(minutes=5)
    world.remove(*world.grants())
    world.ask(entitlement="customers-db/fix-orders")

    due = [*world.messages("ended"), *world.messages("review")]
    assert [(one.message.kind, one.message.ts is not None) for one in claim(world, *due)] == [
        (MessageKind.REVIEW, False), (MessageKind.ENDED, False), (MessageKind.REVIEW, True),
    ]  # fmt: skip


def test_a_card_says_who_could_decide_now(world: World, card: Message) -> None:
    world.rewrite_policy("payments-leads: {people: [lea, kim]}", "payments-leads: {people: [ann, kim]}")
    (claimed,) = claim(world, card)

    assert isinstance(claimed.facts, CardFacts)
    assert claimed.facts.approvers == [KIM]


def test_words_do_not_wait_for_a_policy_that_can_be_read(world: World, card: Message, tmp_path_factory) -> None:
    restarted = World.make(world.core.database, tmp_path_factory.mktemp("restarted"), policy="version: [")
    (claimed,) = claim(restarted, card)

    assert isinstance(claimed.facts, CardFacts)
    assert claimed.facts.approvers == []


def test_a_card_shows_the_history_of_its_person_on_its_resource(world: World) -> None:
    world.deny(world.ask())
    world.clock.tick(minutes=1)
    second = world.ask(entitlement="customers-db/fix-orders")
    message = next(one for one in world.messages("review") if one.subject == second.id)
    (claimed,) = claim(world, message)

    assert isinstance(claimed.facts, CardFacts)
    assert [(past.role, past.status) for past in claimed.facts.history] == [("read", "denied")]


def test_who_decided_is_on_the_card(world: World, card: Message) -> None:
    world.approve(only_request(world))
    (claimed,) = claim(world, card)

    assert isinstance(claimed.facts, CardFacts)
    assert [one.reviewer_slack for one in claimed.facts.reviews] == [LEA]
