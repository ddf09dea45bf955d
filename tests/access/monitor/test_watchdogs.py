"""Alerts about those who should look after everything else, by whoever still lives."""

from dataclasses import replace
from datetime import timedelta

import pytest

from access.actors import system
from access.messages.outbox import Delivery, Outbox
from access.models import AlertKind, MessageKind
from access.monitor.routing import PAGES, SLACK
from access.monitor.sweep import Schedule
from access.monitor.watchdogs import OLD, SILENT, Seen, Watch
from tests.cast import SECURITY
from tests.world import World


@pytest.fixture
def kept(world: World) -> World:
    """Somebody keeps time."""
    world.work()
    beat(world)
    return world


def beat(world: World, kind: str = "timekeeper") -> None:
    Schedule(world.core).beat(f"{kind}@host:1", kind)


def look(world: World, seen: Seen | None = Seen()) -> list[str]:  # noqa: B008 -- it is frozen
    """What is to be told in Slack."""
    undelivered = Watch(world.core).look(seen)
    assert world.core.pages or PAGES not in undelivered
    return undelivered.get(SLACK, [])


def open_alerts(world: World) -> list[tuple[str, str]]:
    return sorted((alert.kind, alert.subject) for alert in world.alerts() if alert.closed_at is None)


def test_while_all_is_well_nothing_is_said(kept: World) -> None:
    kept.clock.tick(seconds=14)

    assert look(kept, Seen({"grant": OLD})) == []
    assert kept.alerts() == []


def test_when_nobody_keeps_time_whoever_looks_opens_one_alert_and_has_it_to_tell(kept: World) -> None:
    kept.clock.time += SILENT
    beat(kept, "bot")

    told = [look(kept), look(kept)]

    assert open_alerts(kept) == [(AlertKind.TIMEKEEPING, "timekeeper")]
    (message,) = kept.messages(MessageKind.ALERT)
    assert message.recipient == SECURITY
    assert told == [[message.id], [message.id]], "until somebody has it in hand"


def test_an_alert_that_one_has_in_hand_is_no_others_to_tell(kept: World) -> None:
    kept.clock.time += SILENT
    telling = Outbox(kept.core)

    (claimed,) = telling.claim(look(kept))

    assert look(kept) == []
    telling.commit([Delivery(claimed, channel=SECURITY, ts="1.0")])
    assert look(kept) == []
    assert kept.alerts()[0].delivered_at == kept.clock.now()


def test_it_closes_by_itself_when_time_is_kept_again(kept: World) -> None:
    kept.clock.time += SILENT
    look(kept)
    beat(kept)

    look(kept)

    assert open_alerts(kept) == []
    assert len(kept.alerts()) == 1


def test_a_timekeeper_that_was_never_there_is_missed_too(world: World) -> None:
    look(world)

    assert open_alerts(world) == [(AlertKind.TIMEKEEPING, "timekeeper")]


def test_overdue_access_is_alerted_though_nobody_keeps_time(world: World) -> None:
    grant = world.open(minutes=30)
    world.clock.tick(hours=2)

    undelivered = look(world)

    assert (AlertKind.OVERDUE, grant.id) in open_alerts(world)
    assert {message.id for message in world.messages(MessageKind.ALERT)} == set(undelivered)


def test_while_time_is_kept_an_alert_has_its_turn_before_others_tell_it(kept: World) -> None:
    Schedule(kept.core).timers.lost()
    assert look(kept) == []

    kept.clock.time += OLD

    assert look(kept) == [kept.messages(MessageKind.ALERT)[0].id]


def test_each_queue_whose_head_is_old_is_an_alert_until_it_is_taken(kept: World) -> None:
    old = OLD + timedelta(seconds=2)
    look(kept, Seen({"grant": old, "revoke": old, "tell": OLD}))
    assert open_alerts(kept) == [(AlertKind.QUEUE, "grant"), (AlertKind.QUEUE, "revoke")]
    assert any("in the queue grant for 12 s" in alert.sentence for alert in kept.alerts())

    look(kept, Seen({"revoke": old}))

    assert open_alerts(kept) == [(AlertKind.QUEUE, "revoke")]


def test_while_redis_cannot_be_asked_nothing_is_said_of_its_queues(kept: World) -> None:
    look(kept, Seen({"revoke": OLD * 2}, failing=True))
    before = open_alerts(kept)

    look(kept, None)

    assert open_alerts(kept) == before == [(AlertKind.JOBS, "jobs"), (AlertKind.QUEUE, "revoke")]


def test_failed_jobs_are_an_alert_until_there_were_none_for_a_while(kept: World) -> None:
    look(kept, Seen(failing=True))
    assert open_alerts(kept) == [(AlertKind.JOBS, "jobs")]

    look(kept)

    assert open_alerts(kept) == []


def test_a_sweep_that_fails_is_an_alert_until_one_works(world: World) -> None:
    schedule = Schedule(world.core)
    schedule.sweep_fails(5, "OperationalError at store.py:88")
    schedule.sweep_fails(10, "OperationalError at store.py:88")
    assert open_alerts(world) == [(AlertKind.SWEEP, "sweep")]

    schedule.sweep_works()

    assert open_alerts(world) == []


def test_what_nobody_keeps_time_for_is_paged_too(kept: World) -> None:
    kept.core = replace(kept.core, pages=True)
    kept.clock.time += SILENT

    undelivered = Watch(kept.core).look(Seen({"revoke": OLD * 2}, failing=True))

    pages = kept.messages(MessageKind.PAGE)
    assert len(pages) == len(open_alerts(kept)) == 3
    assert sorted(undelivered[PAGES]) == sorted(message.id for message in pages)
    assert {message.recipient for message in pages} == {"webhook"}


def test_an_alert_opened_by_one_who_cannot_page_is_paged_by_one_who_can(kept: World) -> None:
    kept.clock.time += SILENT
    look(kept)
    assert kept.messages(MessageKind.PAGE) == []
    kept.core = replace(kept.core, pages=True)

    for _ in range(2):
        look(kept)

    (page,) = kept.messages(MessageKind.PAGE)
    assert page.subject == kept.alerts()[0].id


def test_what_can_wait_until_somebody_looks_into_slack_is_not_paged(kept: World) -> None:
    kept.core = replace(kept.core, pages=True)
    with kept.core.work(system("test")) as work:
        for kind in AlertKind:
            work.open_alert(kind, "something", "Something is wrong.", channel=SECURITY)
    look(kept)

    paged = {message.subject for message in kept.messages(MessageKind.PAGE)}
    left = {alert.kind for alert in kept.alerts() if alert.id not in paged and alert.subject == "something"}
    assert left == {
        AlertKind.POLICY, AlertKind.PROVIDER, AlertKind.STANDING, AlertKind.RIGHTS, AlertKind.LEFTOVER,
        AlertKind.UNDELIVERED, AlertKind.UNANSWERABLE,
    }  # fmt: skip
