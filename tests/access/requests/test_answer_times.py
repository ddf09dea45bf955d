"""How long an answer usually takes: of five decisions at least, by two people at least, and of all that waited."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from access import answer_times
from access.actors import by_slack
from access.answer_times import FEWEST
from access.ids import SlackUser
from access.messages.facts import card_of
from access.models import RequestStatus
from access.queries.mine import mine
from access.requests.cancel import cancel
from access.requests.submit import preview
from tests.cast import ANN, BEN, KIM, LEA
from tests.world import World

BOTH = (LEA, KIM)


def answered(
    world: World, *minutes: float, by: Sequence[SlackUser] = BOTH, entitlement: str = "customers-db/read"
) -> None:
    """So many requests, each answered after so long by one after the other; denials, for they leave nothing open."""
    for number, span in enumerate(minutes):
        request = world.ask(entitlement=entitlement)
        world.clock.tick(minutes=span)
        world.deny(request, by=by[number % len(by)])


def usually(world: World, entitlement: str = "customers-db/read") -> timedelta | None:
    return preview(world.core, requester=by_slack(ANN), entitlement=entitlement).asked.usually


@pytest.mark.both_databases
def test_it_is_the_median_of_what_was_decided(world: World) -> None:
    answered(world, 2, 90, 6, 5, 30)

    assert usually(world) == timedelta(minutes=6)
    request = world.ask()
    assert card_of(world.core, request.id).usually == timedelta(minutes=6)
    assert mine(world.core, person=by_slack(ANN)).asked[request.id].usually == timedelta(minutes=6)


def test_of_fewer_than_five_decisions_nothing_is_said(world: World) -> None:
    answered(world, *[3] * (FEWEST - 1))
    assert usually(world) is None

    answered(world, 3)
    assert usually(world) == timedelta(minutes=3)


@pytest.mark.parametrize("reviewer", BOTH)
def test_one_persons_time_is_never_told(world: World, reviewer: SlackUser) -> None:
    answered(world, *[3] * 2 * FEWEST, by=[reviewer])
    assert usually(world) is None

    answered(world, 3, by=[one for one in BOTH if one != reviewer])
    assert usually(world) == timedelta(minutes=3)


def test_where_one_person_alone_is_asked_nothing_is_said(world: World) -> None:
    answered(world, *[3] * FEWEST)

    assert preview(world.core, requester=by_slack(LEA), entitlement="customers-db/read").asked.usually is None


def test_another_role_of_the_resource_counts(world: World) -> None:
    answered(world, *[3] * FEWEST, entitlement="customers-db/fix-orders")

    assert usually(world) == timedelta(minutes=3)


def test_what_other_groups_decided_does_not_count(world: World) -> None:
    answered(world, *[3] * FEWEST)
    world.rewrite_policy("any_of: [payments-leads]", "any_of: [payments-leads, security]")

    assert usually(world) is None


LOGS = """\
  - id: logs
    title: Logs
    level: medium
    owner: payments-leads
    provider: fake
    settings: {server: one}
    roles:
      read: {title: Read the logs, power: look}
rules:
"""


def test_of_a_new_resource_it_is_the_time_of_the_same_approvers_elsewhere(world: World) -> None:
    world.rewrite_policy("rules:\n", LOGS)
    world.rewrite_policy("customers-db/fix-orders]", "customers-db/fix-orders, logs/read]")
    answered(world, *[20] * FEWEST)
    assert usually(world, "logs/read") == timedelta(minutes=20)

    answered(world, *[1] * FEWEST, entitlement="logs/read")
    assert usually(world, "logs/read") == timedelta(minutes=1)


def test_what_nobody_answered_counts_as_longer_than_everything(world: World) -> None:
    answered(world, *[3] * FEWEST)
    for _ in range(FEWEST - 1):
        world.ask()
        world.clock.tick(hours=8)
        world.work()
    assert usually(world) == timedelta(minutes=3)

    world.ask()
    world.clock.tick(hours=8)
    world.work()

    assert [one.status for one in world.requests()].count(RequestStatus.LAPSED) == FEWEST
    assert usually(world) is None, "as many were never answered"


def test_what_its_requester_took_back_says_nothing_of_the_approvers(world: World) -> None:
    answered(world, *[3] * FEWEST)
    for number in range(FEWEST):
        request = world.ask(by=BEN)
        world.clock.tick(hours=number)
        cancel(world.core, request_id=request.id, by=by_slack(BEN))

    assert usually(world) == timedelta(minutes=3)


def test_old_habits_are_forgotten(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_times, "NEWEST", FEWEST + 1)
    answered(world, *[60] * FEWEST)
    answered(world, *[2] * (FEWEST + 1))

    assert usually(world) == timedelta(minutes=2)
