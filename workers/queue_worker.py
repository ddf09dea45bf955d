"""The process that works on one queue: RQ takes the jobs, lanes do the work."""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Generic

from redis import Redis
from redis.exceptions import RedisError
from rq import SimpleWorker
from rq.exceptions import DequeueTimeout
from rq.job import Job
from rq.utils import now as rq_now

from access.clock import Clock
from access.faults import describe
from access.ports import AgendaItem
from workers.agenda import RedisAgenda
from workers.handlers import C, Handler, Queue, R, Router, Schedule
from workers.heartbeat import heartbeat
from workers.jobs import GuardedJob, count_refused, guarded, note_failure
from workers.lanes import Lanes, ranks_of
from workers.pacing import Limits
from workers.redis_connection import reason
from workers.signing import Seal

logger = logging.getLogger(__name__)

_RETRY_SECONDS = 1.0
_AGAIN = timedelta(seconds=1)
_CLOCKS_DIFFER = timedelta(seconds=1)
_PAUSE_FOR_EACH = 5e-6
_PAUSE_UP_TO = 5_000
"""How long the next job is left to others, by the ids of this one's target that wait here already: two workers of which
one is quicker at taking would else end with one of them idle and thousands waiting at the other. Above so many it takes
all there is, which holds up another target's job by little over a second in all.
"""
_WORKER_TTL = 16
"""RQ waits for a job 15 seconds less than this: one second, which bounds how long a stop takes."""


class Outage:
    """Says once that Redis cannot be used and why, and once that it can again, however often it is tried."""

    def __init__(self) -> None:
        self._told = False

    def note(self, error: RedisError) -> None:
        if not self._told:
            logger.warning("Redis cannot be used (%s); trying again", reason(error))
        self._told = True

    def over(self) -> None:
        if self._told:
            logger.info("Redis can be used again")
        self._told = False


class QueueWorker(SimpleWorker):
    """RQ's worker without what we do not use and would have to trust Redis for.

    Left out: results, callbacks, webhooks, dependents, registries, RQ's scheduler, orders over pub/sub, and the key by
    which anybody suspends all workers. What a lost job leaves behind expires, and its ids fire again from the agenda.
    """

    def __init__(
        self,
        queue: Queue,
        redis: Redis,
        job_class: type[GuardedJob],
        stopping: threading.Event,
        outage: Outage | None = None,
    ) -> None:
        """`outage` outlives this worker, which ends when Redis cannot be used."""
        self._stopping = stopping
        self._outage = outage or Outage()
        super().__init__(
            [queue],
            connection=redis,
            job_class=job_class,
            serializer="json",
            worker_ttl=_WORKER_TTL,
            maintenance_interval=60,
            log_job_description=False,
        )

    def execute_job(self, job: Job, queue: Any) -> None:
        """Hands the ids to a lane. RQ's own way would store the traceback in Redis when that fails."""
        try:
            job.perform()
        except Exception as error:
            logger.error("a job of %s failed with %s", queue.name, describe(error))
            note_failure(self.connection)
        with self.connection.pipeline(transaction=False) as pipeline:
            pipeline.delete(job.key)
            pipeline.lrem(queue.intermediate_queue_key, 1, job.id)
            self.increment_successful_job_count(pipeline)
            pipeline.execute()

    def dequeue_job_and_maintain_ttl(self, timeout: int | None, max_idle_time: int | None = None) -> Any:  # noqa: ARG002
        """The next job; None when the worker is to stop or Redis does not answer (RQ would try for ever by itself)."""
        while not self._stopping.is_set():
            try:
                self.heartbeat()  # a write, so that it shows whether Redis takes any
                self._outage.over()
                if self.should_run_maintenance_tasks:
                    self.run_maintenance_tasks()
                return self.queue_class.dequeue_any(
                    self.queues, timeout, self.connection, job_class=self.job_class, serializer=self.serializer
                )
            except DequeueTimeout:
                continue
            except RedisError as error:
                self._outage.note(error)
                return None
            except ValueError:
                # RQ took the entry off the queue before it could not read the id; the next cleaning removes it.
                count_refused(self.connection, "its id cannot be read")
        return None

    def run_maintenance_tasks(self) -> None:
        """Empties RQ's list of jobs taken but not begun: who took one has it in hand, or its ids fire again."""
        for queue in self.queues:
            self.connection.delete(queue.intermediate_queue_key)
        self.last_cleaned_at = rq_now()

    def teardown(self) -> None:
        """Signs off, if Redis is there to hear it."""
        try:
            self.register_death()
        except RedisError as error:
            logger.debug("could not sign off from Redis (%s)", reason(error))

    def subscribe(self) -> None:
        """Takes no orders from Redis: they are not signed."""

    def check_for_suspension(self, burst: bool) -> None:
        """Is not suspended by a key in Redis: nothing stops a revoke."""

    def _set_connection(self, connection: Redis) -> Redis:
        """Leaves our time-outs as they are: by RQ's, eleven seconds, a silent Redis would hold up a commit."""
        return connection

    def _install_signal_handlers(self) -> None:
        """Leaves signals to the process, which knows the lanes."""


