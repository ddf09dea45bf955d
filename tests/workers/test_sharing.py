"""Workers of one queue share what is due at once, so that none is idle while thousands wait at another."""

import threading
from collections.abc import Sequence
from pathlib import Path

from redis import Redis

from access.ports import AgendaItem
from tests.waiting import wait_until
from tests.workers.engine import CLOCK, SEAL, Engine
from tests.workers.rows import Rows
from tests.workers.targets import ids
from workers.handlers import Route
from workers.jobs import JobQueues

MANY = ids(6_000)


class Seen(Rows):
    """Rows as one worker sees them, with what it was brought; `slow`: seconds more that it needs for each job."""

    def __init__(self, path: Path, slow: float = 0.0) -> None:
        super().__init__(path)
        self.brought = 0
        self._slow = slow

    def ranks(self, items: Sequence[str]) -> dict[str, int]:
        threading.Event().wait(self._slow)
        self.brought += len(items)
        return super().ranks(items)


def test_a_worker_that_is_quick_at_taking_leaves_the_other_its_share(
    engine: Engine, rows: Rows, redis: Redis, tmp_path: Path
) -> None:
    let_go = threading.Event()
    engine.act = lambda _id, _deadline: let_go.wait(30)
    quick, slow = Seen(tmp_path / "rows.db"), Seen(tmp_path / "rows.db", slow=0.006)
    rows.add(*MANY)
    with engine.worker(rows=quick), engine.worker(rows=slow):
        wait_until(lambda: redis.info("clients")["blocked_clients"] == 2, "both workers to wait for a job")
        routes = [Route(AgendaItem(f"grant:{one}"), one, "revoke", "crm") for one in MANY]
        JobQueues(redis, SEAL, CLOCK).send(routes)
        wait_until(lambda: quick.brought + slow.brought == len(MANY), "all jobs to be taken", within=30)
        let_go.set()

    assert slow.brought > 0.3 * len(MANY), (quick.brought, slow.brought)
