"""Access is over while our own PostgreSQL cannot be reached: it ends soon after the network is well again."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from access import store
from access.clock import HostClock
from access.grants.end import RevokeHandler
from access.models import GrantStatus
from access.monitor.sweep import Schedule
from access.store import Database
from tests.databases import PostgresDatabases
from tests.network.conftest import FAULTS, Between
from tests.waiting import wait_until
from tests.world import World
from workers.dispatch import Dispatcher
from workers.lanes import Lanes
from workers.timekeeper import Timekeeper

SHORTEST = 5 / 60
"""Minutes; less is not granted to anybody."""
SOON = 15.0
"""Seconds: one wait for an answer that was under way, one for a connection that did not come about, and a sweep."""


@pytest.fixture
def url(postgres_databases: PostgresDatabases) -> Iterator[str]:
    with postgres_databases.fresh() as url:
        yield url


def keeper_of(database: Database, world: World) -> Timekeeper:
    """As a process of its own has it, without Redis."""
    core = replace(world.core, database=database)
    return Timekeeper(
        schedule=Schedule(core), agenda=None, queues=None, clock=core.clock, name="timekeeper",
        lanes_factory=lambda _queue, on_leak: Lanes(
            Dispatcher({"grant": [RevokeHandler(core, world.targets)]}), on_leak=on_leak
        ),
    )  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_what_was_over_meanwhile_ends_soon_afterwards(
    url: str, between: Between, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr(store, "ANSWER_WITHIN", 2.0)
    parsed = sa.make_url(url)
    proxy = between((str(parsed.host), int(parsed.port or 0)))
    near = Database(url)
    far = Database(parsed.set(port=proxy.port).render_as_string(hide_password=False))
    world = World.make(near, tmp_path)
    world = replace(world, core=replace(world.core, clock=HostClock()))
    grant = world.open(minutes=SHORTEST)
    assert grant.status == GrantStatus.ACTIVE
    keeper = keeper_of(far, world)
    thread = threading.Thread(target=keeper.run)
    thread.start()
    try:
        wait_until(lambda: proxy.accepted, "the timekeeper to look")
        FAULTS[fault](proxy)
        over = grant.expires_at
        assert over is not None
        wait_until(lambda: world.core.clock.now() > over, "the access to be over", every=0.2)
        proxy.heal()

        wait_until(lambda: world.again(grant).status == GrantStatus.ENDED, "its end", within=SOON, every=0.1)
        assert thread.is_alive(), "the process need not be started again"
        ended = world.again(grant)
        assert ended.proven_at is not None
        assert ended.proven_at >= over
        assert world.server.holders == {}
        assert world.verified().flaw is None
    finally:
        proxy.heal()
        keeper.stop()
        thread.join()
        far.close()
        near.close()
