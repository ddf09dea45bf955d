"""Looking: what is mine, and what is open."""

import pytest

from access.actors import by_slack
from access.errors import UnknownPerson
from access.queries.mine import mine, outstanding
from tests.cast import ANN, BEN, EVE, STRANGER
from tests.world import World


def test_mine_is_what_i_wait_for_and_what_i_hold(world: World) -> None:
    held, waiting = world.open(), world.ask(entitlement="customers-db/fix-orders")
    world.open(by=BEN)

    shown = mine(world.core, person=by_slack(ANN))
    assert [grant.id for grant in shown.grants] == [held.id]
    assert [request.id for request in shown.requests] == [waiting.id]
    assert mine(world.core, person=by_slack(EVE)).grants == []
    with pytest.raises(UnknownPerson):
        mine(world.core, person=by_slack(STRANGER))


def test_what_is_over_is_not_mine_any_more(world: World) -> None:
    world.open(minutes=5)
    world.deny(world.ask(entitlement="customers-db/fix-orders"))
    world.pass_time(minutes=5)

    assert mine(world.core, person=by_slack(ANN)).grants == []
    assert mine(world.core, person=by_slack(ANN)).requests == []


def test_outstanding_is_everything_that_may_still_be_there_the_soonest_end_first(world: World) -> None:
    late, soon = world.open(minutes=60), world.open(by=BEN, minutes=10)
    world.pass_time(minutes=1)

    assert [grant.id for grant in outstanding(world.core.database)] == [soon.id, late.id]
    world.server.weather = "down"
    world.pass_time(minutes=10)
    assert soon.id in [grant.id for grant in outstanding(world.core.database)]
    world.server.weather = "fine"
    world.pass_time(minutes=2)
    assert [grant.id for grant in outstanding(world.core.database)] == [late.id]
