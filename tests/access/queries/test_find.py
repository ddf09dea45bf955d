"""What is meant by an id, on either database: a grant's, its request's, or that of a request for more time."""

import pytest

from access.actors import by_slack
from access.errors import NotFound, NotSecurity
from access.ids import short
from access.queries.find import grant_to_return, grant_to_revoke, request_to_cancel
from tests.cast import ANN, BEN, LEA, SAM
from tests.world import World


@pytest.mark.both_databases
def test_each_id_of_what_is_open_leads_to_it(world: World) -> None:
    grant = world.open()
    more = world.extend(grant)

    for known in (grant.id, grant.request_id, more.id):
        for text in (known, short(known).upper(), short(known)):
            assert grant_to_return(world.core, text=text, by=by_slack(ANN)).id == grant.id
            assert grant_to_revoke(world.core, text=text, by=by_slack(SAM)).id == grant.id
    assert request_to_cancel(world.core, text=short(more.id), by=by_slack(ANN)).id == more.id
    assert request_to_cancel(world.core, text="", by=by_slack(ANN)).id == more.id


def test_an_id_of_anothers_is_as_unknown_as_one_that_there_is_not(world: World) -> None:
    """Ids of others tell nothing, and nobody finds out by trying which there are."""
    theirs, waiting = world.open(), world.ask(entitlement="customers-db/fix-orders")

    for text in (short(theirs.id), short(theirs.request_id), "zzzzzz", "%", "_"):
        with pytest.raises(NotFound, match=f"^You hold no open access with the id {text}.$"):
            grant_to_return(world.core, text=text, by=by_slack(BEN))
    for text in (short(waiting.id), "zzzzzz"):
        with pytest.raises(NotFound, match=f"^None of your requests with the id {text} waits for an answer.$"):
            request_to_cancel(world.core, text=text, by=by_slack(BEN))


@pytest.mark.parametrize("text", ["ann", "zzzzzz", ""])
def test_whom_it_is_not_for_to_revoke_learns_nothing_of_what_is_open(world: World, text: str) -> None:
    world.open()

    with pytest.raises(NotSecurity):
        grant_to_revoke(world.core, text=text, by=by_slack(LEA))
    assert world.refusals() == [("grant.revoke", "NotSecurity")]


def test_what_is_being_ended_already_is_answered_so(world: World) -> None:
    ending = world.open()
    assert grant_to_revoke(world.core, text="ann", by=by_slack(SAM)).id == ending.id
    world.server.weather = "down"
    world.pass_time(minutes=60)

    assert world.again(ending).status == "revoking"
    with pytest.raises(NotFound, match="customers-db/read of ann is being ended already"):
        grant_to_revoke(world.core, text="ann", by=by_slack(SAM))
