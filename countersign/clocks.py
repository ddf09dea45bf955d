"""Measures, while a process runs, how far the database's clock is ahead of the host's: either may be set, or drift."""

import socket
from functools import partial

from access.clock import HostClock
from access.core import Core
from access.monitor.clock_skew import note_skew
from access.store import Database
from countersign.wiring import Parts, measured_offset
from workers.repeated import Repeated

EVERY_SECONDS = 30.0


def measuring(made: Parts) -> Repeated:
    """While it is entered, this process goes by the database's clock, and tells when the host's is far from it."""
    clock = made.core.clock
    assert isinstance(clock, HostClock), "only tests have another"
    again = partial(measure, made.core, clock, made.database)
    failed = "the database's clock cannot be asked; the last answer counts"
    return Repeated("clocks", again, every=EVERY_SECONDS, failed=failed)


def measure(core: Core, clock: HostClock, database: Database) -> None:
    """Once."""
    clock.offset = measured_offset(database)
    note_skew(core, socket.gethostname())
