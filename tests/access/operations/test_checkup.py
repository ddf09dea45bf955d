"""Looks at targets: asked by those who hold no key, taken once, written down, not kept."""

from datetime import timedelta

from access.models import Checkup
from access.operations.checkup import CLAIM, KEPT, Checked, Checkups, checkup_item
from access.operations.schedule import CHECKUPS, Schedule
from access.ports import Finding
from tests.world import World

FINDING = Finding(level="error", subject="connection", sentence="The server does not answer.", cure="Start it.")


def test_findings_reach_who_asked(world: World) -> None:
    checkups = Checkups(world.core)
    identifier = checkups.ask(["customers-db"])["customers-db"]
    assert checkups.answers([identifier]) == {}

    (claimed,) = checkups.claim([identifier])
    assert claimed.resource is not None
    assert claimed.resource.id == "customers-db"
    checkups.commit([Checked(claimed, [FINDING])])

    assert checkups.answers([identifier]) == {identifier: [FINDING]}


def test_a_look_is_due_at_once_and_takes_nobodys_lane(world: World) -> None:
    identifier = Checkups(world.core).ask(["customers-db"])["customers-db"]
    item = checkup_item(identifier)

    assert world.agenda.due == {item: world.clock.now()}
    assert Schedule(world.core).sweep() == [(item, world.clock.now())]
    (route,) = Schedule(world.core).route([item]).now
    assert (route.id, route.queue, route.target) == (identifier, "grant", CHECKUPS)


def test_a_look_is_taken_once_and_again_only_when_who_took_it_died(world: World) -> None:
    checkups = Checkups(world.core)
    identifier = checkups.ask(["customers-db"])["customers-db"]
    (first,) = checkups.claim([identifier])
    assert checkups.claim([identifier]) == []

    world.clock.tick(seconds=CLAIM.total_seconds())
    (second,) = checkups.claim([identifier])
    checkups.commit([Checked(second, [FINDING])])
    checkups.commit([Checked(first, [])])

    assert checkups.answers([identifier]) == {identifier: [FINDING]}, "the one who was too late changes nothing"
    assert checkups.claim([identifier]) == []
    assert Schedule(world.core).route([checkup_item(identifier)]).finished == [checkup_item(identifier)]


def test_a_look_that_is_given_back_is_due_at_once(world: World) -> None:
    checkups = Checkups(world.core)
    identifier = checkups.ask(["customers-db"])["customers-db"]

    checkups.release(checkups.claim([identifier]))

    assert len(checkups.claim([identifier])) == 1


def test_a_resource_of_another_policy_is_not_looked_at(world: World) -> None:
    checkups = Checkups(world.core)
    identifier = checkups.ask(["elsewhere"])["elsewhere"]

    (claimed,) = checkups.claim([identifier])

    assert claimed.resource is None


def test_what_nobody_came_back_to_read_is_forgotten(world: World) -> None:
    checkups = Checkups(world.core)
    old = checkups.ask(["customers-db"])["customers-db"]
    world.clock.tick(seconds=(KEPT + timedelta(seconds=1)).total_seconds())
    new = checkups.ask(["customers-db"])["customers-db"]

    with world.core.database.read() as session:
        assert session.get(Checkup, old) is None
        assert session.get(Checkup, new) is not None
    checkups.forget([new])
    with world.core.database.read() as session:
        assert session.get(Checkup, new) is None


def test_to_look_is_no_event(world: World) -> None:
    checkups = Checkups(world.core)
    identifier = checkups.ask(["customers-db"])["customers-db"]
    checkups.commit([Checked(claimed, []) for claimed in checkups.claim([identifier])])

    assert world.events() == []
