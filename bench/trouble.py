"""The same as `due`, and one second later Redis loses everything and one of the two workers is killed.

What the killed worker held is free again when its heartbeat is missed; what Redis held is found by the sweep.
"""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta

from redis import Redis

from bench.due import CALL_MS, CALLS, GOAL_THREADS, WORKERS, floor_of
from bench.ends import Stage, WentWrong, pid_of, stage, working
from bench.figures import Figure
from bench.servers import KINDS, Kind, Servers, say
from countersign.supervisor import Supervisor

AFTER = 1.0
"""Seconds from the moment when all are due."""
FREE_WITHIN = 15.0
"""Seconds, from the moment when all are due until what the killed worker held is free."""
PATIENCE = 150.0


def measure(servers: Servers, *, count: int, ahead: float = 3.0, kinds: Sequence[Kind] = KINDS) -> list[Figure]:
    """`count` grants on each store, due after `ahead` seconds. Raises WentWrong."""
    return [figure for kind in kinds for figure in _measure(servers, kind, count, ahead)]


def _measure(servers: Servers, kind: Kind, count: int, ahead: float) -> Iterator[Figure]:
    say(f"  trouble: {count:,} grants due on {kind}; after {AFTER:g} s FLUSHALL, and a worker is killed")
    with (
        stage(servers, kind, count, milliseconds=CALL_MS, threads=GOAL_THREADS) as made,
        working(made, workers=WORKERS) as supervisor,
    ):
        gone = _seconds_until_gone(servers, made, supervisor, ahead)
    floor = floor_of(count, GOAL_THREADS)
    goal = round(FREE_WITHIN + 1.5 * floor, 2)
    name = f"{count:,} due, Redis emptied, a worker killed, {kind}, last proven"
    yield Figure(name=name, value=gone, unit="s", floor=floor, goal=goal, samples=count)


def _seconds_until_gone(servers: Servers, made: Stage, supervisor: Supervisor, ahead: float) -> float:
    due = made.core.clock.now() + timedelta(seconds=ahead)
    moments = dict.fromkeys(made.ids, due)
    made.due(moments)
    time.sleep((due - made.core.clock.now()).total_seconds() + AFTER)
    with Redis.from_url(servers.valkey.url) as redis:
        redis.flushall()
    os.kill(pid_of(supervisor, "revoke"), signal.SIGKILL)
    made.wait_for(made.ids, PATIENCE, every=0.5)
    made.lateness(moments)  # none before its time
    if made.journal.holders() or made.journal.calls() < len(made.ids) * len(CALLS):
        raise WentWrong(f"{made.journal.holders()} grants are still there, though the rows say they have ended.")
    return max(made.proven(due))
