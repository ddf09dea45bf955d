"""What is overdue is listed at the start, or nothing new is taken."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from access.errors import NotNow
from access.grants.admission import UNLISTED
from access.grants.unlisted import Overdue
from access.models import AlertKind, GrantStatus, MessageKind
from tests.cast import SECURITY
from tests.world import World


@contextmanager
def without_grants(world: World) -> Iterator[None]:
    """The database answers, but nobody can read its grants."""
    rename(world, "grant", "grant_away")
    yield
    rename(world, "grant_away", "grant")


def rename(world: World, old: str, new: str) -> None:
    with world.core.database.engine().begin() as connection:
        connection.exec_driver_sql(f'ALTER TABLE "{old}" RENAME TO "{new}"')


def open_alerts(world: World) -> list[tuple[str, str]]:
    return [(alert.kind, alert.subject) for alert in world.alerts() if alert.closed_at is None]


def test_where_all_is_well_nothing_is_said(world: World) -> None:
    assert Overdue(world.core).look()
    assert world.alerts() == []


def started(world: World, caplog: pytest.LogCaptureFixture) -> list[str]:
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="access.grants.unlisted"):
        assert Overdue(world.core).look()
    return caplog.messages


def test_what_is_about_to_open_or_still_open_is_not_called_past_its_end(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.scheduled(entitlement="customers-db/fix-orders")
    world.open(minutes=30)

    assert started(world, caplog) == []


def test_how_many_are_past_their_end_is_said_as_people_say_it(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.open(minutes=30)
    world.open(minutes=40, entitlement="customers-db/fix-orders")

    world.clock.tick(minutes=30)
    assert started(world, caplog) == [], "it is just being ended"

    world.clock.tick(minutes=1)
    assert started(world, caplog) == ["1 grant is past the end, and must still be proven gone"]

    world.clock.tick(minutes=10)
    assert started(world, caplog) == ["2 grants are past the end, and must still be proven gone"]


def test_until_it_can_be_listed_nothing_is_asked_approved_or_granted(world: World) -> None:
    asked = world.ask()
    scheduled = world.scheduled(entitlement="customers-db/fix-orders")
    starting = Overdue(world.core)
    with without_grants(world):
        assert not starting.look()
        assert not starting.look()
    assert open_alerts(world) == [(AlertKind.SWEEP, UNLISTED)]
    assert [message.recipient for message in world.messages(MessageKind.ALERT)] == [SECURITY]

    world.deny(asked)
    with pytest.raises(NotNow, match="cannot list what should have ended"):
        world.ask()
    world.activate(scheduled)
    assert world.again(scheduled).status == GrantStatus.SCHEDULED

    assert starting.look()
    assert open_alerts(world) == []
    world.approve(world.ask())


def test_what_is_open_ends_all_the_same(world: World) -> None:
    grant = world.open(minutes=30)
    with without_grants(world):
        Overdue(world.core).look()
    world.pass_time(minutes=30)

    assert world.again(grant).status == GrantStatus.ENDED


def test_what_was_listed_once_is_not_listed_again(world: World) -> None:
    started = Overdue(world.core)
    assert started.look()
    with without_grants(world):
        assert started.look()

    assert world.alerts() == []


def test_the_next_start_closes_what_an_earlier_one_left(world: World) -> None:
    with without_grants(world):
        Overdue(world.core).look()

    assert Overdue(world.core).look()
    assert open_alerts(world) == []
