"""What each process runs: the bot, a worker of one queue, a timekeeper."""

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from functools import cache, partial
from typing import Any

from access.grants.unlisted import Overdue
from access.monitor.silent_workers import free_ends
from access.monitor.watchdogs import Watch
from access.settings import Settings
from countersign import preflight
from countersign.clocks import measuring
from countersign.counting import Counted, CountedEnds, shown
from countersign.ready import ready
from countersign.wiring import THREADS, Parts, parts, process_name
from workers.dispatch import Dispatcher, around
from workers.handlers import Queue
from workers.heartbeat import BEAT_SECONDS, heartbeat
from workers.lanes import Lanes, ranks_of
from workers.pacing import Limits, pace
from workers.repeated import Repeated
from workers.stopping import stop_on_signals
from workers.target_limits import TargetLimits
from workers.targets import ProviderTargets
from workers.watching import Watching

logger = logging.getLogger(__name__)

Serve = Callable[..., Awaitable[None]]
"""Serves a core until `stop` is set; all else is given already."""


def run_bot(settings: Settings) -> None:
    """Answers in Slack until it is told to stop, by whichever way the settings are for. Raises Unready."""
    preflight.check(settings, "bot")
    serve = _by_http(settings) if settings.answers_by_http() else _by_socket(settings)
    os.environ.pop("SLACK_BOT_TOKEN", None)  # Bolt would read it a second time, and say so
    with shown(settings) as metrics, parts(settings, metrics=metrics) as made:
        counted = partial(serve, client_class=metrics.async_slack, answered=metrics.answered)
        overdue = Overdue(made.core)
        overdue.look()  # before anybody can ask
        listing = Repeated("overdue", overdue.look, every=BEAT_SECONDS, failed="what is overdue cannot be listed")
        with heartbeat(made.schedule, process_name("bot"), "bot"), watching(made), measuring(made), listing:
            asyncio.run(_until_told(counted, made))


async def _until_told(serve: Serve, made: Parts) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve(made.core, stop=stop)


def _by_socket(settings: Settings) -> Serve:
    from bot import socket_mode  # what only the bot needs takes long to import

    return partial(
        socket_mode.serve,
        bot_token=settings.need(settings.slack_bot_token, "SLACK_BOT_TOKEN"),
        app_token=settings.need(settings.slack_app_token, "SLACK_APP_TOKEN"),
        api_url=settings.slack_api_url, threads=THREADS, connected=_Connection().changed,
    )  # fmt: skip


def _by_http(settings: Settings) -> Serve:
    from bot import http_mode  # as above

    return partial(
        http_mode.serve,
        bot_token=settings.need(settings.slack_bot_token, "SLACK_BOT_TOKEN"),
        signing_secret=settings.need(settings.slack_signing_secret, "SLACK_SIGNING_SECRET"),
        api_url=settings.slack_api_url, threads=THREADS, address=settings.http_listen, prefix=settings.http_prefix,
        listening=_listening,
    )  # fmt: skip


def _listening(address: str) -> None:
    logger.info("listening for Slack at %s", address)
    ready()


class _Connection:
    """Says when Slack can reach us, and when it no longer can; once each."""

    def __init__(self) -> None:
        self._here = False

    def changed(self, here: bool) -> None:
        if here != self._here:
            logger.info("Slack can reach the bot" if here else "Slack cannot reach the bot")
            ready()
        self._here = here


def run_worker(settings: Settings, queue: Queue) -> None:
    """Works on one queue until it is told to stop or should be replaced. Raises Unready."""
    from workers.queue_worker import WorkerProcess  # RQ; the bot does without

    preflight.check(settings, queue)
    with shown(settings) as metrics, parts(settings, metrics=metrics, waits=True) as made:
        assert made.redis is not None, "its address was looked for"
        assert made.seal is not None, "it waits at Redis"
        targets, name = made.targets(), process_name(queue)
        business = businesses(made, targets, name)[queue]()
        worker = WorkerProcess(
            queue, redis=made.redis, seal=made.seal, business=business, schedule=made.schedule,
            clock=made.core.clock, name=name, limits=limits_of(made, queue),
        )  # fmt: skip
        free_ends(made.core, {name})  # a process that died may have had the name: in a container each has the same id
        stop_on_signals(worker.stop)
        logger.info("working on the queue %s", queue)
        ready()
        try:
            with watching(made), measuring(made):
                worker.run()
        finally:
            targets.close()


