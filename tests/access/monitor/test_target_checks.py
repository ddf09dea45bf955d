"""Looks at targets: asked by those who hold no key, taken once, written down, not kept."""

from datetime import timedelta

from access.models import TargetCheck
from access.monitor.routing import TARGET_CHECKS
from access.monitor.sweep import Schedule
from access.monitor.target_checks import CLAIM, KEPT, Checked, TargetChecks, target_check_item
from access.ports import Finding
from tests.world import World

FINDING = Finding(level="error", subject="connection", sentence="The server does not answer.", cure="Start it.")


def test_findings_reach_who_asked(world: World) -> None:
    target_checks = TargetChecks(world.core)
    identifier = target_checks.ask(["customers-db"])["customers-db"]
    assert target_checks.answers([identifier]) == {}

    (claimed,) = target_checks.claim([identifier])
    assert claimed.resource is not None
    assert claimed.resource.id == "customers-db"
    target_checks.commit([Checked(claimed, [FINDING])])

    assert target_checks.answers([identifier]) == {identifier: [FINDING]}


def test_a_look_is_due_at_once_and_takes_nobodys_lane(world: World) -> None:
    identifier = TargetChecks(world.core).ask(["customers-db"])["customers-db"]
    item = target_check_item(identifier)

    assert world.agenda.due == {item: world.clock.now()}
    assert Schedule(world.core).sweep() == [(item, world.clock.now())]
    (route,) = Schedule(world.core).route([item]).now
    assert (route.id, route.queue, route.target) == (identifier, "grant", TARGET_CHECKS)


def test_a_look_is_taken_once_and_again_only_when_who_took_it_died(world: World) -> None:
    target_checks = TargetChecks(world.core)
    identifier = target_checks.ask(["customers-db"])["customers-db"]
    (first,) = target_checks.claim([identifier])
    assert target_checks.claim([identifier]) == []

    world.clock.tick(seconds=CLAIM.total_seconds())
    (second,) = target_checks.claim([identifier])
    target_checks.commit([Checked(second, [FINDING])])
    target_checks.commit([Checked(first, [])])

    assert target_checks.answers([identifier]) == {identifier: [FINDING]}, "the one who was too late changes nothing"
    assert target_checks.claim([identifier]) == []
    assert Schedule(world.core).route([target_check_item(identifier)]).finished == [target_check_item(identifier)]


def test_a_look_that_is_given_back_is_due_at_once(world: World) -> None:
    target_checks = TargetChecks(world.core)
    identifier = target_checks.ask(["customers-db"])["customers-db"]

    target_checks.release(target_checks.claim([identifier]))

    assert len(target_checks.claim([identifier])) == 1


def test_a_resource_of_another_policy_is_not_looked_at(world: World) -> None:
    target_checks = TargetChecks(world.core)
    identifier = target_checks.ask(["elsewhere"])["elsewhere"]

    (claimed,) = target_checks.claim([identifier])

    assert claimed.resource is None


def test_what_nobody_came_back_to_read_is_forgotten(world: World) -> None:
    target_checks = TargetChecks(world.core)
    old = target_checks.ask(["customers-db"])["customers-db"]
    world.clock.tick(seconds=(KEPT + timedelta(seconds=1)).total_seconds())
    new = target_checks.ask(["customers-db"])["customers-db"]

    with world.core.database.read() as session:
        assert session.get(TargetCheck, old) is None
        assert session.get(TargetCheck, new) is not None
    target_checks.forget([new])
    with world.core.database.read() as session:
        assert session.get(TargetCheck, new) is None


def test_to_look_is_no_event(world: World) -> None:
    target_checks = TargetChecks(world.core)
    identifier = target_checks.ask(["customers-db"])["customers-db"]
    target_checks.commit([Checked(claimed, []) for claimed in target_checks.claim([identifier])])

    assert world.events() == []
