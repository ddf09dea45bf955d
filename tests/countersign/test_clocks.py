"""A process measures its clock while it runs, not only when it starts."""

import socket
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from access.clock import HostClock, host_now
from access.core import Core
from access.models import AlertKind
from access.store import Database
from countersign.clocks import measure
from tests.world import World


class Skewed:
    """A database whose clock is ahead by so much."""

    def __init__(self, **ahead: float) -> None:
        self.ahead = timedelta(**ahead)

    def time(self) -> datetime:
        return host_now() + self.ahead


def test_the_clock_follows_the_databases_and_the_alert_follows_the_clock(database: Database, tmp_path: Path) -> None:
    world = World.make(database, tmp_path)
    clock, skewed = HostClock(), Skewed(minutes=2)
    core = Core(database, clock, world.agenda, world.core.policy, world.core.providers)
    its: Any = skewed

    measure(core, clock, its)
    assert abs(clock.offset - timedelta(minutes=2)) < timedelta(seconds=1)
    assert abs(clock.now() - its.time()) < timedelta(seconds=1)
    assert [(alert.kind, alert.subject) for alert in world.alerts()] == [(AlertKind.CLOCKS, socket.gethostname())]

    skewed.ahead = timedelta(0)
    measure(core, clock, its)
    assert abs(clock.offset) < timedelta(seconds=1)
    (alert,) = world.alerts()
    assert alert.closed_at is not None


def test_a_database_that_tells_its_time_is_asked_for_it(database: Database, tmp_path: Path) -> None:
    world = World.make(database, tmp_path)
    clock = HostClock(offset=timedelta(hours=1))
    core = Core(database, clock, world.agenda, world.core.policy, world.core.providers)

    measure(core, clock, database)

    assert abs(clock.offset) < timedelta(seconds=1)
