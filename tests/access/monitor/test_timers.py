"""What Redis should hold by the rows, and what is said when it had lost it."""

from datetime import timedelta

import pytest

from access.models import AlertKind, Grant, MessageKind
from access.monitor import timers as module
from access.monitor.sweep import Schedule
from access.monitor.target_checks import TargetChecks, target_check_item
from access.monitor.timers import EMPTIED, FILLED, timers_wanted
from access.unit_of_work import grant_item
from tests.cast import SECURITY
from tests.world import World


@pytest.fixture
def schedule(world: World) -> Schedule:
    world.work()  # a policy is in force
    return Schedule(world.core)


def test_everything_that_waits_has_a_timer_and_is_counted(world: World, schedule: Schedule) -> None:
    grant = world.open(minutes=30)
    world.ask(entitlement="customers-db/fix-orders")
    target_check = TargetChecks(world.core).ask(["customers-db"])["customers-db"]

    timers = dict(schedule.timers.all())

    assert timers[grant_item(grant.id)] == world.again(grant).expires_at
    assert target_check_item(target_check) in timers
    assert {item.partition(":")[0] for item in timers} >= {"grant", "notice", "checkup", "look"}
    with world.core.database.read() as session:
        assert timers_wanted(session) == len(timers)
    assert not schedule.route(list(timers)).finished


@pytest.mark.parametrize("page", [1, 2, 100])
@pytest.mark.both_databases
def test_each_is_named_once_however_many_are_asked_for_at_a_time(
    world: World, schedule: Schedule, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.scheduled(minutes=30)
    world.ask(entitlement="customers-db/fix-orders")  # its messages are due at the same moment
    expected = dict(schedule.timers.all())
    monkeypatch.setattr(module, "_AT_A_TIME", page)

    found = list(schedule.timers.all())

    assert len(found) == len(expected) > 3
    assert dict(found) == expected


def test_the_first_filling_is_no_loss_and_the_next_is_an_alert(world: World, schedule: Schedule) -> None:
    assert not schedule.timers.filled(3)
    assert world.alerts() == []

    assert schedule.timers.filled(7)
    assert schedule.timers.filled(7)

    (alert,) = world.alerts()
    assert (alert.kind, alert.subject, alert.closed_at) == (AlertKind.TIMERS, EMPTIED, None)
    assert "7 were put in again" in alert.sentence
    assert [message.recipient for message in world.messages(MessageKind.ALERT)] == [SECURITY]
    assert len(world.events(FILLED)) == 3


def test_the_alert_closes_by_itself_when_timers_and_rows_agree(world: World, schedule: Schedule) -> None:
    schedule.timers.filled(1)
    schedule.timers.filled(7)
    schedule.timers.lost()
    world.clock.time += timedelta(minutes=5)

    schedule.timers.compared()

    assert {alert.subject: alert.closed_at is None for alert in world.alerts()} == {EMPTIED: False, "redis": True}


def test_an_empty_redis_of_a_house_where_nothing_waits_is_no_loss(world: World, schedule: Schedule) -> None:
    schedule.timers.filled(1)
    schedule.timers.filled(0)

    assert world.alerts() == []


@pytest.mark.both_databases
def test_what_may_be_late_the_least_comes_first_however_much_was_due_before(world: World, schedule: Schedule) -> None:
    early, late = world.open(minutes=30), world.open(minutes=40, entitlement="customers-db/fix-orders")
    with world.core.database.write() as session:
        session.get_one(Grant, late.id).alert_after_s = 120
    world.clock.tick(hours=1)

    swept = [item for item, _ in schedule.sweep() if item.startswith("grant:")]

    assert swept == [grant_item(late.id), grant_item(early.id)]
    early_item, late_item = grant_item(early.id), grant_item(late.id)
    assert schedule.ranks([early_item, late_item]) == {early_item: early.alert_after_s, late_item: 120}
