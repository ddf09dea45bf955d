"""A restored database where grants share what they give: what it forgot bears no grant's name, and is told."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from access.actors import by_slack
from access.grants.revoke import return_access
from access.models import AlertKind, EndedBy, Grant, GrantStatus
from access.store import Database
from tests.access.reconcile.test_restored import Notebook, backed_up, restored, told
from tests.cast import ANN, BEN
from tests.shared_target import SharedWorld

LOOK = ("look", "ann")


@pytest.fixture
def shared(database: Database, database_url: str, tmp_path: Path) -> SharedWorld:
    """The target says what the bot gave; a database of the test's own goes with it."""
    world = SharedWorld.make(database, tmp_path)
    world.targets.server.given = set()
    world.core = replace(world.core, marks=Notebook())
    return world


def opened(world: SharedWorld) -> Grant:
    grant = world.scheduled(minutes=120)
    settle(world)
    assert LOOK in world.members
    return world.again(grant)


def settle(world: SharedWorld) -> None:
    for _ in range(6):
        world.work()
        world.clock.tick(seconds=1)


def live_until(world: SharedWorld, over: Callable[[], bool]) -> None:
    for _ in range(20):
        if over():
            return
        world.live_through(seconds=30)
    pytest.fail("ten minutes were not enough")


def test_membership_that_it_forgot_is_told_and_left_alone(
    shared: SharedWorld, database: Database, database_url: str
) -> None:
    restore = backed_up(shared, database, database_url)
    opened(shared)
    restored(shared, database, restore)
    assert shared.grants() == []

    live_until(shared, lambda: told(shared).closed_at is not None)

    (alert,) = [one for one in shared.alerts() if one.closed_at is None]
    assert (alert.kind, alert.subject) == (AlertKind.DRIFT, "customers-db look of ann")
    assert alert.delivered_at is not None
    assert LOOK in shared.members, "nobody knows whose it is"
    shared.ask(by=BEN)  # the gate is open

    shared.targets.server.remove({LOOK})
    shared.live_through(minutes=15)
    assert [one for one in shared.alerts() if one.closed_at is None] == []


def test_membership_that_an_earlier_grant_explains_is_taken_away(
    shared: SharedWorld, database: Database, database_url: str
) -> None:
    known = opened(shared)
    return_access(shared.core, grant_id=known.id, by=by_slack(ANN))
    settle(shared)
    assert (shared.again(known).status, shared.members) == (GrantStatus.ENDED, set())
    restore = backed_up(shared, database, database_url)
    opened(shared)
    restored(shared, database, restore)

    live_until(shared, lambda: told(shared).closed_at is not None)
    shared.live_through(minutes=2)

    assert shared.members == set()
    again = shared.grants()[-1]
    assert (again.supersedes_grant_id, again.status, again.ended_by) == (known.id, GrantStatus.ENDED, EndedBy.DRIFT)
    assert [one for one in shared.alerts() if one.closed_at is None] == []
