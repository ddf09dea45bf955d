"""Every message about a request says who comes next while there is no answer: whom the rule reminds, and when."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from access.actors import by_slack, system
from access.approvers import NextStep
from access.ids import SlackUser
from access.messages.facts import CardFacts, card_of
from access.models import MessageKind, Request
from access.queries.mine import mine
from access.requests.extend import may_extend
from access.requests.submit import preview
from access.store import Database
from tests.access.requests.test_remind import LADDER, after, asked, reminders
from tests.cast import ANN, KIM, LEA, POLICY, SAM
from tests.world import World

QUARTER, HOUR = timedelta(minutes=15), timedelta(hours=1)
BOTH = (KIM, LEA)


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World.make(database, tmp_path, POLICY.replace("quorum: 1}]}", LADDER))


def step(request: Request, span: timedelta, *named: SlackUser) -> NextStep:
    return NextStep(after=span, at=request.asked_at + span, named=named)


def shown(world: World) -> NextStep | None:
    """To who asked, wherever it is shown."""
    (request,) = [one for one in world.requests() if one.status == "pending"]
    facts, row = card_of(world.core, request.id), mine(world.core, person=by_slack(ANN)).asked[request.id]
    assert facts.next == row.next
    return row.next


def test_before_asking_it_says_whom_the_first_step_reminds_and_after_how_long(world: World) -> None:
    terms = preview(world.core, requester=by_slack(ANN), entitlement="customers-db/read")

    assert terms.asked.next == NextStep(after=QUARTER, at=None, named=BOTH)


def test_it_is_the_first_step_that_is_still_to_come(world: World) -> None:
    request = asked(world)
    assert shown(world) == step(request, QUARTER, *BOTH)

    after(world, minutes=15)
    assert shown(world) == step(request, HOUR, *BOTH)
    (reminder,) = reminders(world)
    assert reminder.next == step(request, HOUR, *BOTH)

    after(world, minutes=45)
    assert shown(world) is None
    assert reminders(world)[-1].next is None


def test_the_group_of_the_step_is_named_and_of_it_who_can_decide_now(world: World) -> None:
    world.rewrite_policy(
        "stages: [{any_of: [payments-leads], quorum: 1}]", "stages: [{any_of: [payments-leads, security], quorum: 1}]"
    )
    world.rewrite_policy("[{after: 15m, to: payments-leads}", "[{after: 15m, to: security}")
    request = asked(world)
    assert shown(world) == step(request, QUARTER, SAM)
    assert preview(world.core, requester=by_slack(ANN), entitlement="customers-db/read").asked.next == NextStep(
        after=QUARTER, at=None, named=(SAM,)
    )

    world.rewrite_policy("security: {people: [sam]}", "security: {people: [kim]}")
    assert shown(world) == step(request, QUARTER, KIM)


def test_a_step_after_the_end_of_what_is_extended_is_not_announced(world: World) -> None:
    world.approve(asked(world, minutes=20))
    world.work()
    (grant,) = world.grants()
    assert may_extend(world.core, grant_id=grant.id, by=by_slack(ANN)).terms.asked.next is not None
    world.clock.tick(minutes=10)

    assert may_extend(world.core, grant_id=grant.id, by=by_slack(ANN)).terms.asked.next is None
    assert card_of(world.core, world.extend(grant, minutes=10).id).next is None


def test_what_is_decided_has_no_next_step(world: World) -> None:
    request = asked(world)
    assert card_of(world.core, request.id).next is not None
    world.deny(request)

    assert card_of(world.core, request.id).next is None


def test_once_they_are_reminded_card_and_home_say_what_comes_then(world: World) -> None:
    with world.core.work(system("person:ann")) as work:
        work.tell(MessageKind.HOME, ANN, ANN)
    request = asked(world)
    after(world, seconds=5)
    drawn = {one.id: one.shown_version for one in world.messages(MessageKind.REVIEW) + world.messages(MessageKind.HOME)}
    assert said_next(world) == request.asked_at + QUARTER

    after(world, minutes=14, seconds=55)
    after(world, seconds=5)

    again = {one.id: one.shown_version for one in world.messages(MessageKind.REVIEW) + world.messages(MessageKind.HOME)}
    assert again == {identifier: number + 1 for identifier, number in drawn.items()}
    assert said_next(world) == request.asked_at + HOUR


def said_next(world: World) -> datetime | None:
    """On the card, as it was told last."""
    facts = [one.facts for one in world.said if one.message.kind == MessageKind.REVIEW][-1]
    assert isinstance(facts, CardFacts)
    return facts.next.at if facts.next else None
