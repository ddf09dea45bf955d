"""The baseline: RQ's own scheduler with as many jobs for one moment, beside our timekeeper with as many grants.

Both are measured until the last stands in the queue that workers take from. The floor is what Redis alone takes: one
look for all that is due, and one push of all ids.
"""

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import cast

import rq
from redis import Redis
from rq.registry import ScheduledJobRegistry

from bench.ends import stage, working
from bench.figures import Figure
from bench.servers import Servers, inherited, python, running, say, wait_for
from workers.agenda import AGENDA
from workers.jobs import BATCH

QUEUE = "baseline"
PATIENCE = 90.0
_SET, _LIST = "floor:set", "floor:list"
_OURS = "rq:queue:revoke"


def nothing(_number: int) -> None:
    """The job."""


def measure(servers: Servers, *, count: int, ahead: float = 3.0) -> list[Figure]:
    """`count` at one moment, `ahead` seconds after the last was put in."""
    return list(_measure(servers, count, ahead))


def _measure(servers: Servers, count: int, ahead: float) -> Iterator[Figure]:
    say(f"  baseline: {count:,} at one moment, by RQ's own scheduler and by our timekeeper")
    name = f"{count:,} due at once, last in the queue"
    with Redis.from_url(servers.valkey.url) as redis:
        floor = _bare(redis, count)
        theirs = _by_rq(servers, redis, count, ahead)
        yield Figure(name=f"{name}, RQ's scheduler", value=theirs, unit="s", floor=floor, samples=count)
        ours = _by_us(servers, redis, count, ahead)
        yield Figure(name=f"{name}, our timekeeper", value=ours, unit="s", floor=floor, samples=count)


def _bare(redis: Redis, count: int) -> float:
    redis.zadd(_SET, {f"grant:{number:026}": number for number in range(count)})
    began = time.perf_counter()
    due = cast("list[bytes]", redis.zrangebyscore(_SET, "-inf", count))
    redis.rpush(_LIST, *due)
    took = time.perf_counter() - began
    redis.delete(_SET, _LIST)
    return took


def _by_rq(servers: Servers, redis: Redis, count: int, ahead: float) -> float:
    redis.flushall()
    queue = rq.Queue(QUEUE, connection=redis)
    far = datetime.now(UTC) + timedelta(hours=1)
    with redis.pipeline(transaction=False) as pipeline:
        jobs = [queue.create_job(nothing, args=(number,)) for number in range(count)]
        for job in jobs:
            queue.schedule_job(job, far, pipeline=pipeline)
        pipeline.execute()
    scheduled = ScheduledJobRegistry(queue=queue)
    with _worker(servers):
        wait_for(lambda: redis.exists(f"rq:scheduler-lock:{QUEUE}"), "RQ's scheduler to begin")
        due = int(time.time() + ahead)
        redis.zadd(scheduled.key, {job.id: due for job in jobs})
        wait_for(lambda: redis.zcard(scheduled.key) == 0, "RQ's scheduler to move all jobs", within=ahead + PATIENCE)
        return time.time() - due


@contextmanager
def _worker(servers: Servers) -> Generator[None]:
    arguments = ("rq.cli", "worker", "--with-scheduler", "--url", servers.valkey.url, "--worker-class")
    child = python("rq", inherited(), *arguments, "rq.SimpleWorker", "--logging_level", "WARNING", QUEUE)
    with running([child]):
        yield


def _by_us(servers: Servers, redis: Redis, count: int, ahead: float) -> float:
    with stage(servers, "SQLite", count, milliseconds=0) as made, working(made, workers=0):
        due = made.core.clock.now() + timedelta(seconds=ahead)
        made.due(dict.fromkeys(made.ids, due))

        def moved() -> bool:
            sent = BATCH * cast(int, redis.llen(_OURS))
            return sent >= count and redis.zcount(AGENDA, "-inf", due.timestamp()) == 0

        wait_for(moved, "our timekeeper to send all jobs", within=ahead + PATIENCE)
        return time.time() - due.timestamp()
