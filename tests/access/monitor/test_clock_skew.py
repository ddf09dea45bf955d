"""Clocks that drift apart while a process runs: it grants nothing, somebody is told, and it ends what has to end."""

from datetime import timedelta

from access.models import Alert, AlertKind, GrantStatus
from access.monitor.clock_skew import note_skew
from access.monitor.sweep import Schedule
from tests.world import World

HOST = "db-tools-2"


def drift(world: World, **apart: float) -> None:
    """As when it was measured anew."""
    world.clock.offset = timedelta(**apart)
    note_skew(world.core, HOST)


def alerts(world: World) -> list[Alert]:
    return [one for one in world.alerts() if one.kind == AlertKind.CLOCKS]


def test_nothing_is_granted_while_they_differ_and_it_is_when_they_agree_again(world: World) -> None:
    drift(world, seconds=-31)
    grant = world.scheduled()
    world.work()
    assert world.again(grant).status == GrantStatus.SCHEDULED

    drift(world, seconds=1)
    world.pass_time(seconds=10)
    assert world.again(grant).status == GrantStatus.ACTIVE


def test_what_is_open_ends_on_time_all_the_same(world: World) -> None:
    grant = world.open(minutes=5)
    drift(world, minutes=10)

    world.pass_time(minutes=5)

    assert world.again(grant).status == GrantStatus.ENDED


def test_somebody_is_told_once_and_told_when_it_is_over(world: World) -> None:
    drift(world, seconds=31)
    drift(world, seconds=45)
    (alert,) = alerts(world)
    assert alert.sentence == (
        "The clocks of db-tools-2 and of the database are 31 s apart: nothing is granted from there."
    )
    assert alert.closed_at is None

    drift(world, seconds=30)
    (alert,) = alerts(world)
    assert alert.closed_at is not None


def test_clocks_that_agree_are_no_news(world: World) -> None:
    drift(world, seconds=29)

    assert alerts(world) == []
    assert world.events() == []


def test_one_host_says_nothing_of_another(world: World) -> None:
    Schedule(world.core).beat(f"grant@{HOST}:17", "grant")
    drift(world, minutes=1)
    world.clock.offset = timedelta(0)

    note_skew(world.core, "db-tools-1")

    (alert,) = alerts(world)
    assert alert.closed_at is None


def test_what_was_said_of_a_host_that_is_gone_is_over(world: World) -> None:
    Schedule(world.core).beat(f"grant@{HOST}:17", "grant")
    drift(world, minutes=1)
    world.clock.offset = timedelta(0)
    world.clock.tick(minutes=6)

    note_skew(world.core, "db-tools-1")

    (alert,) = alerts(world)
    assert alert.closed_at is not None
