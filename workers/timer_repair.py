"""Compares the timers in Redis with the rows, beside the sweep: what is missing is added, what is wrong set right."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from redis.exceptions import RedisError

from access import clock as host
from access.clock import Clock
from access.faults import describe
from access.ports import AgendaItem
from access.words import counted
from workers.agenda import LEASE, SKEW, RedisAgenda, Seen, chunks
from workers.handlers import Routes, Schedule
from workers.redis_connection import reason

logger = logging.getLogger(__name__)

EVERY_SECONDS = 300.0
_FIRST_SECONDS = 15.0
"""After the start; for who is started again and again would never come to it."""
_TURN_SECONDS = EVERY_SECONDS - 20.0
"""For so long nobody else compares; a little less, or who comes just in time would wait for twice as long."""
_ENDING_SECONDS = 1.0
_SAME = 0.002
"""Seconds; a score is a number with less than a microsecond to spare."""
_HANDFUL = 5


@dataclass(frozen=True)
class Mended:
    """How many timers were not as the rows want them."""

    added: int = 0
    moved: int = 0
    removed: int = 0


def uncounted(_mended: Mended) -> None:
    """What was mended goes by unnoticed."""


class Comparing:
    """Works from a thread of its own while it is entered, so that nothing that is due waits for it.

    Of several timekeepers one compares, every few minutes; an empty Redis is filled by each that notices, for one of
    them may die. `mended` hears, from that thread, what a comparison found.
    """

    def __init__(
        self, schedule: Schedule, agenda: RedisAgenda, clock: Clock, mended: Callable[[Mended], None] = uncounted
    ) -> None:
        self._schedule = schedule
        self._agenda = agenda
        self._clock = clock
        self._mended = mended
        self._news = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="comparing", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        self._news.set()
        self._thread.join(_ENDING_SECONDS)

    def soon(self) -> None:
        """Redis is empty, or was away: it is filled or compared as soon as may be. Returns at once."""
        self._news.set()

    def _run(self) -> None:
        wait = _FIRST_SECONDS
        while True:
            self._news.wait(wait)
            at_once, wait = self._news.is_set(), EVERY_SECONDS
            if self._ended:
                return
            try:
                if self._agenda.was_flushed():
                    self.fill()
                elif self._agenda.take_turn(_TURN_SECONDS) or at_once:
                    self.compare()
            except _Ended:
                return
            except RedisError as error:
                logger.debug("the timers cannot be looked at: %s", reason(error))
            except Exception as error:
                logger.warning("the timers cannot be compared with the rows (%s)", describe(error))
            self._news.clear()

    def fill(self) -> None:
        """Puts all timers into a Redis that holds none. Raises RedisError."""
        began = host.monotonic()
        self._agenda.begin_filling()
        number, _ = self._add_missing()
        # Before the mark: should this process die or the database fail here, it is noticed, and said, once more.
        lost = self._schedule.timers.filled(number)
        if not self._agenda.end_filling():
            return  # emptied again meanwhile, as who keeps time notices
        if lost:  # else it is new
            put_in = counted(number, "was", "were")
            logger.warning("Redis had lost its timers; %s put in again, in %.1f s", put_in, host.monotonic() - began)
        self._agenda.take_turn(_TURN_SECONDS)

    def compare(self) -> None:
        """Both ways: each row has its timer, each timer its row. Raises RedisError."""
        number, added = self._add_missing()
        moved = removed = 0
        for seen in self._agenda.seen():
            began = host.monotonic()
            wrong = self._wrong(seen)
            self._agenda.set_right(wrong)
            removed += sum(due is None for _, due in wrong)
            moved += sum(due is not None for _, due in wrong)
            self._rest(host.monotonic() - began)
        self._mended(Mended(added, moved, removed))
        if added or moved or removed:
            timers = counted(number, "timer", "timers")
            logger.info("of %s, missing: %d, wrong: %d, of nothing: %d", timers, added, moved, removed)
        if added > _HANDFUL and 2 * added > number:
            self._schedule.timers.filled(added)  # it lost them, and not what says that it was filled
        else:
            self._schedule.timers.compared()

    def _add_missing(self) -> tuple[int, int]:
        """How many there are, and how many of them were missing."""
        number = added = 0
        for some in chunks(self._schedule.timers.all()):
            self._unless_ended()
            added += self._agenda.add_missing(some)
            number += len(some)
        return number, added

    def _wrong(self, seen: list[Seen]) -> list[tuple[Seen, datetime | None]]:
        """The rows are read after the scores, so that a timer which was set meanwhile is not taken for wrong."""
        now = self._clock.now()
        routes = self._schedule.route([item for item, _ in seen])
        true = _true_times(routes, now)
        leased = (now + LEASE + SKEW).timestamp()
        wrong = list[tuple[Seen, datetime | None]]()
        for item, score in seen:
            due = true[item]
            # Within a lease's time a wrong one fires and is set right by that.
            if due is None or (score > leased and abs(score - due.timestamp()) > _SAME):
                wrong.append(((item, score), due))
        return wrong

    def _rest(self, seconds: float) -> None:
        """As long as it took: who keeps time shares the processor with this."""
        self._unless_ended()
        self._news.wait(min(seconds, 1.0))

    def _unless_ended(self) -> None:
        if self._ended:
            raise _Ended


class _Ended(Exception):
    """The process is to end."""


def _true_times(routes: Routes, now: datetime) -> dict[AgendaItem, datetime | None]:
    times: dict[AgendaItem, datetime | None] = dict.fromkeys(routes.finished)
    times |= dict(routes.later)
    return times | {route.item: now for route in routes.now}
