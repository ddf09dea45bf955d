"""The figures of each process: true, cheap to ask for, and without a word about a person."""

import asyncio
import re
import socket
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis
from slack_sdk.errors import SlackApiError

from access.errors import Unready
from access.grants.end import RevokeHandler
from access.models import AlertKind, GrantStatus
from access.monitor.overdue import alert_overdue
from access.monitor.sweep import Schedule
from access.settings import Settings
from access.store import Database
from countersign.counting import Counted, CountedEnds, shown
from countersign.metrics import Metrics, TimekeeperMetrics
from countersign.up import children, metrics_addresses
from sandbox.server import running
from tests.ports import free_port
from tests.redis_server import own_redis, redis_server, redis_url
from tests.world import World, deadline
from workers.agenda import AGENDA
from workers.redis_connection import connect

__all__ = ["own_redis", "redis_server", "redis_url"]

EXAMPLE = Path(__file__).parents[2] / "access.example.yml"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(metrics: Metrics) -> Samples:
    families = text_string_to_metric_families(generate_latest(metrics.registry).decode())
    return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return samples(metrics).get((name, frozenset(labels.items())))


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with connect(redis_url) as client:
        yield client


@pytest.mark.both_databases
def test_the_timekeeper_says_how_the_rows_stand(world: World, metrics: Metrics) -> None:
    world.open(minutes=30)
    world.scheduled(entitlement="customers-db/fix-orders")
    TimekeeperMetrics(metrics, world.core, None)

    assert value(metrics, "countersign_grants", status="active") == 1
    assert value(metrics, "countersign_grants", status="scheduled") == 1
    assert value(metrics, "countersign_grants", status="revoking") == 0
    assert value(metrics, "countersign_overdue_grants") == 0
    assert value(metrics, "countersign_alerts_open", kind=AlertKind.OVERDUE) == 0
    assert value(metrics, "countersign_rows_readable") == 1


@pytest.mark.both_databases
def test_overdue_access_and_its_alert_are_counted(world: World, metrics: Metrics) -> None:
    world.open(minutes=30)
    world.clock.tick(hours=3)
    alert_overdue(world.core)
    TimekeeperMetrics(metrics, world.core, None)

    assert value(metrics, "countersign_overdue_grants") == 1
    assert value(metrics, "countersign_alerts_open", kind=AlertKind.OVERDUE) == 1
    assert value(metrics, "countersign_alerts_undelivered") == 1


def test_access_of_an_unclear_start_is_overdue_too(world: World, metrics: Metrics) -> None:
    """The answer was lost and the target is away: nobody knows whether it is there."""
    grant = world.scheduled(minutes=30)
    world.server.weather = "answer lost"
    world.activate(grant)
    world.clock.tick(hours=3)
    alert_overdue(world.core)
    TimekeeperMetrics(metrics, world.core, None)

    assert world.again(grant).status == GrantStatus.ACTIVATING
    assert value(metrics, "countersign_alerts_open", kind=AlertKind.OVERDUE) == 1
    assert value(metrics, "countersign_overdue_grants") == 1


def test_an_alert_that_was_told_is_open_all_the_same(world: World, metrics: Metrics) -> None:
    world.open(minutes=30)
    world.server.weather = "down"
    world.pass_time(hours=3)
    TimekeeperMetrics(metrics, world.core, None)

    assert value(metrics, "countersign_alerts_open", kind=AlertKind.OVERDUE) == 1
    assert value(metrics, "countersign_alerts_undelivered") == 0


def test_what_is_over_is_no_longer_counted(world: World, metrics: Metrics) -> None:
    world.open(minutes=30)
    world.pass_time(minutes=30)
    TimekeeperMetrics(metrics, world.core, None)

    assert {labels: number for (name, labels), number in samples(metrics).items() if name == "countersign_grants"} == {
        frozenset({("status", status)}): 0 for status in ("scheduled", "activating", "active", "revoking")
    }


@pytest.mark.both_databases
def test_timers_stand_beside_what_the_rows_want(world: World, metrics: Metrics, redis: Redis) -> None:
    world.open(minutes=30)
    wanted = dict(Schedule(world.core).timers.all())
    redis.zadd(AGENDA, {item: due.timestamp() for item, due in list(wanted.items())[:1]})
    redis.rpush("rq:queue:revoke", "gone")
    TimekeeperMetrics(metrics, world.core, redis)

    assert value(metrics, "countersign_timers_wanted") == len(wanted)
    assert value(metrics, "countersign_timers") == 1
    assert value(metrics, "countersign_queue_head_age_seconds", queue="revoke") == 600
    assert value(metrics, "countersign_queue_head_age_seconds", queue="grant") == 0


def test_rows_are_asked_once_in_five_seconds(world: World, metrics: Metrics, monkeypatch: pytest.MonkeyPatch) -> None:
    TimekeeperMetrics(metrics, world.core, None)
    samples(metrics)
    world.open(minutes=30)
    assert value(metrics, "countersign_grants", status="active") == 0

    monkeypatch.setattr("countersign.metrics.KEPT_SECONDS", 0.0)

    assert value(metrics, "countersign_grants", status="active") == 1


@pytest.mark.both_databases
def test_a_database_that_does_not_answer_is_a_figure_too(world: World, metrics: Metrics) -> None:
    gone = Database("postgresql://nobody@127.0.0.1:1/none")
    TimekeeperMetrics(metrics, replace(world.core, database=gone), None)

    assert value(metrics, "countersign_rows_readable") == 0
    assert value(metrics, "countersign_grants", status="active") is None
    gone.close()


