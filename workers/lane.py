"""One target's lane: ids wait, are claimed shortly before their calls, run side by side, are committed in chunks."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic

from access import clock
from access.faults import describe
from access.ports import Deadline
from workers.claimed import ClaimedAhead
from workers.handlers import C, Handler, R
from workers.pacing import Breaker, Limits, TokenBucket
from workers.waiting import LAST, Waiting

logger = logging.getLogger(__name__)

COMMIT_CHUNK = 200
CLAIM_CHUNK = 200
COMMIT_AFTER_SECONDS = 0.2
_PAUSE_SECONDS = 1.0
"""After the database failed."""
_KEEP_RESULT_SECONDS = 30.0
"""How long a result outlives a database that fails; the claim then runs out and the row is worked on anew."""
_IDLE_THREAD_SECONDS = 30.0

Step = Callable[[], None]


@dataclass(eq=False)
class _Call:
    deadline: Deadline
    given_up_at: float


class Lane(Generic[C, R]):
    """One thread, the conductor, talks to the database; up to `limits.threads` others call the target.

    All fields are guarded by one lock, which is never held during a call or a transaction.
    """

    def __init__(
        self,
        name: str,
        business: Handler[C, R],
        limits: Limits,
        on_leak: Callable[[], None],
        not_won: Callable[[Sequence[str]], None],
    ) -> None:
        self._name = name
        self._not_won = not_won
        self._business = business
        self._limits = limits
        self._on_leak = on_leak
        lock = threading.Lock()
        self._news = threading.Condition(lock)  # for the conductor
        self._work = threading.Condition(lock)  # for the callers
        self._waiting = Waiting()
        self._claimed = ClaimedAhead[C](limits)
        self._starting: deque[C] = deque()
        self._running: set[_Call] = set()
        self._idle = 0
        self._results: deque[tuple[R, float]] = deque()
        self._breaker = Breaker(limits.probe_seconds)
        self._bucket = TokenBucket(limits.per_second) if limits.per_second else None
        self._claim_at_most = CLAIM_CHUNK
        self._commit_at_most = COMMIT_CHUNK
        self._paused_until = 0.0
        self._stop_at: float | None = None
        self._conductor = threading.Thread(target=self._conduct, name=f"lane {name}", daemon=True)
        self._conductor.start()

    def put(self, ids: Iterable[str], ranks: Mapping[str, int]) -> int:
        """Adds ids that are not waiting already; the lowest rank is claimed first. Returns how many wait now."""
        with self._news:
            self._waiting.put(ids, ranks)
            self._news.notify()
            return len(self._waiting)

    def limit(self, limits: Limits) -> None:
        """From the next call on; what is under way goes on."""
        with self._news:
            if limits == self._limits:
                return
            self._limits = limits
            self._claimed.limit(limits)
            self._breaker.probe_seconds = limits.probe_seconds
            self._bucket = TokenBucket(limits.per_second) if limits.per_second else None
            self._news.notify()

    def ask_to_stop(self, within: float) -> list[str]:
        """Claims nothing more; returns the ids that were never claimed. `join` waits for the rest."""
        with self._news:
            self._stop_at = clock.monotonic() + within
            left = self._waiting.clear()
            self._news.notify()
            self._work.notify_all()
        return left

    def join(self) -> None:
        """Waits until what was running is committed, or the time given to `ask_to_stop` is over."""
        stop_at = self._stop_at
        assert stop_at is not None, "ask_to_stop comes first"
        self._conductor.join(max(0.0, stop_at - clock.monotonic()) + 1.0)

    @property
    def busy(self) -> bool:
        """Is anything waiting, under way or not yet committed?"""
        with self._news:
            return bool(self._waiting or self._claimed or self._in_flight or self._results)

    @property
    def _in_flight(self) -> int:
        return len(self._starting) + len(self._running)

    def _conduct(self) -> None:
        while True:
            with self._news:
                while (step := self._next_step()) is None:
                    if self._is_over():
                        return
                    self._news.wait(self._seconds_to_wait())
            step()

    def _next_step(self) -> Step | None:
        """What the conductor does next, outside the lock. Calls that may start are started on the way."""
        self._give_up_overrun()
        self._start_calls()
        if clock.monotonic() < self._paused_until:
            return None
        if self._must_commit():
            size = min(len(self._results), self._commit_at_most)
            return partial(self._commit, [self._results.popleft() for _ in range(size)])
        if self._claimed and (self._breaker.is_open or self._claims_are_over()):
            return partial(self._release, self._claimed.clear())
        taken = self._waiting.take(self._room_to_claim())
        return partial(self._claim, taken) if taken else None

    def _is_over(self) -> bool:
        if self._stop_at is None:
            return False
        return clock.monotonic() >= self._stop_at or not (self._in_flight or self._claimed or self._results)

    def _seconds_to_wait(self) -> float | None:
        """Until time alone makes a difference; None: until something happens."""
        now = clock.monotonic()
        moments = [call.given_up_at for call in self._running]
        if self._results:
            moments.append(max(self._results[0][1] + COMMIT_AFTER_SECONDS, self._paused_until))
        if self._stop_at is not None:
            moments.append(self._stop_at)
        pace = self._pace()
        if pace is not None and (self._waiting or self._claimed):
            moments.append(max(now + pace, self._paused_until))
        return max(0.001, min(moments) - now) if moments else None

    def _pace(self) -> float | None:
        """Seconds until the target may be called again; None: when a running call has ended."""
        wait = self._breaker.seconds_to_wait(self._in_flight)
        if wait is None or self._in_flight >= self._limits.threads:
            return None
        return max(wait, self._bucket.seconds_to_wait()) if self._bucket else wait

    def _start_calls(self) -> None:
        while self._claimed and not self._claims_are_over() and self._pace() == 0.0:
            if self._bucket:
                self._bucket.take()
            self._starting.append(self._claimed.start())
            if len(self._starting) > self._idle:
                threading.Thread(target=self._serve, name=f"call {self._name}", daemon=True).start()
            else:
                self._work.notify()

    def _must_commit(self) -> bool:
        if not self._results:
            return False
        alone = not (self._in_flight or self._claimed)
        old = clock.monotonic() - self._results[0][1] >= COMMIT_AFTER_SECONDS
        return alone or old or len(self._results) >= self._commit_at_most

    def _claims_are_over(self) -> bool:
        return self._stop_at is not None or self._claimed.has_waited_too_long

    def _room_to_claim(self) -> int:
        """Only what starts soon is claimed: a claim runs out while it waits."""
        pace = self._pace()
        if self._stop_at is not None or (pace is not None and pace > 0):
            return 0
        if self._breaker.is_open:
            return max(0, 1 - self._in_flight - len(self._claimed))
        return min(self._claim_at_most, self._claimed.room(self._waiting.lowest_rank))

    def _give_up_overrun(self) -> None:
        now = clock.monotonic()
        for call in [call for call in self._running if now >= call.given_up_at]:
            self._running.remove(call)
            self._breaker.record(healthy=False)
            logger.error("a call to %s did not end by its deadline; its thread is lost", self._name)
            self._on_leak()

    def _claim(self, taken: Mapping[str, int]) -> None:
        try:
            claimed = self._business.claim(list(taken))
        except Exception as error:
            self._note("claim", error)
            with self._news:
                # One by one from here on, in case a single one is the cause; that one goes behind all others.
                if len(taken) > 1:
                    self._waiting.put_back(taken)
                else:
                    self._waiting.put(taken, dict.fromkeys(taken, LAST))
                self._claim_at_most = 1
                self._paused_until = clock.monotonic() + _PAUSE_SECONDS
            return
        with self._news:
            self._claim_at_most = min(CLAIM_CHUNK, 2 * self._claim_at_most)
            self._claimed.put(claimed, taken)
        won = {one.id for one in claimed}
        if len(won) < len(taken):
            self._not_won([identifier for identifier in taken if identifier not in won])

    def _release(self, unstarted: Sequence[tuple[C, int]]) -> None:
        try:
            self._business.release([claimed for claimed, _ in unstarted])
        except Exception as error:
            self._note("release", error)
            return  # the claims run out by themselves
        with self._news:
            if self._stop_at is None:
                self._waiting.put_back({claimed.id: rank for claimed, rank in unstarted})

    def _commit(self, chunk: Sequence[tuple[R, float]]) -> None:
        try:
            self._business.commit([result for result, _ in chunk])
        except Exception as error:
            self._note("commit", error)
            now = clock.monotonic()
            kept = [(result, ended_at) for result, ended_at in chunk if now - ended_at < _KEEP_RESULT_SECONDS]
            with self._news:
                if len(chunk) > 1:
                    self._results.extendleft(reversed(kept))
                else:
                    self._results.extend(kept)
                self._commit_at_most = 1
                self._paused_until = now + _PAUSE_SECONDS
            return
        with self._news:
            self._commit_at_most = min(COMMIT_CHUNK, 2 * self._commit_at_most)

    def _serve(self) -> None:
        """A caller: runs calls until there are none, or until its own was given up and its place taken."""
        while (started := self._next_call()) is not None:
            claimed, call = started
            result = self._act(claimed, call.deadline)
            with self._news:
                self._claimed.note_end()
                if result is not None:
                    self._results.append((result, clock.monotonic()))
                self._news.notify()
                if call not in self._running:
                    return
                self._running.remove(call)
                self._breaker.record(healthy=result is not None and result.healthy)

    def _next_call(self) -> tuple[C, _Call] | None:
        with self._work:
            self._idle += 1
            self._start_calls()  # not left to the conductor, who may be in a transaction for longer than a call
            while not self._starting:
                woken = self._work.wait(_IDLE_THREAD_SECONDS)
                if not self._starting and (not woken or self._stop_at is not None):
                    self._idle -= 1
                    return None
            self._idle -= 1
            deadline = Deadline.after(self._limits.call_seconds)
            call = _Call(deadline, given_up_at=deadline.at + self._limits.grace_seconds)
            self._running.add(call)
            self._news.notify()  # the conductor minds the moment it is given up
            return self._starting.popleft(), call

    def _act(self, claimed: C, deadline: Deadline) -> R | None:
        try:
            return self._business.act(claimed, deadline)
        except Exception as error:
            self._note(f"call of {claimed.id}", error)
            return None  # its claim runs out, and it is looked at again

    def _note(self, what: str, error: Exception) -> None:
        logger.error("%s: %s failed with %s", self._name, what, describe(error))
