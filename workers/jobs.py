"""RQ jobs that carry a signed order and nothing else: how they are sent, and what is refused when one is read back.

Redis is not trusted. A job's hash may name functions to call at success, at failure or when stopped, addresses to post
to, jobs to start next; RQ signs none of it. So a job of ours is built from its signed order alone, a hash that says
more is refused, and no name found in Redis is ever looked up.
"""

import logging
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar
from uuid import uuid4

import rq
from redis import Redis
from redis.exceptions import RedisError
from rq.exceptions import NoSuchJobError
from rq.job import Job

from access.agenda_items import ITEM_KINDS, id_of, item_of, kind_of
from access.clock import Clock
from access.ports import AgendaItem
from workers.handlers import FAILING, MAX_AGE, Queue, Route
from workers.signing import Forged, Order, Seal, is_fresh

logger = logging.getLogger(__name__)

HAND_OVER = "hand_over"
FUNCTIONS = frozenset({HAND_OVER})
"""Every function a job may name."""
BATCH = 50
"""Ids in a job: so few that workers who take one after the other share evenly what is due at once."""
REFUSED = "countersign:refused"
"""Counts refused jobs."""

_FAILING_SECONDS = 300

HandOver = Callable[[str, Sequence[AgendaItem]], None]
"""(target, items): takes the items; the next job is looked for once it returns, which is soon."""

_KIND_ENDS = "-"
"""Between the kind and the rest of a job's id."""
_MAX_BYTES = 64 * 1024
_BOOKKEEPING = frozenset(
    {"created_at", "enqueued_at", "started_at", "ended_at", "last_heartbeat", "worker_name", "status", "timeout"}
    | {"result_ttl", "failure_ttl", "ttl"}
)
"""What RQ notes beside an order. None of it is read back."""
_EXPECTED = _BOOKKEEPING | {"data", "origin"}


class RefusedJob(NoSuchJobError):
    """A job that is not ours. RQ takes it for one that is gone, and goes on with the next."""


class GuardedJob(Job):
    """A job whose order was signed by us, for this very job and queue, not long ago. Bound by `guarded`."""

    seal: ClassVar[Seal]
    clock: ClassVar[Clock]
    queue: ClassVar[Queue]
    hand_over: ClassVar[HandOver]
    order: Order

    @classmethod
    def fetch(cls, id: str, connection: Redis | None = None, serializer: Any = None) -> Job:
        """The job of this id. One that is refused is deleted, counted, and named in the log by our words only."""
        assert connection is not None
        try:
            return super().fetch(id, connection=connection, serializer=serializer)
        except RefusedJob as refused:
            why = str(refused)
        except (RedisError, NoSuchJobError):
            raise
        except Exception as error:
            why = f"it cannot be read ({type(error).__name__})"
        connection.delete(Job.key_for(id), Job.dependents_key_for(id))
        count_refused(connection, why)
        raise RefusedJob(why)

    def restore(self, raw_data: Mapping[bytes, bytes]) -> None:
        """Takes the signed order and nothing else from what lies in Redis. Raises RefusedJob."""
        foreign = [name for name, value in raw_data.items() if value and name.decode() not in _EXPECTED]
        if foreign:
            raise RefusedJob("it carries more than our jobs do")
        try:
            order = self.seal.open(_unpacked(raw_data[b"data"]))
        except Forged as forged:
            raise RefusedJob(str(forged)) from None
        if order.job != self.id:
            raise RefusedJob("it carries the order of another job")
        if order.queue != self.queue:
            raise RefusedJob("it was moved here from another queue")
        if order.function not in FUNCTIONS:
            raise RefusedJob("it names a function that is not on the list")
        if not is_fresh(order, self.clock.now(), MAX_AGE):
            raise RefusedJob("it is too old or from the future")
        self.order = order
        self.origin = order.queue
        self.created_at = order.created

    def perform(self) -> None:
        """Hands the items over. The only thing a job can do; RQ's own way would import whatever the job names."""
        type(self).hand_over(self.order.target, items_of(self.order))


def guarded(queue: Queue, seal: Seal, clock: Clock, hand_over: HandOver) -> type[GuardedJob]:
    """The job class of a process that works on `queue`: RQ makes the instances, so what they need is on the class."""
    needed = {"queue": queue, "seal": seal, "clock": clock, "hand_over": staticmethod(hand_over)}
    return type("BoundJob", (GuardedJob,), needed)


