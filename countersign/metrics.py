"""The figures of one process, for Prometheus: numbers and our own words, never a person, an id or a reason."""

import logging
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from redis import Redis
from redis.exceptions import RedisError

from access import clock
from access.core import Core
from access.faults import describe
from access.monitor.canary import Standing
from access.monitor.figures import figures
from countersign.counting import Uncounted
from workers.agenda import AGENDA
from workers.timer_repair import Mended
from workers.watching import head_ages

logger = logging.getLogger(__name__)

KEPT_SECONDS = 5.0
"""What the rows said is not asked for again before this, however often somebody scrapes."""
_LATENESS = (0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 86400)
_ACK = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3)
"""Slack gives up after three seconds."""
_SWEEP = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5)


class Metrics(Uncounted):
    """What this process counts, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._jobs = Counter(
            "countersign_jobs", "Grants, ends and messages worked on.", ("queue", "outcome"), registry=registry
        )
        self._calls = Counter("countersign_slack_calls", "Calls of Slack.", ("method", "outcome"), registry=registry)
        self._lateness = Histogram(
            "countersign_revoke_lateness_seconds", "From when access was due to end to when it was proven gone.",
            registry=registry, buckets=_LATENESS,
        )  # fmt: skip
        self._acks = Histogram(
            "countersign_ack_seconds", "From a payload of Slack to its acknowledgement.",
            registry=registry, buckets=_ACK,
        )  # fmt: skip

    def worked(self, queue: str, outcome: str, number: int = 1) -> None:
        self._jobs.labels(queue, outcome).inc(number)

    def called(self, method: str, outcome: str) -> None:
        self._calls.labels(method, outcome).inc()

    def answered(self, seconds: float) -> None:
        self._acks.observe(seconds)

    def ended(self, seconds: float) -> None:
        self._lateness.observe(seconds)

    def sweeps(self, core: Core, redis: Redis | None) -> "TimekeeperMetrics":
        return TimekeeperMetrics(self, core, redis)


class TimekeeperMetrics:
    """What only who keeps time knows: its sweep, and how the rows and the queues stand."""

    def __init__(self, metrics: Metrics, core: Core, redis: Redis | None) -> None:
        registry = metrics.registry
        self._core = core
        self._redis = redis
        self._swept_at = clock.monotonic()
        self._read_at: float | None = None
        self._read: list[Metric] = []
        self._sweeps = Histogram(
            "countersign_sweep_seconds", "How long a good sweep took.", registry=registry, buckets=_SWEEP
        )
        self._mended = Counter(
            "countersign_timers_mended", "Timers that were not as the rows want them.", ("how",), registry=registry
        )
        age = Gauge("countersign_sweep_age_seconds", "Since the last good sweep.", registry=registry)
        age.set_function(lambda: clock.monotonic() - self._swept_at)
        registry.register(self)

    def swept(self, seconds: float) -> None:
        """After a good sweep, and how long it took."""
        self._swept_at = clock.monotonic()
        self._sweeps.observe(seconds)

    def mended(self, found: Mended) -> None:
        """After timers and rows have been compared."""
        for how, number in asdict(found).items():
            self._mended.labels(how).inc(number)

    def describe(self) -> Iterable[Metric]:
        """Nothing: or the rows would be read when this is registered."""
        return ()

    def collect(self) -> Iterable[Metric]:
        now = clock.monotonic()
        if self._read_at is None or now - self._read_at >= KEPT_SECONDS:
            self._read, self._read_at = [*self._of_rows(), *self._of_redis()], now
        return self._read

    def _of_rows(self) -> Iterable[Metric]:
        try:
            with self._core.database.read() as session:
                found = figures(self._core, session)
        except Exception as error:
            logger.warning("the rows cannot be read for the figures: %s", describe(error))
            return [_gauge("countersign_rows_readable", "Whether the database answers.", 0)]
        return [
            _gauge("countersign_rows_readable", "Whether the database answers.", 1),
            _gauges("countersign_grants", "Unfinished grants.", "status", found.grants),
            _gauges("countersign_attempts", "Tries for unfinished grants so far.", "status", found.attempts),
            _gauge("countersign_overdue_grants", "Should have ended, and may still be there.", found.overdue),
            _gauges("countersign_alerts_open", "Open alerts.", "kind", found.alerts),
            _gauge("countersign_alerts_undelivered", "Open alerts that were not told yet.", found.undelivered),
            _gauge("countersign_timers_wanted", "Rows that are to be looked at, now or later.", found.timers),
            *_of_canary(found.canary),
        ]

    def _of_redis(self) -> Iterable[Metric]:
        if self._redis is None:
            return []
        try:
            timers, heads = self._redis.zcard(AGENDA), head_ages(self._redis, clock.host_now())
        except RedisError:
            return [_gauge("countersign_redis_readable", "Whether Redis answers.", 0)]
        ages = {queue: age.total_seconds() for queue, age in heads.items()}
        return [
            _gauge("countersign_redis_readable", "Whether Redis answers.", 1),
            _gauge("countersign_timers", "Timers in Redis.", float(timers)),  # pyright: ignore[reportArgumentType] -- typed for asyncio too
            _gauges("countersign_queue_head_age_seconds", "How long the first job waits.", "queue",
                    {"grant": 0, "revoke": 0, "tell": 0} | ages),
        ]  # fmt: skip


def _of_canary(standing: Standing | None) -> list[Metric]:
    if standing is None:
        return []
    results = {"well": standing.well, "failing": standing.failing}
    opened, late = standing.opened.total_seconds(), standing.late.total_seconds()
    return [
        _gauges("countersign_canaries", "Canaries by how their newest finished run went.", "result", results),
        _gauge("countersign_canary_open_seconds", "From its start to the open door, the slowest canary.", opened),
        _gauge("countersign_canary_late_seconds", "From its end to when it was proven gone, the latest canary.", late),
    ]


def _gauge(name: str, says: str, value: float) -> Metric:
    return GaugeMetricFamily(name, says, value=value)


def _gauges(name: str, says: str, label: str, values: dict[str, Any]) -> Metric:
    family = GaugeMetricFamily(name, says, labels=[label])
    for word, value in values.items():
        family.add_metric([str(word)], value)
    return family
