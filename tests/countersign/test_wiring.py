"""Each process measures how far the database's clock is from its own."""

import threading
from datetime import datetime, timedelta
from typing import cast

from access.clock import host_now
from access.store import Database
from countersign.wiring import measured_offset

AHEAD = timedelta(seconds=3)


class BusyDatabase:
    """Its clock is ahead; each answer is on its way back for so many seconds."""

    def __init__(self, *ways_back: float) -> None:
        self._ways_back = list(ways_back)

    def time(self) -> datetime:
        theirs = host_now() + AHEAD
        threading.Event().wait(self._ways_back.pop())
        return theirs


def test_quick_round_trips_tell_the_offset_among_slow_ones() -> None:
    database = cast(Database, BusyDatabase(0.06, 0.0, 0.06, 0.0, 0.06, 0.0, 0.06))

    assert abs(measured_offset(database) - AHEAD) < timedelta(milliseconds=15)
