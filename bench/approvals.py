"""Approvals a second on one process, beside the bare SQL that writes the same rows."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from bench.bare_sql import BareSql, recorded
from bench.core import approve, ask, core_on
from bench.figures import Figure
from bench.policy import Crowd, policy
from bench.servers import KINDS, Kind, Servers, say

THREADS = (1, 10)
T = TypeVar("T")


@dataclass(frozen=True)
class Pace:
    """How fast a list of things was done."""

    count: int
    seconds: float
    cpu_seconds: float
    """Of this process alone: a database server's own work is not in it."""

    @property
    def per_second(self) -> float:
        return self.count / self.seconds

    @property
    def cpu_ms_each(self) -> float:
        return 1000 * self.cpu_seconds / self.count


def measure(servers: Servers, *, count: int, kinds: Sequence[Kind] = KINDS) -> list[Figure]:
    """`count` approvals on each store with each number of threads."""
    return [figure for kind in kinds for threads in THREADS for figure in _measure(servers, kind, threads, count)]


def _measure(servers: Servers, kind: Kind, threads: int, count: int) -> Iterator[Figure]:
    say(f"  approvals: {count} on {kind}, {threads} at a time, then the same rows by bare SQL")
    crowd = Crowd(people=20, roles=-(-count // 20))
    text = policy(crowd, provider="postgres", settings={"dsn": {"env": "SHOP_DSN"}}, role={"grants": ["any"]})
    with servers.store(kind) as store, servers.store(kind) as empty:
        environment = servers.environment(store=store, policy=text)
        with core_on(environment) as core:
            requests = ask(core, crowd, count)
            bare = BareSql(empty, before=recorded(store))
            ours = _pace(lambda request: approve(core, request), requests, threads)
            floor = _pace(bare.approve, bare.approvals(recorded(store)), threads)
            bare.close()
    name = f"approvals on {kind}, {threads} at a time"
    yield Figure(name=name, value=ours.per_second, unit="1/s", floor=floor.per_second, samples=count)
    yield Figure(
        name=f"{name}, CPU each", value=ours.cpu_ms_each, unit="ms CPU", floor=floor.cpu_ms_each, samples=count
    )


def _pace(do: Callable[[T], None], things: Iterable[T], threads: int) -> Pace:
    todo = list(things)
    with ThreadPoolExecutor(threads) as executor:
        began, cpu = time.perf_counter(), time.process_time()
        for _ in executor.map(do, todo):
            pass
        return Pace(len(todo), time.perf_counter() - began, time.process_time() - cpu)
