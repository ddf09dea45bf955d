"""Keeps time: turns what is due into jobs, sweeps the rows for what was lost, and does the work itself without Redis.

Any number may run. None leads: an item is leased in Redis, a row is claimed in the database.
"""

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any, Protocol

from redis.exceptions import RedisError

from access import clock as host
from access.clock import Clock
from access.faults import describe
from access.ports import AgendaItem
from workers.agenda import FIRST_LEASE, LEASE, SKEW, RedisAgenda
from workers.handlers import Queue, Route, Routes, Schedule
from workers.heartbeat import BEAT_SECONDS
from workers.lanes import Lanes
from workers.redis_connection import reason
from workers.timer_repair import Comparing, Mended, uncounted

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 90.0
"""What every sweep found overdue for so long while Redis is well, no worker takes: then the timekeeper does it."""
ALERT_AFTER_SECONDS = 5.0
"""How long Redis may be gone before somebody is told."""
ALERT_AFTER_SWEEPS = 5
"""How many may fail in a row before somebody is told, and is told again if another timekeeper has closed it."""
_SWEEP_SECONDS = 1.0
_SWEEP_SHARE = 10
_LONGEST_SWEEP_PAUSE = 5.0
"""A sweep that finds much takes a tenth of the time and not all of it, but a beat must not wait for it."""
_RETRY_SECONDS = 1.0
_AT_A_TIME = 1000


def _unobserved(_seconds: float) -> None:
    """Good sweeps go by unnoticed."""


def on_alert_unwritable(_why: str) -> None:
    """It stands in the log."""


class Sender(Protocol):
    """Where jobs are sent."""

    def send(self, routes: Sequence[Route]) -> int:
        """Raises RedisError."""
        ...

    def prove(self) -> None:
        """Raises RedisError where none could be sent or taken."""
        ...


LanesFactory = Callable[[Queue, Callable[[], None]], Lanes[Any, Any]]
"""(queue, what to call when a thread is lost): the lanes this process works in when it must do so itself."""


