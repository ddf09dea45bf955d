"""Many grants that are due in the same moment, on a target whose every call takes 20 ms.

A timekeeper and two revoke workers run as processes over the real agenda and queues; nobody tells meanwhile, so Slack
has no part in it. The floor is what the calls alone take: grants × calls × latency / threads.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bench.approvals import Pace
from bench.bare_ends import BareEnds, recorded_of
from bench.bare_sql import Rows
from bench.ends import Stage, WentWrong, cpu_seconds, stage, working
from bench.figures import Figure, quantile
from bench.servers import KINDS, Kind, Servers, say

CALL_MS = 20
CALLS = ("revoke", "observe")
"""What one end takes: the removal, and the look whether it holds."""
WORKERS = 2
THREADS = (16, 64)
GOAL_THREADS = 16
PATIENCE = 90.0
BARE = 2000
"""So many of the ends are written by bare SQL too, which is enough to know what one of them takes."""


@dataclass(frozen=True)
class Ends:
    """Seconds after the moment when all were due, one for each grant: the target's word, and the row's."""

    removed: list[float]
    proven: list[float]


def measure(
    servers: Servers, *, count: int, ahead: float = 3.0, kinds: Sequence[Kind] = KINDS, threads: Sequence[int] = THREADS
) -> list[Figure]:
    """`count` grants on each store with so many threads a worker, due after `ahead` seconds. Raises WentWrong."""
    return [
        figure for kind in kinds for number in threads for figure in _measure(servers, kind, count, ahead, number)
    ]  # fmt: skip


def floor_of(count: int, threads: int) -> float:
    """Seconds that the calls alone take."""
    return count * len(CALLS) * CALL_MS / 1000 / (WORKERS * threads)


def _measure(servers: Servers, kind: Kind, count: int, ahead: float, threads: int) -> Iterator[Figure]:
    say(f"  due at once: {count:,} grants on {kind}, {CALL_MS} ms a call, {WORKERS} × {threads} threads")
    with stage(servers, kind, count, milliseconds=CALL_MS, threads=threads) as made, servers.store(kind) as empty:
        chosen = made.ids[:BARE]
        before = recorded_of(made.store, chosen)
        with working(made, workers=WORKERS) as supervisor:
            used = cpu_seconds(supervisor)
            ends = _ends(made, ahead)
            used = cpu_seconds(supervisor) - used
        bare = _bare(empty, before, recorded_of(made.store, chosen))
    floor = floor_of(count, threads)
    goal = round(1.3 * floor + 1, 2) if threads == GOAL_THREADS else None
    name = f"{count:,} due at once, {kind}, {WORKERS} × {threads}"
    half, last, proven = quantile(ends.removed, 0.5), max(ends.removed), max(ends.proven)
    yield Figure(name=f"{name}, p50 removed", value=half, unit="s", floor=floor / 2, samples=count)
    yield Figure(name=f"{name}, last removed", value=last, unit="s", floor=floor, samples=count)
    yield Figure(name=f"{name}, last proven", value=proven, unit="s", floor=floor, goal=goal, samples=count)
    yield Figure(
        name=f"{name}, CPU each", value=1000 * used / count, unit="ms CPU", floor=bare.cpu_ms_each, samples=count
    )


def _bare(empty: str, before: Rows, after: Rows) -> Pace:
    """The same rows by the driver alone."""
    floor = BareEnds(empty, before=before)
    together = list(floor.ends(after))
    began, cpu = time.perf_counter(), time.process_time()
    for ends in together:
        floor.end(ends)
    pace = Pace(sum(map(len, together)), time.perf_counter() - began, time.process_time() - cpu)
    floor.close()
    return pace


def _ends(made: Stage, ahead: float) -> Ends:
    due = made.core.clock.now() + timedelta(seconds=ahead)
    moments = dict.fromkeys(made.ids, due)
    made.due(moments)
    made.wait_for(made.ids, ahead + PATIENCE, every=0.5)
    removed, calls = made.lateness(moments), made.journal.calls()
    if calls != len(made.ids) * len(CALLS) or made.journal.holders():
        raise WentWrong(f"{len(made.ids)} grants took {calls} calls of the target, not {len(made.ids) * len(CALLS)}.")
    return Ends(removed, made.proven(due))
