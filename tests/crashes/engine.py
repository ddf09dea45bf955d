"""Lives by way of Redis: a timekeeper leases and sends, workers take jobs, and each call to Redis is a point."""

import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, cast

from redis import Redis
from redis.client import Pipeline

from access.agenda_items import id_of
from access.messages.outbox import Outbox
from access.monitor.routing import DRIFT, MEMBERS, TARGET_CHECKS
from access.monitor.sweep import Schedule
from access.ports import AgendaItem, Deadline
from access.unit_of_work import grant_item
from tests.crashes.matrix import Life, Step, Steps
from tests.invariants.servers import Points
from workers.agenda import AGENDA, FIRST_LEASE, LEASE, RedisAgenda
from workers.handlers import QUEUES, Queue
from workers.jobs import FAILING, JobQueues, guarded
from workers.queue_worker import QueueWorker, set_right
from workers.signing import Seal
from workers.timekeeper import Timekeeper
from workers.timer_repair import Comparing, Mended, uncounted

SEAL = Seal([bytes(range(32))])
OF_THE_ENGINE = ("workers.", "rq.")
WORK = ("grant:", "notice:")
NOT_HERE = (TARGET_CHECKS, DRIFT, MEMBERS)
"""Looks at targets and at people are nobody's work here: whom they find has tests of his own."""
SECOND = timedelta(seconds=1)


class MortalRedis(Redis):
    """Has points on both sides of each round trip, named by who makes it."""

    points: Points

    def execute_command(self, *args: Any, **options: Any) -> Any:
        with self.points.around(f"{_caller()} {args[0]}"):
            return super().execute_command(*args, **options)

    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> "MortalPipeline":
        pipeline = MortalPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)
        pipeline.points = self.points
        return pipeline


class MortalPipeline(Pipeline):
    """The same for what is sent together."""

    points: Points

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        with self.points.around(f"{_caller()} pipeline"):
            return super().execute(raise_on_error)


def _caller() -> str:
    """The nearest function of ours or of RQ."""
    frame = sys._getframe()
    while frame is not None:
        module = frame.f_globals["__name__"]
        if module.startswith(OF_THE_ENGINE):
            return f"{module}.{frame.f_code.co_qualname}"
        frame = frame.f_back
    raise AssertionError("only the engine calls Redis")


class ShortAgenda(RedisAgenda):
    """Whoever would wait for something to be due has done his work."""

    done: Callable[[], None]

    def wait(self, seconds: float) -> bool:
        self.done()
        return super().wait(min(seconds, 0.002))


class WhenEmpty(threading.Event):
    """Is set while there is nothing to do."""

    def __init__(self, left: Callable[[], int]) -> None:
        super().__init__()
        self._left = left

    def is_set(self) -> bool:
        return not self._left()


