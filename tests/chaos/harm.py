"""What breaks, by chance from the seed: each kind once at least, then again and again until the time is over."""

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from access.grants.claims import CLAIM
from access.postgres_session import POSTGRES_TIMEOUTS
from tests.chaos.city import City
from tests.chaos.target import HANGING_SECONDS, Premises, Weather

Seconds = tuple[float, float]
"""At least, at most."""


@dataclass(frozen=True)
class Strength:
    """How long things are broken, and how long they are well in between."""

    pause: Seconds
    outage: Seconds
    """Of Redis and of the target."""
    silence: Seconds
    """Of the network to the store."""
    stop: Seconds
    """Of a process by SIGSTOP."""
    first_outage: float = 0.0
    """Of Redis, where it is not left to chance: long enough in every run for all to go on by the sweep alone."""


STRONG = Strength(pause=(5, 20), outage=(3, 45), silence=(3, 20), stop=(1, 75), first_outage=45)
TURN = (CLAIM - timedelta(seconds=HANGING_SECONDS)).total_seconds()
"""Whoever is stopped for longer may have begun a call so long before his turn at the target is over."""
THROWN_OUT_AFTER = float(POSTGRES_TIMEOUTS["idle_in_transaction_session_timeout"].removesuffix("s"))
STOPS_ON_A_FILE: Seconds = (1, 8)
"""Where the store is a file, whoever is stopped in the middle of a write stops all others."""


@dataclass(frozen=True)
class Window:
    """Something was broken; in seconds since 1970."""

    what: str
    began: float
    ended: float


@dataclass
class Harm:
    """Four threads: one for the processes, Redis, the store and the target each."""

    city: City
    seed: str
    strength: Strength
    over: threading.Event = field(default_factory=threading.Event)
    redis_was_away: bool = False
    windows: list[Window] = field(default_factory=list[Window])
    failures: list[BaseException] = field(default_factory=list[BaseException])

    @property
    def done(self) -> Counter[str]:
        return Counter(window.what for window in self.windows)

    @contextmanager
    def breaking(self) -> Generator[None]:
        """When it is left, all is well again. Raises what went wrong with the harm itself."""
        areas = {
            "processes": [self.kill, self.stop],
            "redis": [self.flush_redis, self.end_redis, self.silence_redis],
            "store": [self.restart_store, self.silence_store, self.cut_store] if self.city.postgres else [],
            "target": [self.down, self.slow, self.hanging, self.lose_answers],
        }
        threads = [threading.Thread(target=self._go_on, args=area, name=area[0]) for area in areas.items() if area[1]]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.over.set()
            for thread in threads:
                thread.join()
        if self.failures:
            raise self.failures[0]

    def away(self, since: float, until: float) -> float:
        """For how many seconds of that time the store could not be used, or somebody who was stopped may have held it.

        Whoever is stopped in the middle of a write is thrown out by the server, and only then may the others go on.
        """
        seconds, reached = 0.0, since
        for began, ended in sorted(self._excuses()):
            seconds += max(0.0, min(ended, until) - max(began, reached))
            reached = max(reached, ended)
        return seconds

    def meanwhile(self, since: float, until: float) -> str:
        """What was broken then, for whoever must find out why."""
        seen = [one for one in self.windows if one.ended > since and one.began < until]
        told = (f"{one.what} at {one.began - since:+.0f} to {one.ended - since:+.0f} s" for one in seen)
        return ", ".join(told) or "nothing"

    def lock_expired(self, moment: float) -> bool:
        """Whether somebody who was stopped in the middle of a call until its turn was over may have gone on with it.

        No fence reaches a target: what was sent before that comes after it.
        """
        stops = [one for one in self.windows if one.what.startswith("SIGSTOP")]
        return any(one.ended - one.began > TURN and one.ended <= moment <= one.ended + HANGING_SECONDS for one in stops)

    def _excuses(self) -> Iterator[tuple[float, float]]:
        for one in self.windows:
            if one.what.startswith("store"):
                yield one.began, one.ended
            elif one.what.startswith("SIGSTOP"):
                yield one.began, min(one.ended, one.began + THROWN_OUT_AFTER)

    def _go_on(self, area: str, acts: Sequence[Callable[[random.Random], str]]) -> None:
        chance = random.Random(f"{self.seed} {area}")
        try:
            while not self.over.is_set():
                for act in chance.sample(acts, len(acts)):
                    if self.over.wait(chance.uniform(*self.strength.pause)):
                        return
                    began = time.time()
                    what = act(chance)
                    self.windows.append(Window(what, began, time.time()))
        except BaseException as error:
            self.failures.append(error)

    def _while(self, chance: random.Random, seconds: Seconds) -> None:
        self.over.wait(chance.uniform(*seconds))

    # Processes

    def kill(self, chance: random.Random) -> str:
        name = chance.choice(self.city.names())
        pid = self.city.pid(name)
        if pid is not None:
            self.city.signal(pid, signal.SIGKILL)
        return f"SIGKILL {name.rstrip('0123456789')}"

    def stop(self, chance: random.Random) -> str:
        name = chance.choice(self.city.names())
        pid = self.city.pid(name)
        if pid is not None:
            self.city.signal(pid, signal.SIGSTOP)
            try:
                self._while(chance, self.strength.stop)
            finally:
                self.city.signal(pid, signal.SIGCONT)
        return f"SIGSTOP {name.rstrip('0123456789')}"

    # Redis

    def flush_redis(self, _chance: random.Random) -> str:
        self.city.redis.flush()
        return "Redis FLUSHALL"

    def end_redis(self, chance: random.Random) -> str:
        self.city.redis.stop()
        self._without_redis(chance)
        self.city.start(self.city.redis)
        return "Redis stopped"

    def silence_redis(self, chance: random.Random) -> str:
        self.city.to_redis.swallow()
        self._without_redis(chance)
        self.city.to_redis.heal()
        return "Redis silent"

    def _without_redis(self, chance: random.Random) -> None:
        first = self.strength.first_outage if not self.redis_was_away else 0.0
        self.redis_was_away = True
        self._while(chance, (first, first) if first else self.strength.outage)

    # The store

    def restart_store(self, chance: random.Random) -> str:
        assert self.city.postgres is not None
        self.city.postgres.stop()
        self._while(chance, (0, 3))
        self.city.start(self.city.postgres)
        return "store restarted"

    def silence_store(self, chance: random.Random) -> str:
        assert self.city.to_postgres is not None
        self.city.to_postgres.swallow()
        self._while(chance, self.strength.silence)
        self.city.to_postgres.heal()
        return "store silent"

    def cut_store(self, chance: random.Random) -> str:
        assert self.city.to_postgres is not None
        self.city.to_postgres.reset_after(chance.randint(0, 5000))
        return "store cut off"

    # The target

    def down(self, chance: random.Random) -> str:
        return self._weather(chance, "down")

    def slow(self, chance: random.Random) -> str:
        return self._weather(chance, "slow")

    def hanging(self, chance: random.Random) -> str:
        return self._weather(chance, "hanging")

    def lose_answers(self, chance: random.Random) -> str:
        return self._weather(chance, "answer lost")

    def _weather(self, chance: random.Random, weather: Weather) -> str:
        places: list[Premises] = chance.choice([[self.city.own], [self.city.shared], [self.city.own, self.city.shared]])
        for premises in places:
            premises.turn(weather)
        self._while(chance, self.strength.outage)
        for premises in places:
            premises.turn("fine")
        return f"target {weather}"
