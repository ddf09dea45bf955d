"""Signed jobs: ours arrive, and whatever else is planted in Redis is dropped before a name in it is looked up."""

import json
import logging
import threading
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import pytest
from redis import Redis
from rq.command import send_shutdown_command
from rq.exceptions import DeserializationError, NoSuchJobError
from rq.suspension import suspend

from access.agenda_items import ITEM_KINDS
from access.ports import AgendaItem
from tests.waiting import wait_until
from tests.workers.planted import HOSTILE, KEY, PWN, SEAL, Planter, StillClock, pwned
from workers.handlers import Queue, Route
from workers.jobs import HAND_OVER, MAX_AGE, REFUSED, GuardedJob, JobQueues, guarded
from workers.queue_worker import QueueWorker


@dataclass
class Bench:
    """One worker of the queue `revoke`, run until the queue is empty."""

    redis: Redis
    clock: StillClock
    queues: JobQueues
    orders: list[tuple[str, tuple[AgendaItem, ...]]] = field(default_factory=list)

    def hand_over(self, target: str, items: Sequence[AgendaItem]) -> None:
        if target == "broken":
            raise RuntimeError("canary-secret-4711")
        self.orders.append((target, tuple(items)))

    def work(self) -> None:
        self.worker().work(burst=True, logging_level=None)

    def worker(self, stopping: threading.Event | None = None) -> QueueWorker:
        return QueueWorker("revoke", self.redis, self.job_class, stopping or threading.Event())

    @property
    def job_class(self) -> type[GuardedJob]:
        return guarded("revoke", SEAL, self.clock, self.hand_over)

    def job_keys(self) -> list[bytes]:
        return cast(list[bytes], self.redis.keys("rq:job:*"))

    def job_ids(self) -> list[str]:
        return [key.decode().removeprefix("rq:job:") for key in self.job_keys()]


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def bench(redis: Redis, clock: StillClock) -> Bench:
    return Bench(redis, clock, JobQueues(redis, SEAL, clock))


@pytest.fixture
def planter(redis: Redis, clock: StillClock) -> Planter:
    pwned.clear()
    return Planter(redis, clock)


def route(identifier: str, queue: Queue = "revoke", target: str = "crm") -> Route:
    return Route(AgendaItem(f"grant:{identifier}"), identifier, queue, target)


def everything(redis: Redis) -> bytes:
    """All that lies in Redis, as it lies there."""
    return b"".join(key + cast(bytes, redis.dump(key)) for key in cast(list[bytes], redis.keys("*")))


def test_a_job_of_ours_hands_its_ids_over_and_leaves_nothing_behind(bench: Bench) -> None:
    sent = [route("01a"), route("01b"), route("01c", target="erp"), route("01d", queue="grant")]

    assert bench.queues.send(sent) == 3
    bench.work()

    assert sorted(bench.orders) == [("crm", ("grant:01a", "grant:01b")), ("erp", ("grant:01c",))]
    assert len(bench.job_keys()) == 1  # the one for the other queue
    left = b" ".join(cast(list[bytes], bench.redis.keys("*")))
    assert not [word for word in (b"intermediate", b"results", b"wip", b"failed", b"finished") if word in left]


def test_a_job_brings_the_items_of_one_kind(bench: Bench) -> None:
    revealed = Route(AgendaItem("notice:01n"), "01n", "revoke", "crm")

    assert bench.queues.send([route("01a"), revealed, route("01b")]) == 2
    bench.work()

    assert sorted(bench.orders) == [("crm", ("grant:01a", "grant:01b")), ("crm", ("notice:01n",))]


def test_a_job_of_the_version_before_may_be_about_any_kind(bench: Bench, planter: Planter) -> None:
    planter.plant(planter.order(ids=("01a",)))
    bench.work()

    (order,) = bench.orders
    assert order == ("crm", tuple(f"{kind}:01a" for kind in ITEM_KINDS))


def test_the_version_before_reads_our_jobs(bench: Bench) -> None:
    """A field that it does not know would make it refuse the job, and what is due would wait for its next process."""
    bench.queues.send([route("01a")])
    (key,), (job_id,) = bench.job_keys(), bench.job_ids()
    data = zlib.decompress(cast(dict[bytes, bytes], bench.redis.hgetall(key))[b"data"])

    said = json.loads(data[64:])

    assert said == {
        "job": job_id, "queue": "revoke", "function": HAND_OVER, "target": "crm", "ids": ["01a"],
        "created": bench.clock.now().timestamp(),
    }  # fmt: skip
    assert job_id.startswith("grant-"), "the kind stands where it takes any word"


def test_a_job_has_few_ids_of_one_target(bench: Bench) -> None:
    assert bench.queues.send([route(f"{number:026}") for number in range(101)]) == 3
    bench.work()

    assert [len(ids) for _, ids in bench.orders] == [50, 50, 1]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_planted_job_is_dropped_and_the_worker_goes_on(
    name: str, bench: Bench, planter: Planter, caplog: pytest.LogCaptureFixture
) -> None:
    HOSTILE[name](planter)
    bench.queues.send([route("good")])

    with caplog.at_level(logging.WARNING):
        bench.work()

    assert bench.orders == [("crm", ("grant:good",))]
    assert pwned == []
    assert bench.job_keys() == []
    assert int(cast(bytes, bench.redis.get(REFUSED))) >= 1
    assert any("dropped a job: " in record.message for record in caplog.records)
    assert "\x1b" not in caplog.text


