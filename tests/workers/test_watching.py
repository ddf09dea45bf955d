"""Every process looks after the others, and tells what nobody else tells."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from redis import Redis

from access import clock
from access.messages.outbox import Outbox
from access.models import AlertKind
from access.monitor.watchdogs import Watch
from access.ports import AgendaItem
from countersign.wiring import slack_telling
from tests.cast import SECURITY
from tests.redis_server import RedisServer
from tests.waiting import wait_until
from tests.workers.engine import CLOCK, SEAL, Engine
from tests.workers.rows import Rows
from tests.world import World
from workers.dispatch import Dispatcher
from workers.handlers import Queue, Route
from workers.jobs import MAX_AGE, JobQueues, count_refused
from workers.lanes import Lanes
from workers.redis_connection import connect
from workers.watching import Watching, head_ages


class Slack:
    """Remembers what is posted."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, str]] = []

    def chat_postMessage(self, *, channel: str, text: str, **_: object) -> dict[str, str]:  # noqa: N802 -- Slack's
        self.posted.append((channel, text))
        return {"channel": channel, "ts": f"{len(self.posted)}.0"}

    def conversations_info(self, **_: object) -> dict[str, dict[str, bool]]:
        return {"channel": {}}


@pytest.fixture
def slack() -> Slack:
    return Slack()


@pytest.fixture
def watchers(world: World, slack: Slack, redis: Redis) -> Iterator[list[Watching]]:
    """Two processes that both look."""
    made: list[Lanes] = []

    def lanes() -> Lanes:
        made.append(Lanes(Dispatcher({"notice": [slack_telling(world.core, slack)]}), on_leak=lambda: None))  # type: ignore[arg-type]
        return made[-1]

    yield [Watching(Watch(world.core), redis, lanes) for _ in range(2)]
    for one in made:
        one.stop()


def send(redis: Redis, queue: Queue) -> None:
    route = Route(AgendaItem("grant:ann"), "ann", queue, "crm")
    JobQueues(redis, SEAL, CLOCK).send([route])


def test_an_alert_that_nobody_keeps_time_is_told_once_by_those_who_see_it(
    world: World, slack: Slack, watchers: list[Watching]
) -> None:
    world.work()  # a policy is in force; nobody has ever kept time
    for watcher in watchers * 2:
        watcher.look()

    wait_until(lambda: world.alerts()[0].delivered_at, "the alert to be told")
    for watcher in watchers:
        watcher.look()
    assert slack.posted == [(SECURITY, "Alert: No timekeeper is running")]


def test_the_head_of_each_queue_says_how_long_it_has_waited(redis: Redis) -> None:
    assert head_ages(redis, clock.host_now()) == {}
    send(redis, "revoke")
    send(redis, "revoke")

    ages = head_ages(redis, clock.host_now() + timedelta(seconds=30))

    assert list(ages) == ["revoke"]
    assert timedelta(seconds=29) < ages["revoke"] < timedelta(seconds=60)


def test_a_job_that_outlived_itself_in_its_queue_is_old(redis: Redis) -> None:
    redis.rpush("rq:queue:grant", "gone")
    redis.hset("rq:job:odd", "enqueued_at", "yesterday")
    redis.rpush("rq:queue:tell", "odd")

    assert head_ages(redis, clock.host_now()) == {"grant": MAX_AGE, "tell": MAX_AGE}


def test_what_a_worker_takes_waits_no_longer(engine: Engine, rows: Rows, redis: Redis) -> None:
    send(redis, "revoke")
    with engine.worker():
        wait_until(lambda: head_ages(redis, clock.host_now()) == {}, "the worker to take it")


def test_a_queue_that_no_worker_takes_is_an_alert(world: World, watchers: list[Watching], redis: Redis) -> None:
    redis.rpush("rq:queue:grant", "gone")

    watchers[0].look()
    assert (AlertKind.QUEUE, "grant") in [(alert.kind, alert.subject) for alert in world.alerts()]

    redis.flushall()
    watchers[1].look()
    assert [alert.closed_at for alert in world.alerts() if alert.kind == AlertKind.QUEUE] == [world.clock.now()]


def test_a_refused_job_is_an_alert_for_five_minutes(world: World, watchers: list[Watching], redis: Redis) -> None:
    count_refused(redis, "it was moved here from another queue")
    assert 290 < redis.ttl("countersign:failing") <= 300  # type: ignore[operator]

    watchers[0].look()

    assert AlertKind.JOBS in [alert.kind for alert in world.alerts()]


def test_who_cannot_ask_redis_looks_at_the_rows_all_the_same(world: World, own_redis: RedisServer) -> None:
    world.work()
    lanes = Lanes(Dispatcher({"notice": [slack_telling(world.core, Slack())]}), on_leak=lambda: None)  # type: ignore[arg-type]

    Watching(Watch(world.core), connect(own_redis.url), lambda: lanes).look()

    wait_until(lambda: world.alerts()[0].delivered_at, "the alert to be told")
    lanes.stop()
    assert Outbox(world.core).claim([]) == []
