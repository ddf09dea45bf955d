"""What an approver learns of what was asked before: whose history it is, and whether others asked for the same."""

from typing import Any

import pytest

from access.ids import Person
from access.messages.facts import OTHERS_MOST, Others, card_of
from access.models import Request
from bot.views.review import review_card
from tests.bot.slack import words
from tests.cast import ANN, BEN, KIM, LEA
from tests.world import World


def others(world: World, request: Request) -> Others | None:
    return card_of(world.core, request.id).others


def later(world: World, **asked: Any) -> Request:
    world.clock.tick(minutes=1)
    return world.ask(**asked)


def said(world: World, request: Request) -> str:
    return words(review_card(card_of(world.core, request.id)).blocks)


def test_the_first_request_for_a_resource_is_the_first_of_all(world: World) -> None:
    assert "This is the first request for this resource." in said(world, world.ask())


def test_who_has_never_asked_is_not_taken_for_nobody_else_having_asked(world: World) -> None:
    for by in (LEA, KIM, LEA, KIM):  # the last one approves
        if by == KIM:
            world.approve(world.ask(entitlement="customers-db/fix-orders"), by=KIM)
        else:
            world.deny(world.ask(entitlement="customers-db/read"))
        world.pass_time(hours=2)

    bens = world.ask(by=BEN)

    assert others(world, bens) == Others(times=4, last_approved_by=Person("kim"))
    assert "ben has never asked for this resource. Others: 4 times, last approved by kim." in said(world, bens)
    assert "ann asked for this resource before: " in said(world, world.ask())


def test_more_time_for_what_is_open_is_not_asked_for_once_more(world: World) -> None:
    grant = world.open()
    world.extend(grant)

    assert others(world, later(world, by=BEN)) == Others(times=1, last_approved_by=Person("lea"))


def test_what_was_never_approved_names_no_approver(world: World) -> None:
    world.deny(world.ask())

    assert "Others: 1 time." in said(world, later(world, by=BEN))


def test_ones_own_requests_are_not_those_of_others(world: World) -> None:
    world.deny(world.ask())

    assert others(world, later(world, by=ANN)) is None


def test_once_it_is_decided_others_are_not_counted_any_more(world: World) -> None:
    world.deny(world.ask())

    assert others(world, world.approve(later(world, by=BEN))) is None


@pytest.mark.both_databases
def test_of_very_many_it_is_said_that_there_are_more(world: World) -> None:
    first = world.deny(world.ask())
    with world.core.database.write() as session:
        for number in range(OTHERS_MOST + 1):
            copy = Request.model_validate(first.model_dump() | {"id": f"01kaq9z0000000000000{number:06}"})
            session.add(copy)

    assert f"Others: more than {OTHERS_MOST} times." in said(world, later(world, by=BEN))