def test_a_replay_in_time_brings_the_same_ids_and_a_late_one_nothing(bench: Bench, planter: Planter) -> None:
    bench.queues.send([route("01a")])
    (key,), (job_id,) = bench.job_keys(), bench.job_ids()
    seen: dict[str, Any] = {
        name.decode(): value for name, value in cast(dict[bytes, bytes], bench.redis.hgetall(key)).items()
    }
    bench.work()

    planter.push(job_id, **seen)
    bench.work()
    assert bench.orders == [("crm", ("grant:01a",))] * 2  # the second time the claim finds nothing

    bench.clock.at += MAX_AGE + timedelta(seconds=1)
    planter.push(job_id, **seen)
    bench.work()
    assert len(bench.orders) == 2
    assert bench.redis.get(REFUSED) == b"1"


def test_nothing_in_a_job_of_ours_is_ever_imported(bench: Bench) -> None:
    bench.queues.send([route("01a")])
    (job_id,) = bench.job_ids()

    job = bench.job_class.fetch(job_id, connection=bench.redis)

    assert job.success_callback is job.failure_callback is job.stopped_callback is None
    assert job.webhooks == []
    with pytest.raises(DeserializationError):
        _ = job.func


def test_a_refused_job_is_gone_for_everyone_who_fetches_it(bench: Bench, planter: Planter) -> None:
    order = planter.order()
    planter.plant(order, success_callback_name=PWN)

    with pytest.raises(NoSuchJobError):
        bench.job_class.fetch(order.job, connection=bench.redis)

    assert bench.job_keys() == []


def test_what_is_planted_beside_the_queue_does_not_run(bench: Bench, planter: Planter) -> None:
    bench.queues.send([route("good")])
    (good,) = bench.job_ids()
    evil = planter.order(job="evil")
    planter.plant(evil, queue="nobody", status="started", failure_callback_name=PWN, success_callback_name=PWN)
    bench.redis.sadd(f"rq:job:{good}:dependents", "evil")
    for registry in ("wip", "deferred", "scheduled", "ready", "failed"):
        bench.redis.zadd(f"rq:{registry}:revoke", {"evil": 1, "evil:execution": 1})
    bench.redis.rpush("rq:queue:revoke:intermediate", "evil")

    bench.work()
    bench.work()

    assert pwned == []
    assert bench.orders == [("crm", ("grant:good",))]
    assert bench.redis.llen("rq:queue:revoke") == bench.redis.llen("rq:queue:revoke:intermediate") == 0


def test_no_key_and_no_message_in_redis_stops_a_worker(bench: Bench) -> None:
    suspend(bench.redis)
    stopping = threading.Event()
    thread = threading.Thread(target=lambda: bench.worker(stopping).work(logging_level=None))
    thread.start()
    try:
        name = wait_until(lambda: cast(set[bytes], bench.redis.smembers("rq:workers")), "the worker to sign on").pop()
        send_shutdown_command(bench.redis, name.decode().removeprefix("rq:worker:"))
        bench.queues.send([route("01a")])
        wait_until(lambda: bench.orders, "the job in spite of both")
        assert thread.is_alive()
    finally:
        stopping.set()
        thread.join()


def test_no_words_of_an_exception_reach_redis_or_the_log(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.queues.send([route("01a", target="broken"), route("01b")])

    with caplog.at_level(logging.DEBUG):
        bench.work()

    assert bench.orders == [("crm", ("grant:01b",))]
    assert b"canary" not in everything(bench.redis)
    assert "canary" not in caplog.text
    assert "RuntimeError" in caplog.text


def test_a_job_that_nobody_takes_vanishes_by_itself(bench: Bench) -> None:
    bench.queues.send([route("01a")])

    (key,) = bench.job_keys()
    assert 0 < cast(int, bench.redis.ttl(key)) <= MAX_AGE.total_seconds()


def test_a_job_says_nothing_but_its_order(bench: Bench) -> None:
    bench.queues.send([route("01a")])

    (key,) = bench.job_keys()
    fields = cast(dict[bytes, bytes], bench.redis.hgetall(key))
    order = json.loads(zlib.decompress(fields.pop(b"data"))[64:])
    assert order.keys() == {"job", "queue", "function", "target", "ids", "created"}
    assert b"01a" not in b" ".join(fields.values())
    assert KEY not in everything(bench.redis)
    assert KEY.hex().encode() not in everything(bench.redis)


def test_doors_are_sent_before_words(bench: Bench) -> None:
    with bench.redis.monitor() as monitor:
        bench.queues.send([route("a", "tell", "slack"), route("b", "grant"), route("c", "revoke")])
        pushed: list[str] = []
        for command in monitor.listen():
            assert command is not None
            verb, *rest = str(command["command"]).split()
            if verb == "RPUSH":
                pushed.append(rest[0].rpartition(":")[2])
            if len(pushed) == 3:
                break

    assert pushed == ["grant", "revoke", "tell"]