class JobQueues:
    """Sends routes to the RQ queues: one job for up to `BATCH` ids of one kind and one target."""

    def __init__(self, redis: Redis, seal: Seal, clock: Clock) -> None:
        self._redis = redis
        self._seal = seal
        self._clock = clock
        self._queues: dict[Queue, rq.Queue] = {}

    def send(self, routes: Sequence[Route]) -> int:
        """All of them in one round trip; returns the number of jobs. Raises RedisError."""
        jobs = 0
        with self._redis.pipeline(transaction=False) as pipeline:
            for queue, target, kind, ids in _batches(routes):
                self._queue(queue).enqueue_job(self._job(queue, target, kind, ids), pipeline=pipeline)
                jobs += 1
            pipeline.execute()
        return jobs

    def prove(self) -> None:
        """Raises RedisError where none could be sent or taken."""
        prove_queues(self._redis)

    def _queue(self, name: Queue) -> rq.Queue:
        if name not in self._queues:
            self._queues[name] = rq.Queue(name, connection=self._redis, serializer="json")
        return self._queues[name]

    def _job(self, queue: Queue, target: str, kind: str, ids: Sequence[str]) -> Job:
        job = Job(f"{kind}{_KIND_ENDS}{uuid4().hex}", connection=self._redis, serializer="json")
        order = Order(job.id, queue, HAND_OVER, target, tuple(ids), self._clock.now())
        job.data = self._seal.close(order)
        job.timeout = 60
        job.result_ttl = 0
        job.failure_ttl = 0
        # A job that is lost vanishes by itself; its ids are still on the agenda and fire again.
        job.ttl = int(MAX_AGE.total_seconds())
        return job


def prove_queues(redis: Redis) -> None:
    """Sends a job to a queue that no worker listens to, and takes it off again. Raises RedisError.

    Timekeepers and workers use commands for it that nothing else does; one may be forbidden, or refused when full.
    """
    queue = rq.Queue("probe", connection=redis, serializer="json")
    job = Job(uuid4().hex, connection=redis, serializer="json")
    job.data, job.ttl = b"", 60
    try:
        queue.enqueue_job(job)
        redis.blmove(queue.key, queue.intermediate_queue_key, 0.002, "RIGHT", "LEFT")  # pyright: ignore[reportArgumentType] -- since 6.0 a part of a second
        redis.hgetall(job.key)
        redis.lrem(queue.intermediate_queue_key, 1, job.id)
    finally:
        redis.delete(job.key, queue.key, queue.intermediate_queue_key)
        redis.srem(rq.Queue.redis_queues_keys, queue.key)


def items_of(order: Order) -> list[AgendaItem]:
    """What a job is about. Its kind stands in the job's id, which is signed: the version before takes no other field.

    That version sends jobs without a kind. What they name may be of any: each is then tried, and the rows know which.
    This second way goes one version later, when no such job can lie in a queue any more.
    """
    kind, there, _ = order.job.partition(_KIND_ENDS)
    return [item_of(one, identifier) for identifier in order.ids for one in ([kind] if there else ITEM_KINDS)]


def _batches(routes: Sequence[Route]) -> Iterator[tuple[Queue, str, str, list[str]]]:
    found: dict[tuple[Queue, str, str], list[str]] = defaultdict(list)
    for route in routes:
        found[route.queue, route.target, kind_of(route.item)].append(id_of(route.item))
    # Doors before words: both wake their workers at once, and a person who waits for the one needs it first.
    for (queue, target, kind), ids in sorted(found.items(), key=lambda batch: batch[0][0] == "tell"):
        for start in range(0, len(ids), BATCH):
            yield queue, target, kind, ids[start : start + BATCH]


def _unpacked(data: bytes) -> bytes:
    """RQ packs what it stores; an order is small, so more than that is not unpacked."""
    unpacking = zlib.decompressobj()
    order = unpacking.decompress(data, _MAX_BYTES)
    if unpacking.unconsumed_tail:
        raise RefusedJob("it is too large")
    return order


def count_refused(redis: Redis, why: str) -> None:
    """Makes a dropped job known to whoever looks."""
    logger.warning("dropped a job: %s", why)
    redis.incr(REFUSED)
    note_failure(redis)


def note_failure(redis: Redis) -> None:
    """Makes it known for five minutes that a job was refused or failed."""
    redis.set(FAILING, 1, ex=_FAILING_SECONDS)
