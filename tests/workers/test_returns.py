"""A target comes back: what waits for it is gone at once, by real timekeepers and lanes, not when each pause ends."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import col

from access.clock import HostClock
from access.grants.claims import LONGEST_PAUSE
from access.grants.end import RevokeHandler
from access.models import EndedBy, Grant, GrantStatus
from access.monitor.sweep import Schedule
from access.store import Database
from tests.cast import ANN, BEN
from tests.redis_server import RedisServer
from tests.waiting import wait_until
from tests.workers.engine import SEAL
from tests.world import World
from workers.agenda import RedisAgenda
from workers.dispatch import Dispatcher
from workers.jobs import JobQueues
from workers.lanes import Lanes
from workers.queue_worker import WorkerProcess
from workers.redis_connection import connect, connect_waiting
from workers.timekeeper import Timekeeper

pytestmark = pytest.mark.both_databases
SOON = 15.0
"""Seconds; the pauses last for half as long again at least."""


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    world = World.make(database, tmp_path)
    return replace(world, core=replace(world.core, clock=HostClock()))


def overdue(world: World) -> list[Grant]:
    """Access whose end has failed so often that its pauses no longer grow."""
    world.server.weather = "fine"
    grants = [
        world.open(by=person, entitlement=role, minutes=30)
        for person in (ANN, BEN) for role in ("customers-db/read", "customers-db/fix-orders")
    ]  # fmt: skip
    now = world.core.clock.now()
    values = {
        "status": GrantStatus.REVOKING, "ended_by": EndedBy.EXPIRED, "expires_at": now, "end_due_at": now,
        "alert_at": None, "attempts": 10, "due_at": now,
    }  # fmt: skip
    with world.core.database.write() as session:
        session.connection().execute(sa.update(Grant).values(values))
    world.server.weather = "down"
    world.remove(*grants)
    assert all(one.due_at > now + LONGEST_PAUSE / 3 for one in world.grants() if one.due_at)
    return grants


@contextmanager
def running(process: Timekeeper | WorkerProcess) -> Iterator[None]:
    thread = threading.Thread(target=process.run)
    thread.start()
    try:
        yield
    finally:
        process.stop()
        thread.join()


def left(world: World) -> int:
    with world.core.database.read() as session:
        return session.exec(sa.select(sa.func.count()).where(col(Grant.status) != GrantStatus.ENDED)).scalar_one()  # pyright: ignore[reportCallIssue, reportArgumentType] -- of SQLAlchemy


def test_without_redis_the_sweep_alone_notices_the_return(world: World) -> None:
    overdue(world)
    keeper = Timekeeper(
        schedule=Schedule(world.core), agenda=None, queues=None, clock=world.core.clock, name="timekeeper",
        lanes_factory=lambda _queue, on_leak: Lanes(
            Dispatcher({"grant": [RevokeHandler(world.core, world.targets)]}), on_leak=on_leak
        ),
    )  # fmt: skip
    with running(keeper):
        called = len(world.server.calls)
        wait_until(lambda: len(world.server.calls) > called + 1, "the target to be tried", within=SOON)
        assert left(world) == 4
        world.server.weather = "fine"
        wait_until(lambda: left(world) == 0, "all to be gone", within=SOON)


def test_two_workers_and_two_timekeepers_notice_it_by_one_grant_and_end_each_once(
    world: World, own_redis: RedisServer
) -> None:
    own_redis.start()
    with connect(own_redis.url) as quick, connect_waiting(own_redis.url) as waiting:
        core = replace(world.core, agenda=RedisAgenda(quick))
        overdue(world)
        keepers = [
            Timekeeper(
                schedule=Schedule(core), agenda=RedisAgenda(waiting), queues=JobQueues(waiting, SEAL, core.clock),
                lanes_factory=lambda *_: pytest.fail("workers do the work"), clock=core.clock, name=f"keeper-{number}",
            ) for number in range(2)
        ]  # fmt: skip
        workers = [
            WorkerProcess(
                "revoke", redis=waiting, seal=SEAL, clock=core.clock, name=f"revoke@here:{number}",
                business=Dispatcher({"grant": [RevokeHandler(core, world.targets, worker=f"revoke@here:{number}")]}),
                schedule=Schedule(core),
            ) for number in range(2)
        ]  # fmt: skip
        with running(keepers[0]), running(keepers[1]), running(workers[0]), running(workers[1]):
            called = len(world.server.calls)
            wait_until(lambda: len(world.server.calls) > called, "the target to be tried", within=SOON)
            world.server.weather = "fine"
            wait_until(lambda: left(world) == 0, "all to be gone", within=SOON)

    assert len(world.events("grant.ended")) == 4
