"""A worker in a process of its own: `python -m tests.workers.worker_program REDIS_URL ROWS CLAIM_SECONDS`.

Its calls hang as long as there is a file `hang` beside the rows.
"""

import sys
import time
from pathlib import Path

from access.clock import HostClock
from access.ports import Deadline
from tests.workers.rows import Rows
from workers.queue_worker import WorkerProcess
from workers.redis_connection import connect_waiting
from workers.signing import Seal
from workers.stopping import stop_on_signals


def main(url: str, path: Path, claim_seconds: float) -> None:
    rows = Rows(path, claim_seconds)

    def act(_id: str, _deadline: Deadline) -> bool:
        while path.with_name("hang").exists():
            time.sleep(0.01)
        return True

    process = WorkerProcess(
        "revoke",
        redis=connect_waiting(url),
        seal=Seal([bytes(range(32))]),
        business=rows.dispatcher("revoke", act),
        schedule=rows,
        clock=HostClock(),
        name="program",
    )
    stop_on_signals(process.stop)
    process.run()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]))