class WorkerProcess(Generic[C, R]):
    """Works on one queue until it is stopped, a thread of it is lost, or for ever. Survives the loss of Redis."""

    def __init__(
        self,
        queue: Queue,
        *,
        redis: Redis,
        seal: Seal,
        business: Handler[C, R],
        schedule: Schedule,
        clock: Clock,
        name: str,
        limits: Callable[[str], Limits] = lambda _target: Limits(),
    ) -> None:
        self._queue: Queue = queue
        self._redis = redis
        self._agenda = RedisAgenda(redis)
        self._clock = clock
        self._stopping = threading.Event()
        self._outage = Outage()
        self._schedule = schedule
        self._lanes = Lanes(
            business, on_leak=self.stop, limits=limits, not_won=self._set_right, ranks=ranks_of(queue, schedule)
        )
        self._job_class = guarded(queue, seal, clock, self._take)
        self._heartbeat = heartbeat(schedule, name, f"worker {queue}")

    def stop(self) -> None:
        """Asks for the end: of a signal, or because a lost thread is reason to start afresh. Returns at once."""
        self._stopping.set()

    def run(self) -> None:
        """Returns when what could be finished is committed and the rest is given back."""
        with self._heartbeat:
            while not self._stopping.is_set():
                self._take_jobs()
                self._stopping.wait(_RETRY_SECONDS)
            now = self._clock.now()
            self._agenda.give_back(self._lanes.stop(), now)

    def _take(self, target: str, items: Sequence[AgendaItem]) -> None:
        """What one job brings."""
        waiting = self._lanes.put(target, items)
        if waiting <= _PAUSE_UP_TO:
            self._stopping.wait(waiting * _PAUSE_FOR_EACH)

    def _set_right(self, items: Sequence[str]) -> None:
        """Gives the agenda the true times of what could not be claimed.

        Another worker has it, or our clock is a little behind the timekeeper's and it is not due yet: then the lease,
        a minute, would be the delay. Never raises: else the lease runs out.
        """
        try:
            set_right(self._agenda, self._schedule, items, self._clock.now())
        except Exception as error:
            logger.warning("could not look after what was not claimed: %s", describe(error))

    def _take_jobs(self) -> None:
        """Until stopped or Redis is gone. What is in the lanes goes on."""
        try:
            worker = QueueWorker(self._queue, self._redis, self._job_class, self._stopping, self._outage)
            worker.work(logging_level="WARNING")
        except RedisError as error:
            self._outage.note(error)


def set_right(agenda: RedisAgenda, router: Router, items: Sequence[str], now: datetime) -> None:
    """Gives the agenda the times that the rows have for these items. Raises RedisError and Unavailable."""
    # First what the agenda says, then the rows: who commits in between adds a time that is newer than ours.
    seen = dict(agenda.seen_of([AgendaItem(item) for item in items]))
    routes = router.route(list(seen))
    # As much later as we were early, for the timekeeper's clock; one that is far off is told about elsewhere.
    # What the agenda knows already was put off, and comes then and no later.
    early = [(item, due) for item, due in routes.later if seen[item] != due.timestamp()]
    true = [(item, due + min(due - now, _CLOCKS_DIFFER)) for item, due in early]
    true += [(route.item, now + _AGAIN) for route in routes.now]
    done = [((item, seen[item]), None) for item in routes.finished]
    agenda.set_right([*done, *(((item, seen[item]), due) for item, due in true)])
    agenda.wake()
