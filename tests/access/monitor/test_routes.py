"""What is due when, by the rows: whatever Redis lost is found again."""

import json
import traceback
from datetime import timedelta

from sqlmodel import select

from access.errors import PolicyError
from access.models import AlertKind, Heartbeat, MessageKind
from access.monitor.sweep import Schedule
from access.ports import AgendaItem
from access.unit_of_work import grant_item, message_item
from tests.cast import SECURITY
from tests.world import World


def test_every_commit_puts_what_is_due_on_the_agenda(world: World) -> None:
    request = world.ask()
    assert message_item(world.messages("review")[0].id) in world.agenda.due

    world.approve(request)
    grant = world.grants()[0]
    assert world.agenda.due[grant_item(grant.id)] == world.clock.now()

    world.work()
    assert world.agenda.due[grant_item(grant.id)] == world.again(grant).expires_at


def test_a_flushed_agenda_is_filled_from_the_rows(world: World) -> None:
    grant = world.open(minutes=30)
    pending = world.ask(entitlement="customers-db/fix-orders")
    timers = dict(Schedule(world.core).timers.all())

    assert timers[grant_item(grant.id)] == world.again(grant).expires_at
    card = next(one for one in world.messages("review") if one.subject == pending.id)
    assert timers[message_item(card.id)] == world.clock.now()


def test_an_item_goes_to_the_queue_its_row_asks_for(world: World) -> None:
    grant = world.open(minutes=30)
    schedule, item = Schedule(world.core), grant_item(grant.id)
    assert schedule.route([item]).later == [(item, world.again(grant).expires_at)]

    world.clock.tick(minutes=30)
    (route,) = schedule.route([item]).now
    assert (route.id, route.queue, route.target) == (grant.id, "revoke", "fake:one")

    world.work()
    assert schedule.route([item]).finished == [item]


def test_what_the_rows_do_not_know_is_finished(world: World) -> None:
    unknown = [AgendaItem("grant:" + "0" * 26), AgendaItem("notice:" + "0" * 26), AgendaItem("nonsense")]

    assert Schedule(world.core).route(unknown).finished == unknown


def test_the_sweep_finds_what_was_never_on_the_agenda(world: World) -> None:
    grant = world.open(minutes=30)
    world.agenda.due.clear()
    world.clock.tick(minutes=30)

    assert grant_item(grant.id) in [item for item, _ in Schedule(world.core).sweep()]


def test_a_policy_that_comes_into_force_is_an_event_once(world: World) -> None:
    schedule = Schedule(world.core)
    schedule.sweep()
    schedule.sweep()
    assert len(world.events("policy.loaded")) == 1

    world.rewrite_policy("max: 2h", "max: 1h")
    schedule.sweep()
    first, second = world.events("policy.loaded")
    assert first.object_id != second.object_id
    assert json.loads(second.entry)["details"]["security_channel"] == SECURITY


def test_a_policy_that_cannot_be_used_is_an_alert_until_it_can(world: World) -> None:
    world.work()
    text = world.policy_file.read_text(encoding="utf-8")
    world.policy_file.write_text("version: [", encoding="utf-8")
    world.work()
    world.work()
    (alert,) = world.alerts()
    assert (alert.kind, alert.closed_at) == (AlertKind.POLICY, None)
    assert "access.yml" in alert.sentence
    assert (MessageKind.ALERT, SECURITY) in world.told()

    world.policy_file.write_text(text, encoding="utf-8")
    world.work()
    assert world.alerts()[0].closed_at == world.clock.now()


def test_a_process_without_any_policy_still_sweeps(world: World, tmp_path_factory) -> None:
    grant = world.open(minutes=30)
    restarted = World.make(world.core.database, tmp_path_factory.mktemp("restarted"), policy="")
    restarted.clock.time = world.clock.now() + timedelta(minutes=30)

    assert grant_item(grant.id) in [item for item, _ in Schedule(restarted.core).sweep()]


def test_before_the_first_policy_there_is_nobody_to_tell(world: World) -> None:
    world.policy_file.write_text("", encoding="utf-8")
    fresh = World.make(world.core.database, world.policy_file.parent, policy="")
    Schedule(fresh.core).sweep()

    assert [alert.kind for alert in fresh.alerts()] == [AlertKind.POLICY]
    assert fresh.messages("alert") == []


def test_lost_timers_are_an_alert_that_closes_by_itself(world: World) -> None:
    schedule = Schedule(world.core)
    schedule.timers.lost()
    schedule.timers.lost()
    assert [(alert.kind, alert.closed_at) for alert in world.alerts()] == [(AlertKind.TIMERS, None)]

    schedule.timers.back()
    assert world.alerts()[0].closed_at is not None
    schedule.timers.lost()
    assert len(world.alerts()) == 2, "it was lost again"


def test_a_broken_policy_does_not_pile_up_the_frames_of_its_callers(world: World) -> None:
    """Raised once a second for a day, one exception object would keep them all."""
    world.policy_file.write_text("version: [", encoding="utf-8")
    depths = list[int]()
    for _ in range(5):
        try:
            world.core.policy.current()
        except PolicyError as error:
            depths.append(len(traceback.extract_tb(error.__traceback__)))

    assert len(set(depths)) == 1


def test_a_process_that_fell_silent_is_forgotten_after_a_day(world: World) -> None:
    schedule = Schedule(world.core)
    schedule.beat("old", "timekeeper")
    world.clock.tick(hours=25)

    schedule.beat("new", "timekeeper")

    with world.core.database.read() as session:
        assert [row.name for row in session.exec(select(Heartbeat))] == ["new"]