@dataclass
class EngineLife(Life):
    """A life in which nothing is done but by way of Redis."""

    here: Redis
    """Without points: for looking, and for what befalls it."""
    dies_in: Step
    redis: MortalRedis = field(init=False)
    agenda: ShortAgenda = field(init=False)
    queues: JobQueues = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.here.flushdb()
        redis = MortalRedis(connection_pool=self.here.connection_pool)
        redis.points = self.town.points
        self.redis = redis
        self.agenda = ShortAgenda(redis)
        self.queues = JobQueues(redis, SEAL, self.town.clock)
        self.town.core = replace(self.town.core, agenda=self.agenda)
        self._learn_scripts()
        self.fill()

    def turn(self) -> int:
        if self.agenda.was_flushed():
            self.fill()  # as whoever keeps time has it done beside all else
        with self.town.slack.listening(self.town.alerts(), self.town.alerts_in_line):
            self.keep_time()
            for queue in QUEUES:
                self.work(queue)
        return cast(int, self.here.zcount(AGENDA, "-inf", self.town.clock.now().timestamp()))

    def back(self) -> None:
        """What was in hand is late by its lease and no more; what Redis has lost is mended."""
        self.town.clock.tick(seconds=(_LATE.get(self.dies_in, FIRST_LEASE) + SECOND).total_seconds())
        self.settle()
        left = [item for item, _ in Schedule(self.town.core).sweep() if item.startswith(WORK)]
        assert left == [], "it is due, and no job was sent"
        self.compare()
        mended = list[Mended]()
        self._comparing(mended.append).compare()
        assert mended == [Mended()], "the timers are not those of the rows"

    def all_is_over(self) -> None:
        self.town.clock.tick(seconds=(LEASE + SECOND).total_seconds())
        self.settle()
        items = cast(list[bytes], self.here.zrange(AGENDA, 0, -1))
        assert [item for item in items if item.decode().startswith(WORK)] == [], "it is over, and on the agenda"
        assert not self.here.exists(FAILING), "a job failed or was refused"

    # What the processes of the engine do; each of these may be the step to die in.

    def keep_time(self) -> None:
        """A timekeeper, until it would wait."""
        schedule, clock = Schedule(self.town.core), self.town.clock
        keeper = Timekeeper(
            schedule=schedule, agenda=self.agenda, queues=self.queues, lanes_factory=no_lanes, clock=clock, name="time"
        )
        self.agenda.done = keeper.stop
        keeper.run()

    def work(self, queue: Queue) -> None:
        """A worker, until its queue is empty."""

        def hand_over(target: str, items: Sequence[AgendaItem]) -> None:
            if target not in NOT_HERE:
                self._do(queue, [id_of(item) for item in items])

        if self._waiting(queue):
            job_class = guarded(queue, SEAL, self.town.clock, hand_over)
            worker = QueueWorker(queue, self.redis, job_class, WhenEmpty(lambda: self._waiting(queue)))
            worker.work(logging_level="WARNING")

    def work_at_opening(self) -> None:
        self.work("grant")

    def work_at_closing(self) -> None:
        self.work("revoke")

    def work_at_telling(self) -> None:
        self.work("tell")

    def fill(self) -> None:
        self._comparing().fill()

    def compare(self) -> None:
        self.agenda.take_turn(280)
        self._comparing().compare()

    def give_back(self) -> None:
        """A worker that is to stop had not claimed what it took."""
        self.agenda.give_back([grant_item(grant.id) for grant in self.town.grants()], self.town.clock.now())

    def set_right(self) -> None:
        """A worker was sent what another has claimed."""
        ids = [grant.id for grant in self.town.grants()]
        self.town.deactivation.claim(ids)
        items = [grant_item(one) for one in ids]
        set_right(self.agenda, Schedule(self.town.core), items, self.town.clock.now())

    # What happens to them.

    def reach_the_end(self) -> None:
        self.town.clock.tick(minutes=11)

    def lose_the_jobs(self) -> None:
        """Redis has handed them out, and nobody has them any more."""
        for queue in QUEUES:
            self.here.delete(f"rq:queue:{queue}")

    def lose_all(self) -> None:
        self.here.flushdb()

    def confuse_the_timers(self) -> None:
        """One is missing, one fires too late, one is of nothing."""
        missing, late, *_ = cast(list[bytes], self.here.zrange(AGENDA, 0, -1))
        self.here.zrem(AGENDA, missing)
        never = self.town.clock.now() + timedelta(days=1)
        self.here.zadd(AGENDA, cast(dict[Any, Any], {late: never.timestamp(), "grant:nothing": never.timestamp()}))

    def _do(self, queue: Queue, ids: Sequence[str]) -> None:
        town = self.town
        if queue == "tell":
            telling = Outbox(town.core)
            for claimed in telling.claim(ids):
                telling.commit([town.slack.post(claimed)])
            return
        for business in (town.activation, town.extension) if queue == "grant" else (town.deactivation,):
            self._round(business, ids)

    def _round(self, business: Any, ids: Sequence[str]) -> None:
        won = business.claim(ids)
        business.commit([business.act(one, Deadline.after(5)) for one in won])

    def _comparing(self, mended: Callable[[Mended], None] = uncounted) -> Comparing:
        return Comparing(Schedule(self.town.core), self.agenda, self.town.clock, mended)

    def _waiting(self, queue: Queue) -> int:
        return cast(int, self.here.llen(f"rq:queue:{queue}"))

    def _learn_scripts(self) -> None:
        """Redis is sent a script when it does not know it, which is once: not in one life and then in none."""
        now = self.town.clock.now()
        self.agenda.add_overdue([(AgendaItem("none"), now)], now)
        for item in self.agenda.lease(now, now, 1):
            self.agenda.extend(now, now, [item])
            self.agenda.settle(now, finished=[item])


def no_lanes(queue: Queue, on_leak: object) -> Any:
    raise AssertionError("with a Redis that is well, workers do the work")


ASKED = (EngineLife.ask, EngineLife.settle, EngineLife.approve)
OPENED = (*ASKED, EngineLife.settle)
ENGINE_STEPS: Mapping[str, Steps] = {
    "sending what opens": (*ASKED, EngineLife.keep_time),
    "sending what closes": (*OPENED, EngineLife.reach_the_end, EngineLife.keep_time),
    "taking what opens": (*ASKED, EngineLife.keep_time, EngineLife.work_at_opening),
    "taking what closes": (*OPENED, EngineLife.reach_the_end, EngineLife.keep_time, EngineLife.work_at_closing),
    "taking what is told": (EngineLife.ask, EngineLife.keep_time, EngineLife.work_at_telling),
    "giving back": (*ASKED, EngineLife.keep_time, EngineLife.lose_the_jobs, EngineLife.give_back),
    "setting right": (*OPENED, EngineLife.reach_the_end, EngineLife.keep_time, EngineLife.set_right),
    "filling": (*OPENED, EngineLife.lose_all, EngineLife.fill),
    "comparing": (*OPENED, EngineLife.confuse_the_timers, EngineLife.compare),
}
_LATE: Mapping[Step, timedelta] = {
    EngineLife.work_at_opening: LEASE,
    EngineLife.work_at_closing: LEASE,
    EngineLife.work_at_telling: LEASE,
    EngineLife.give_back: LEASE,
    EngineLife.set_right: LEASE,
}
"""A job that was taken fires again after so long; all else after the first lease."""
