"""Looking: what is mine, what is open, and finding it by the end of its id."""

import pytest
from sqlalchemy import text

from access.errors import InvalidInput, NotFound, UnknownPerson
from access.operations import find_grant, find_request, mine, outstanding
from tests.cast import ANN, BEN, EVE, SAM, STRANGER
from tests.world import World


def test_mine_is_what_i_wait_for_and_what_i_hold(world: World) -> None:
    held, waiting = world.open(), world.ask(entitlement="customers-db/fix-orders")
    world.open(by=BEN)

    shown = mine(world.core, person=ANN)
    assert [grant.id for grant in shown.grants] == [held.id]
    assert [request.id for request in shown.requests] == [waiting.id]
    assert mine(world.core, person=EVE).grants == []
    with pytest.raises(UnknownPerson):
        mine(world.core, person=STRANGER)


def test_what_is_over_is_not_mine_any_more(world: World) -> None:
    world.open(minutes=5)
    world.deny(world.ask(entitlement="customers-db/fix-orders"))
    world.pass_time(minutes=5)

    assert mine(world.core, person=ANN).grants == []
    assert mine(world.core, person=ANN).requests == []


def test_the_end_of_an_id_is_enough(world: World) -> None:
    grant, request = world.open(), world.ask(entitlement="customers-db/fix-orders")

    assert find_grant(world.core, text=f" {grant.id[-6:].upper()} ", by=ANN).id == grant.id
    assert find_request(world.core, text=request.id, by=ANN).id == request.id


def test_security_finds_everybodys_others_only_their_own(world: World) -> None:
    grant = world.open()

    assert find_grant(world.core, text=grant.id[-6:], by=SAM).id == grant.id
    with pytest.raises(NotFound, match="There is none"):
        find_grant(world.core, text=grant.id[-6:], by=BEN)


def test_a_wrong_id_is_answered_with_the_right_ones(world: World) -> None:
    grant = world.open()

    with pytest.raises(NotFound, match=rf"`{grant.id[-6:]}` \(customers-db/read\)"):
        find_grant(world.core, text="zzzzzz", by=ANN)
    with pytest.raises(NotFound):
        find_grant(world.core, text="", by=ANN)


def test_what_was_typed_is_not_repeated_at_length(world: World) -> None:
    with pytest.raises(NotFound) as refused:
        find_request(world.core, text="x" * 3000, by=ANN)

    assert len(refused.value.sentence) < 200


def test_too_little_of_an_id_asks_for_more(world: World) -> None:
    grants = [world.open(), world.open(entitlement="customers-db/fix-orders")]
    shared = {grant.id[0] for grant in grants}
    assert len(shared) == 1, "both begin alike; make them end alike"
    with world.core.database.write() as session:
        for grant in grants:
            session.connection().execute(
                text("""UPDATE "grant" SET id = :new WHERE id = :old"""), {"old": grant.id, "new": grant.id[:-2] + "qq"}
            )
    with pytest.raises(InvalidInput, match="fits 2 of them; write more of the id"):
        find_grant(world.core, text="qq", by=ANN)


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
