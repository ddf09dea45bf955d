"""Whom an alert about access reaches: the security team, and each owner of the resource."""

import pytest

from access.messages.outbox import AlertFacts, Delivery, Outbox
from access.models import AlertKind, MessageKind
from access.monitor.sweep import Schedule
from tests.cast import KIM, LEA, SECURITY
from tests.world import World

REACHED = {SECURITY, LEA, KIM}


def overdue(world: World) -> None:
    world.open(minutes=30)
    world.server.weather = "down"
    world.pass_time(minutes=40)


def told(world: World) -> list[str]:
    """The recipients of alerts, in the order in which they were told."""
    return [recipient for kind, recipient in world.told() if kind == MessageKind.ALERT]


def test_the_owners_of_the_resource_are_told_too_once_each(world: World) -> None:
    overdue(world)
    world.live_through(minutes=5)

    assert [alert.kind for alert in world.alerts()] == [AlertKind.OVERDUE]
    assert sorted(told(world)) == sorted(REACHED)


def test_a_removal_that_is_refused_reaches_the_owners_too(world: World) -> None:
    world.open(minutes=30)
    world.server.weather = "refuses"
    world.pass_time(minutes=30)

    assert [alert.kind for alert in world.alerts()] == [AlertKind.UNREMOVABLE]
    assert sorted(told(world)) == sorted(REACHED)


def test_every_message_about_an_alert_says_when_it_is_closed(world: World) -> None:
    overdue(world)
    world.said.clear()

    world.server.weather = "fine"
    world.pass_time(minutes=1)

    assert sorted(told(world)) == sorted(REACHED)
    facts = [one.facts for one in world.said if one.message.kind == MessageKind.ALERT]
    assert all(isinstance(one, AlertFacts) and one.alert.closed_at is not None for one in facts)


def test_what_is_no_matter_of_a_resource_is_told_to_security_alone(world: World) -> None:
    world.open()
    world.rewrite_policy("version: 1", "version: one")
    world.work()

    assert [alert.kind for alert in world.alerts()] == [AlertKind.POLICY]
    assert told(world) == [SECURITY]


def test_an_alert_about_a_resource_that_the_policy_lost_reaches_security(world: World) -> None:
    world.open(minutes=30)
    world.rewrite_policy("customers-db", "clients-db")
    world.server.weather = "down"
    world.pass_time(minutes=40)

    assert [alert.kind for alert in world.alerts()] == [AlertKind.OVERDUE]
    assert told(world) == [SECURITY]


@pytest.mark.parametrize("reached", sorted(REACHED))
def test_somebody_was_told_as_soon_as_one_message_arrived(world: World, reached: str) -> None:
    world.open(minutes=30)
    world.server.weather = "down"
    world.clock.tick(minutes=40)
    Schedule(world.core).sweep()
    telling = Outbox(world.core)
    claimed = telling.claim([message.id for message in world.messages(MessageKind.ALERT)])
    refused = [Delivery(one, problem="Slack refuses the message (account_inactive).") for one in claimed]
    telling.commit([one for one in refused if one.claimed.message.recipient != reached])
    assert world.alerts()[0].delivered_at is None

    telling.commit([Delivery(one, channel="D1", ts="1.0") for one in claimed if one.message.recipient == reached])
    assert world.alerts()[0].delivered_at == world.clock.now()