def run_timekeeper(settings: Settings) -> None:
    """Keeps time until it is told to stop; without Redis it does the work itself. Raises Unready."""
    from access.monitor.unsent_alerts import long_unsent
    from workers.agenda import RedisAgenda
    from workers.emergency_alert import EmergencyAlert
    from workers.jobs import JobQueues  # RQ; the bot does without
    from workers.ping import PING, Ping
    from workers.timekeeper import Timekeeper

    preflight.check(settings, "timekeeper")
    made_here = partial(parts, settings, waits=True)
    with shown(settings) as metrics, made_here(metrics=metrics) as made, ExitStack() as beside:
        targets = made.targets()
        beside.callback(targets.close)
        name = process_name("timekeeper")
        work = businesses(made, targets, name)
        redis, seal = made.redis, made.seal
        figures = metrics.sweeps(made.core, redis)
        sweeps: list[Callable[[float], None]] = [figures.swept]
        if settings.ping_url is not None:
            came = partial(made.schedule.beat, process_name("ping"), PING)
            ping = Ping(settings.ping_url.get_secret_value(), came, partial(long_unsent, made.core))
            sweeps.append(beside.enter_context(ping).swept)
        sender = cache(made.slack_telling)  # most never need it
        emergency_alert = beside.enter_context(
            EmergencyAlert(made.core, lambda claimed, deadline: sender().act(claimed, deadline), pages=made.core.pages)
        )
        sweeps.append(emergency_alert.swept)
        keeper = Timekeeper(
            schedule=made.schedule,
            agenda=RedisAgenda(redis) if redis is not None else None,
            queues=JobQueues(redis, seal, made.core.clock) if redis is not None and seal is not None else None,
            lanes_factory=lambda queue, on_leak: Lanes(
                work[queue](),
                on_leak=on_leak,
                limits=limits_of(made, queue),
                ranks=ranks_of(queue, made.schedule),
            ),
            clock=made.core.clock,
            name=name,
            swept=partial(_tell_all, sweeps),
            mended=figures.mended,
            unwritten=emergency_alert.unwritten,
        )
        free_ends(made.core, {name})  # as of a worker
        stop_on_signals(keeper.stop)
        logger.info("keeping time")
        ready()
        with watching(made), measuring(made):
            keeper.run()


def businesses(made: Parts, targets: ProviderTargets, worker: str) -> dict[Queue, Callable[[], Dispatcher]]:
    """What each queue does, made when it is asked for; its results are counted. `worker` is the process that claims."""
    metrics = made.metrics
    counted = partial(Counted[Any, Any], metrics=metrics)
    ends = partial(CountedEnds[Any, Any], metrics=metrics, database=made.database)
    return {
        "grant": lambda: Dispatcher(around(made.granting(targets, worker), partial(counted, queue="grant"))),
        "revoke": lambda: Dispatcher(around(made.revoking(targets, worker), ends)),
        "tell": lambda: Dispatcher(around(made.telling(), partial(counted, queue="tell"))),
    }


def limits_of(made: Parts, queue: Queue) -> Callable[[str], Limits]:
    """How hard each lane of a queue may call what is at its end."""
    if queue == "tell":
        return partial(pace, made.settings.calls_at_once)
    return TargetLimits(made.core.policy, made.core.providers, made.settings.calls_at_once)


def _tell_all(hearers: Sequence[Callable[[float], None]], seconds: float) -> None:
    for hear in hearers:
        hear(seconds)


def watching(made: Parts) -> Watching:
    """While it is entered, this process looks after the others. A thread that it loses to Slack is no reason to end."""
    return Watching(Watch(made.core), made.redis, lambda: Lanes(Dispatcher(made.telling()), on_leak=lambda: None))
