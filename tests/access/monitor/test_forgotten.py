"""A failover or a restore forgets a row while its worker is at the target: the rest of the batch is written."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from access.models import CheckKind, Grant, GrantStatus, PeriodicCheck, RoleClaim, SharedRole
from access.monitor.schedule_checks import schedule_checks
from access.reconcile.drift import Drift
from access.store import Database
from tests.cast import BEN
from tests.shared_target import SharedWorld
from tests.world import World, deadline
from workers.handlers import Handler


def forget(world: World, grant: Grant) -> None:
    """The rows are as they were before there was this grant."""
    with world.core.database.write() as session:
        session.connection().execute(sa.delete(RoleClaim).where(col(RoleClaim.grant_id) == grant.id))
        session.connection().execute(sa.delete(Grant).where(col(Grant.id) == grant.id))


def due(world: World, business: str) -> tuple[Handler[Any, Any], list[Grant]]:
    """Two grants that this business has something to do for."""
    if business == "activate":
        return world.activation, [world.scheduled(), world.scheduled(by=BEN)]
    grants = [world.open(), world.open(by=BEN)]
    if business == "remove":
        world.clock.tick(minutes=60)
        return world.deactivation, grants
    for grant, by in zip(grants, (grants[0].subject_slack, BEN), strict=True):
        world.approve(world.extend(grant, by=by))
    return world.extension, grants


DONE = {"activate": GrantStatus.ACTIVE, "remove": GrantStatus.ENDED, "extend": GrantStatus.ACTIVE}


@pytest.mark.parametrize("business", DONE)
def test_what_came_of_the_others_is_written(world: World, business: str, caplog: pytest.LogCaptureFixture) -> None:
    does, (lost, kept) = due(world, business)
    claimed = does.claim([lost.id, kept.id])
    results = [does.act(one, deadline()) for one in claimed]
    forget(world, lost)

    does.commit(results)

    assert len(results) == 2
    assert world.again(kept).status == DONE[business]
    assert world.again(kept).target_expiry_stale_since is None
    (said,) = [one.getMessage() for one in caplog.records]
    assert said.startswith(f"{lost.id} may have ")
    assert said.endswith("but the rows no longer know it; the comparison of a restored database finds it")


@pytest.mark.parametrize("business", DONE)
def test_the_others_are_given_back_at_once(world: World, business: str, caplog: pytest.LogCaptureFixture) -> None:
    does, (lost, kept) = due(world, business)
    claimed = does.claim([lost.id, kept.id])
    forget(world, lost)

    does.release(claimed)

    assert [one.id for one in does.claim([kept.id])] == [kept.id]
    assert lost.id in caplog.text


@pytest.fixture
def shared(database: Database, tmp_path: Path) -> SharedWorld:
    return SharedWorld.make(database, tmp_path)


def taken(world: World) -> list[SharedRole]:
    with world.core.database.read() as session:
        return [share for share in session.exec(select(SharedRole)) if share.locked_by is not None]


@pytest.mark.parametrize("how", ["commit", "release"])
def test_where_grants_share_its_turn_is_left(shared: SharedWorld, how: str) -> None:
    grant = shared.scheduled(minutes=30)
    (claimed,) = shared.activation.claim([grant.id])
    result = shared.activation.act(claimed, deadline())
    assert taken(shared) != []
    forget(shared, grant)

    if how == "commit":
        shared.activation.commit([result])
    else:
        shared.activation.release([claimed])

    assert taken(shared) == []


@pytest.mark.parametrize("how", ["commit", "release"])
def test_so_is_the_turn_of_an_end(shared: SharedWorld, how: str) -> None:
    grant = shared.open(minutes=30)
    for _ in range(4):
        shared.pass_time(seconds=1)
    assert shared.again(grant).status == GrantStatus.ACTIVE
    shared.clock.tick(minutes=30)
    (claimed,) = shared.deactivation.claim([grant.id])
    result = shared.deactivation.act(claimed, deadline())
    assert taken(shared) != []
    forget(shared, grant)

    if how == "commit":
        shared.deactivation.commit([result])
    else:
        shared.deactivation.release([claimed])

    assert taken(shared) == []


def test_a_share_that_is_forgotten_is_not_noted(shared: SharedWorld) -> None:
    grant = shared.scheduled(minutes=30)
    (claimed,) = shared.activation.claim([grant.id])
    result = shared.activation.act(claimed, deadline())
    with shared.core.database.write() as session:
        session.connection().execute(sa.delete(RoleClaim))
        session.connection().execute(sa.delete(SharedRole))

    shared.activation.commit([result])

    assert shared.again(grant).due_at == shared.clock.now()


def test_a_look_goes_on_with_what_else_is_gone(world: World, caplog: pytest.LogCaptureFixture) -> None:
    lost, kept = world.open(minutes=120), world.open(by=BEN, minutes=120)
    world.work()
    world.server.holders.clear()
    look_at(world)
    (claimed,) = Drift(world.core, world.targets).claim(due_checks(world))
    result = Drift(world.core, world.targets).act(claimed, deadline())
    forget(world, lost)

    Drift(world.core, world.targets).commit([result])

    assert world.again(kept).status == GrantStatus.REVOKING
    assert [one.subject for one in world.alerts()] == [kept.id]
    assert f"{lost.id} differs at its target" in caplog.text


def look_at(world: World) -> None:
    """The first of two looks."""
    schedule_checks(world.core)
    world.compare(due_checks(world))


def due_checks(world: World) -> list[str]:
    """When it is due."""
    with world.core.database.read() as session:
        (one,) = session.exec(select(PeriodicCheck).filter_by(kind=CheckKind.DRIFT)).all()
    world.clock.time = max(world.clock.now(), one.due_at)
    return [one.id]
