"""Timekeepers and workers in threads, on one Redis and one set of rows."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from access.clock import HostClock
from access.ports import Deadline
from tests.workers.rows import Act, Rows, answers
from workers.agenda import AGENDA, RedisAgenda
from workers.dispatch import Dispatched, DispatchedResult
from workers.handlers import Queue
from workers.jobs import JobQueues
from workers.lanes import Lanes, ranks_of
from workers.pacing import Limits
from workers.queue_worker import WorkerProcess
from workers.redis_connection import connect, connect_waiting
from workers.signing import Seal
from workers.timekeeper import Timekeeper

SEAL = Seal([bytes(range(32))])
CLOCK = HostClock()


@dataclass
class Engine:
    """A timekeeper and workers on one Redis and one set of rows, each in a thread."""

    rows: Rows
    url: str
    act: Act = answers
    limits: Limits = field(default_factory=Limits)
    swept: Callable[[float], None] = lambda _seconds: None
    unwritten: Callable[[str], None] = lambda _why: None
    by_hand: list[str] = field(default_factory=list)
    """Ids the timekeeper worked on itself."""
    ending: ExitStack = field(default_factory=ExitStack)
    """What is to end when the test is over: threads that were told to stop, then their connections."""

    @contextmanager
    def timekeeper(self, name: str = "timekeeper") -> Iterator[threading.Thread]:
        redis = self.ending.enter_context(connect_waiting(self.url))
        keeper = Timekeeper(
            schedule=self.rows,
            agenda=RedisAgenda(redis),
            queues=JobQueues(redis, SEAL, CLOCK),
            lanes_factory=self.lanes,
            clock=CLOCK,
            name=name,
            swept=self.swept,
            unwritten=self.unwritten,
        )
        with self.running(keeper.run, keeper.stop) as thread:
            yield thread

    @contextmanager
    def timekeeper_without_redis(self) -> Iterator[threading.Thread]:
        keeper = Timekeeper(
            schedule=self.rows, agenda=None, queues=None, lanes_factory=self.lanes, clock=CLOCK, name="timekeeper"
        )
        with self.running(keeper.run, keeper.stop) as thread:
            yield thread

    def lanes(self, queue: Queue, on_leak: Callable[[], None]) -> Lanes[Dispatched, DispatchedResult]:
        business = self.rows.dispatcher(queue, self._act_by_hand)
        ranks = ranks_of(queue, self.rows)
        return Lanes(business, on_leak=on_leak, limits=lambda _target: self.limits, ranks=ranks)

    @contextmanager
    def worker(self, queue: Queue = "revoke", rows: Rows | None = None) -> Iterator[threading.Thread]:
        """`rows`: the same ones as another host sees them."""
        redis, rows = self.ending.enter_context(connect_waiting(self.url)), rows or self.rows
        process = WorkerProcess(
            queue,
            redis=redis,
            seal=SEAL,
            business=rows.dispatcher(queue, self.act),
            schedule=rows,
            clock=CLOCK,
            name=f"worker-{queue}",
            limits=lambda _target: self.limits,
        )
        with self.running(process.run, process.stop) as thread:
            yield thread

    def tell_agenda(self, *ids: str) -> None:
        with connect(self.url) as redis:
            RedisAgenda(redis).add(self.rows.items(*ids))

    def due(self, identifier: str) -> float:
        """When the agenda says so, in seconds since 1970; nought when it does not."""
        ((item, _),) = self.rows.items(identifier)
        with connect(self.url) as redis:
            return float(redis.zscore(AGENDA, item) or 0)

    @contextmanager
    def running(self, run: Callable[[], None], stop: Callable[[], None]) -> Iterator[threading.Thread]:
        """In a thread that is told to stop at the end, and waited for when the test is over."""
        thread = threading.Thread(target=run)
        thread.start()
        self.ending.callback(thread.join)
        try:
            yield thread
        finally:
            stop()

    def _act_by_hand(self, identifier: str, deadline: Deadline) -> bool:
        self.by_hand.append(identifier)
        return self.act(identifier, deadline)
