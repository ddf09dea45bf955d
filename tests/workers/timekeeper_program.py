"""A timekeeper in a process of its own, killed as it sends its first job: `python -m … REDIS_URL ROWS`."""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from access.clock import HostClock
from tests.workers.rows import Rows
from workers.agenda import RedisAgenda
from workers.handlers import Queue, Route
from workers.redis_connection import connect_waiting
from workers.timekeeper import Timekeeper


class Deadly:
    """Where nothing arrives."""

    def send(self, routes: Sequence[Route]) -> int:
        os.kill(os.getpid(), signal.SIGKILL)
        return len(routes)

    def prove(self) -> None:
        """Nothing is amiss."""


def no_lanes(queue: Queue, on_leak: object) -> Any:
    raise AssertionError("with a Redis that is well, workers do the work")


def main(url: str, path: Path) -> None:
    Timekeeper(
        schedule=Rows(path),
        agenda=RedisAgenda(connect_waiting(url)),
        queues=Deadly(),
        lanes_factory=no_lanes,
        clock=HostClock(),
        name="killed",
    ).run()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