def test_the_sweep_has_an_age_and_a_duration(world: World, metrics: Metrics) -> None:
    keeper = TimekeeperMetrics(metrics, world.core, None)
    keeper.swept(0.002)

    assert value(metrics, "countersign_sweep_seconds_count") == 1
    assert 0 <= (value(metrics, "countersign_sweep_age_seconds") or 0) < 60


def test_how_late_an_end_was_proven_is_measured(world: World, metrics: Metrics) -> None:
    grant = world.open(minutes=30)
    world.clock.tick(minutes=30, seconds=4)
    business = CountedEnds(RevokeHandler(world.core, world.targets), metrics, world.core.database)

    business.commit([business.act(one, deadline()) for one in business.claim([grant.id])])

    assert world.again(grant).status == GrantStatus.ENDED
    assert value(metrics, "countersign_revoke_lateness_seconds_count") == 1
    assert value(metrics, "countersign_revoke_lateness_seconds_sum") == 4
    assert value(metrics, "countersign_jobs_total", queue="revoke", outcome="done") == 1


def test_what_was_not_done_is_counted_as_failed(world: World, metrics: Metrics) -> None:
    class Broken:
        def act(self, claimed: object, deadline: object) -> object:
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        Counted(Broken(), "grant", metrics).act(object(), deadline())  # type: ignore[arg-type]

    assert value(metrics, "countersign_jobs_total", queue="grant", outcome="failed") == 1


def test_calls_of_slack_are_counted_by_what_came_of_them(metrics: Metrics) -> None:
    with running() as slack:
        client = metrics.slack(slack.bot_token, base_url=slack.api_url, retry_handlers=[])
        client.auth_test()
        with pytest.raises(SlackApiError):
            client.chat_postMessage(channel="C0NOWHERE", text="hello")

        async def ask() -> None:
            await metrics.async_slack(slack.bot_token, slack.api_url).auth_test()

        asyncio.run(ask())
    with pytest.raises(OSError, match="refused"):
        client.auth_test()

    assert value(metrics, "countersign_slack_calls_total", method="auth.test", outcome="ok") == 2
    assert value(metrics, "countersign_slack_calls_total", method="auth.test", outcome="unreachable") == 1
    assert value(metrics, "countersign_slack_calls_total", method="chat.postMessage", outcome="refused") == 1


def test_figures_are_shown_where_the_settings_say() -> None:
    settings = Settings.read({"COUNTERSIGN_METRICS_LISTEN": f"127.0.0.1:{free_port()}"})
    assert settings.metrics_listen is not None
    with shown(settings) as metrics:
        metrics.answered(0.02)
        url = "http://{}:{}/metrics".format(*settings.metrics_listen)
        with urllib.request.urlopen(url) as answer:
            page = answer.read().decode()
    assert 'countersign_ack_seconds_bucket{le="0.025"} 1.0' in page


def test_a_port_that_is_taken_is_said_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = Settings.read({"COUNTERSIGN_METRICS_LISTEN": f"127.0.0.1:{port}"})
        said = f"COUNTERSIGN_METRICS_LISTEN: nothing can listen at 127.0.0.1 port {port}"
        with pytest.raises(Unready, match=said), shown(settings):
            pass


def test_each_process_of_one_host_has_a_port_of_its_own(database: Database) -> None:
    given = {"COUNTERSIGN_METRICS_LISTEN": "[::1]:9464", "COUNTERSIGN_POLICY": str(EXAMPLE)}
    settings = Settings.read(given)

    ports = {
        child.name: child.env["COUNTERSIGN_METRICS_LISTEN"]
        for child in children(settings, database, given | {"REDIS_URL": "unix:///x", "COUNTERSIGN_PING_URL": "x"})
    }
    pinging = [child.name for child in children(settings, database, given | {"COUNTERSIGN_PING_URL": "x"})
               if "COUNTERSIGN_PING_URL" in child.env]  # fmt: skip

    assert ports == {
        "timekeeper": "[::1]:9464", "grant": "[::1]:9465", "revoke": "[::1]:9466", "tell": "[::1]:9467",
        "bot": "[::1]:9468",
    }  # fmt: skip
    assert pinging == ["timekeeper"]


def test_ports_past_the_last_are_refused() -> None:
    with pytest.raises(Unready, match="needs 5 ports from 65532 on"):
        metrics_addresses(Settings.read({"COUNTERSIGN_METRICS_LISTEN": "127.0.0.1:65532"}))


def test_no_figure_names_a_person_a_row_or_a_reason(world: World, metrics: Metrics, redis: Redis) -> None:
    grant = world.open(minutes=30)
    world.clock.tick(minutes=30)
    business = CountedEnds(RevokeHandler(world.core, world.targets), metrics, world.core.database)
    business.commit([business.act(one, deadline()) for one in business.claim([grant.id])])
    Schedule(world.core).timers.lost()
    metrics.called("chat.postMessage", "ok")
    TimekeeperMetrics(metrics, world.core, redis)

    found = samples(metrics)
    labels = {label for _, labels in found for label in labels}

    assert {name for name, _ in labels} <= {"status", "kind", "queue", "outcome", "method", "le"}
    said = " ".join(word for _, word in labels) + " ".join(name for name, _ in found)
    assert not re.search(r"[0-9a-hjkmnp-tv-z]{26}|\b[UCG][0-9A-Z]{3,}", said)
    for word in ("ann", "lea", "kim", "sam", "refunds", "INC-12", "customers", grant.id, grant.request_id):
        assert not re.search(rf"\b{word}\b", said), word
