"""A person has at most 20 requests waiting for an answer."""

import threading
from collections import Counter
from pathlib import Path

import pytest

from access.actors import by_slack, system
from access.errors import AccessError, TooManyPending
from access.ids import Person
from access.models import Request, RequestStatus
from access.requests.cancel import cancel
from access.requests.pending import MOST
from access.store import Database
from tests.cast import ANN, BEN, LEA, POLICY
from tests.world import World

ROLES = [f"role{number:02}" for number in range(2 * MOST)]


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    """With forty roles more to ask for."""
    roles = "".join(f"      {role}: {{title: {role}, power: look}}\n" for role in ROLES)
    named = ", ".join(f"customers-db/{role}" for role in ROLES)
    policy = POLICY.replace("    roles:\n", f"    roles:\n{roles}")
    return World.make(
        database, tmp_path, policy.replace("customers-db/fix-orders]", f"customers-db/fix-orders, {named}]")
    )


def ask_for(world: World, roles: list[str], **more) -> list[Request]:
    return [world.ask(entitlement=f"customers-db/{role}", **more) for role in roles]


def test_the_twenty_first_request_is_refused_with_what_to_do(world: World) -> None:
    ask_for(world, ROLES[:MOST])

    with pytest.raises(TooManyPending, match="Cancel one of them first: see /access mine"):
        world.ask()

    assert len(world.requests()) == MOST
    assert world.refusals() == [("request.submit", "TooManyPending")]


def test_one_that_is_taken_back_answered_or_lapsed_makes_room(world: World) -> None:
    asked = ask_for(world, ROLES[:MOST])
    cancel(world.core, request_id=asked[0].id, by=by_slack(ANN))
    world.ask()
    world.deny(asked[1])
    world.ask(entitlement="customers-db/fix-orders")
    world.clock.tick(hours=9)  # nobody has swept yet

    assert world.ask(entitlement=f"customers-db/{ROLES[-1]}").status == RequestStatus.PENDING


def test_others_have_room_of_their_own(world: World) -> None:
    ask_for(world, ROLES[:MOST])

    assert world.ask(by=BEN).requester == "ben"


def test_a_request_to_extend_counts_and_is_counted(world: World) -> None:
    grant = world.open()
    ask_for(world, ROLES[:MOST])
    with pytest.raises(TooManyPending):
        world.extend(grant)

    cancel(world.core, request_id=world.requests()[-1].id, by=by_slack(ANN))
    world.extend(grant)
    with pytest.raises(TooManyPending):
        world.ask(entitlement="customers-db/fix-orders")


def test_what_is_asked_for_somebody_counts_as_his_too(world: World) -> None:
    for request in ask_for(world, ROLES[:MOST]):
        with world.core.work(system("test")) as work:
            row = work.session.get_one(Request, request.id)
            row.subject, row.subject_slack = Person("lea"), LEA

    for who in (ANN, LEA):
        with pytest.raises(TooManyPending):
            world.ask(by=who)


def test_another_name_gives_no_account_more_room(world: World) -> None:
    ask_for(world, ROLES[:MOST])
    world.rewrite_policy("  ann: {slack: U0ANN}\n", "  anne: {slack: U0ANN}\n")
    world.rewrite_policy("[ann, ben, lea]", "[anne, ben, lea]")

    with pytest.raises(TooManyPending):
        world.ask()


@pytest.mark.both_databases
def test_of_a_storm_of_requests_twenty_wait(world: World) -> None:
    """Each for another role, so that only the number keeps them apart."""
    start, ends = threading.Barrier(len(ROLES)), list[str]()

    def click(role: str) -> None:
        start.wait()
        try:
            world.ask(entitlement=f"customers-db/{role}")
        except AccessError as refused:
            ends.append(type(refused).__name__)
        else:
            ends.append("asked")

    threads = [threading.Thread(target=click, args=(role,)) for role in ROLES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Counter(ends) == {"asked": MOST, "TooManyPending": len(ROLES) - MOST}
    assert len(world.requests()) == MOST
    assert world.verified().flaw is None