class Timekeeper:
    """Runs until it is stopped, or until a lost thread of its own lanes is reason to start afresh.

    Where there is no Redis at all, `agenda` and `queues` are None. `swept` hears after each good sweep how many seconds
    it took, `mended` what a comparison of timers and rows found, `unwritten` why no alert could be written; they must
    neither wait nor raise.
    """

    def __init__(
        self,
        *,
        schedule: Schedule,
        agenda: RedisAgenda | None,
        queues: Sender | None,
        lanes_factory: LanesFactory,
        clock: Clock,
        name: str,
        swept: Callable[[float], None] = _unobserved,
        mended: Callable[[Mended], None] = uncounted,
        unwritten: Callable[[str], None] = on_alert_unwritable,
    ) -> None:
        self._schedule = schedule
        self._swept = swept
        self._unwritten = unwritten
        self._redis = (agenda, queues) if agenda is not None and queues is not None else None
        self._comparing = Comparing(schedule, agenda, clock, mended) if agenda is not None else None
        self._lanes_factory = lanes_factory
        self._clock = clock
        self._name = name
        self._stopping = threading.Event()
        self._lanes: dict[Queue, Lanes[Any, Any]] = {}
        self._overdue_since: dict[AgendaItem, float] = {}
        self._filled_in: set[AgendaItem] = set()
        self._fill_anew_at = 0.0
        self._next_sweep = 0.0
        self._next_beat = 0.0
        self._next_try = 0.0
        self._failed_sweeps = 0
        # As below, of an alert that the sweep fails.
        self._sweep_told: bool | None = None
        self._gone_since: float | None = None
        self._proven = False
        # Does an alert say that Redis is gone? None: one that an earlier process left may.
        self._told: bool | None = None

    def stop(self) -> None:
        """Asks for the end. Returns at once."""
        self._stopping.set()

    def run(self) -> None:
        """Returns when what was begun here is committed and the rest given back."""
        with self._comparing or nullcontext():
            while not self._stopping.is_set():
                try:
                    self._turn()
                except Exception as error:
                    logger.error("keeping time failed with %s; trying again", describe(error))
                    self._stopping.wait(_RETRY_SECONDS)
        now = self._clock.now()
        left = [item for lanes in self._lanes.values() for item in lanes.stop()]
        if self._redis is not None:
            self._redis[0].give_back(left, now)

    def _turn(self) -> None:
        swept, alone = self._sweep_when_due(), self._is_alone
        if swept and alone:
            # Before Redis is asked whether it is back: one that hangs takes seconds to say nothing.
            self._work_on([item for item, _ in swept])
        if self._redis is not None and host.monotonic() >= self._next_try:
            try:
                self._turn_with_redis(*self._redis, swept)
                if self._proven:
                    self._note_well()
                return
            except RedisError as error:
                self._note_gone(error)
                if swept and not alone:
                    self._work_on([item for item, _ in swept])
        self._stopping.wait(max(0.0, self._next_sweep - host.monotonic()))

    @property
    def _is_alone(self) -> bool:
        """Without Redis."""
        return self._redis is None or self._gone_since is not None

    def _sweep_when_due(self) -> list[tuple[AgendaItem, datetime]] | None:
        """What the rows say is overdue or stuck; None between two sweeps."""
        now = host.monotonic()
        if now < self._next_sweep:
            return None
        self._next_sweep = now + _SWEEP_SECONDS
        try:
            if now >= self._next_beat:
                self._schedule.beat(self._name, "timekeeper")
                self._next_beat = now + BEAT_SECONDS
            began = host.monotonic()
            swept = self._schedule.sweep()
            took = host.monotonic() - began
            self._note_good_sweep()
            if not self._is_alone:
                # The calls that end it all need the processor and the database too. Alone, nothing else finds them.
                self._next_sweep = now + max(_SWEEP_SECONDS, min(_SWEEP_SHARE * took, _LONGEST_SWEEP_PAUSE))
        except Exception as error:
            # Timers go on firing from Redis.
            self._note_failed_sweep(describe(error))
            return []
        self._swept(took)
        self._overdue_since = {item: self._overdue_since.get(item, now) for item, _ in swept}
        return swept

    def _turn_with_redis(
        self, agenda: RedisAgenda, queues: Sender, swept: Sequence[tuple[AgendaItem, datetime]] | None
    ) -> None:
        """Raises RedisError. Sleeps at Redis, where a wake-up comes at once."""
        if swept is not None:
            self._prove(agenda, queues)
            self._fill(agenda, swept)
            impatient = host.monotonic() - PATIENCE_SECONDS
            self._work_on([item for item, since in self._overdue_since.items() if since <= impatient])
        now = self._clock.now()
        until = now + FIRST_LEASE
        leased = agenda.lease(now, until, _AT_A_TIME)
        if leased:
            routes = self._routes(agenda, leased, until)
            if routes.now:
                queues.send(routes.now)
                agenda.extend(until, self._clock.now() + LEASE, [route.item for route in routes.now])
            agenda.settle(until, finished=routes.finished, later=routes.later)
            return
        pause = self._next_sweep - host.monotonic()
        due = agenda.next_due()
        if due is not None:
            pause = min(pause, (due - self._clock.now()).total_seconds())
        agenda.wait(pause)

    def _prove(self, agenda: RedisAgenda, queues: Sender) -> None:
        """Raises RedisError. One that is full, a replica or forbids a command answers all the same.

        Everything is tried at the start and as long as something was refused: else what is used now and then only would
        be refused again, after all was said to be well.
        """
        if self._told is False and self._gone_since is None:
            agenda.prove_writable()
        else:
            agenda.prove_every_command()
            queues.prove()
        self._proven = True

    def _fill(self, agenda: RedisAgenda, swept: Sequence[tuple[AgendaItem, datetime]]) -> None:
        """Puts in what the sweep found, and has all timers looked at where Redis is empty or was gone."""
        was_gone = self._gone_since is not None
        is_empty = agenda.was_flushed() or was_gone
        if self._comparing is not None and is_empty:
            self._comparing.soon()
        # What waits for long is put in once a lease: a timer that a failover lost fires no later than a job that is.
        if is_empty or host.monotonic() >= self._fill_anew_at:
            self._filled_in = set()
            self._fill_anew_at = host.monotonic() + LEASE.total_seconds()
        news = [(item, due) for item, due in swept if item not in self._filled_in]
        agenda.add_overdue(news, self._clock.now() + LEASE + SKEW)
        self._filled_in = {item for item, _ in swept}
        if was_gone:
            # What was leased before may have lost its job with the last second of Redis.
            agenda.add(swept)

    def _routes(self, agenda: RedisAgenda, leased: Sequence[AgendaItem], until: datetime) -> Routes:
        try:
            return self._schedule.route(leased)
        except Exception:
            # The database failed: these are due again soon and not when the lease is over.
            soon = self._clock.now() + timedelta(seconds=_RETRY_SECONDS)
            agenda.settle(until, later=[(item, soon) for item in leased])
            raise

    def _work_on(self, items: Sequence[AgendaItem]) -> None:
        """Does here what a worker would. One that has it in hand already holds the claim, and nothing is done twice."""
        for start in range(0, len(items), _AT_A_TIME):
            by_target: dict[tuple[Queue, str], list[AgendaItem]] = defaultdict(list)
            for route in self._schedule.route(items[start : start + _AT_A_TIME]).now:
                by_target[route.queue, route.target].append(route.item)
            for (queue, target), its in by_target.items():
                if queue not in self._lanes:
                    self._lanes[queue] = self._lanes_factory(queue, self.stop)
                self._lanes[queue].put(target, its)

    def _note_failed_sweep(self, why: str) -> None:
        self._failed_sweeps += 1
        if self._failed_sweeps == 1:
            logger.error("the sweep failed with %s; trying again", why)
        if self._failed_sweeps % ALERT_AFTER_SWEEPS != 0:
            return
        self._sweep_told = True
        try:
            self._schedule.sweep_fails(self._failed_sweeps, why)
        except Exception as error:
            name = type(error.__cause__ or error).__name__
            logger.error("an alert that the sweep fails cannot be written (%s)", name)
            self._unwritten(name)

    def _note_good_sweep(self) -> None:
        self._failed_sweeps = 0
        if self._sweep_told is not False:
            self._schedule.sweep_works()
            self._sweep_told = False

    def _note_gone(self, error: RedisError) -> None:
        now = host.monotonic()
        self._proven = False
        self._next_try = now + _RETRY_SECONDS
        if self._gone_since is None:
            self._gone_since = now
            logger.warning("Redis cannot be used (%s); the timekeeper does the work itself", reason(error))
        if self._told is not True and now - self._gone_since >= ALERT_AFTER_SECONDS:
            self._schedule.timers.lost(reason(error))
            self._told = True

    def _note_well(self) -> None:
        if self._gone_since is not None:
            self._gone_since = None
            logger.info("Redis can be used again")
        if self._told is not False:
            self._schedule.timers.back()
            self._told = False
