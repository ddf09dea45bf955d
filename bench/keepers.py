"""How late access ends when who keeps time is killed, or when Redis goes away.

A timekeeper is killed just before a grant is due: once with another one standing by, once alone, so that the supervisor
must start it again. Redis is stopped in its tracks (SIGSTOP): its socket still takes commands and nobody answers, which
is harder than a server that is gone, for that is noticed at once. The floor is the same undisturbed.
"""

import os
import signal
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from bench.ends import Stage, pid_of, stage, wait_until_up, working
from bench.figures import Figure
from bench.servers import Kind, Servers, say
from countersign.supervisor import Supervisor

KIND: Kind = "PostgreSQL"
EVERY = 0.5
"""Seconds from one grant's end to the next one's, around the time without Redis."""
BEFORE, AFTER = 2.0, 6.0
"""Seconds of that with Redis."""
JUST = 0.05
"""Seconds from the kill to the moment when the grant is due."""
PATIENCE = 90.0


def measure(servers: Servers, *, samples: int, away: float) -> list[Figure]:
    """`samples` kills of each kind; Redis is gone for `away` seconds. Raises WentWrong."""
    return list(_measure(servers, samples, away))


def _measure(servers: Servers, samples: int, away: float) -> Iterator[Figure]:
    say(f"  killed timekeepers: {samples} of two, {samples} that were alone; then {away:g} s without Redis")
    through = round((BEFORE + away + AFTER) / EVERY)
    with stage(servers, KIND, 3 * samples + through, milliseconds=0) as made:
        some = [made.ids[start : start + samples] for start in range(0, 3 * samples, samples)]
        with working(made, timekeepers=2) as supervisor:
            floor = max(_undisturbed(made, some[0]))
            standing_by = list(_late_beside_another(made, supervisor, some[1]))
        alone = [_late_alone(made, one) for one in some[2]]
        with working(made):
            without = _without_redis(servers, made, made.ids[3 * samples :], away)
    for name, late, goal in (
        ("a timekeeper killed, another standing by", standing_by, 3),
        ("the only timekeeper killed and started again", alone, 5),
        (f"{away:g} s without Redis", without, 5),
    ):
        yield Figure(name=f"{name}, latest end", value=max(late), unit="s", floor=floor, goal=goal, samples=len(late))


def _undisturbed(made: Stage, ids: Sequence[str]) -> list[float]:
    moments = made.due_every(ids, EVERY)
    made.wait_for(ids, PATIENCE)
    return made.lateness(moments)


def _late_alone(made: Stage, identifier: str) -> float:
    """Under a supervisor of its own, for one that has seen many deaths waits longer each time."""
    with working(made) as supervisor:
        return _late(made, supervisor, identifier)


def _late_beside_another(made: Stage, supervisor: Supervisor, ids: Sequence[str]) -> Iterator[float]:
    for number, identifier in enumerate(ids):
        if number:
            wait_until_up(made, 3, since=made.core.clock.now())
        yield _late(made, supervisor, identifier)


def _late(made: Stage, supervisor: Supervisor, identifier: str) -> float:
    moments = made.due_every([identifier], 0)
    time.sleep((moments[identifier] - made.core.clock.now()).total_seconds() - JUST)
    os.kill(pid_of(supervisor, "timekeeper"), signal.SIGKILL)
    made.wait_for([identifier], PATIENCE)
    return made.lateness(moments)[0]


def _without_redis(servers: Servers, made: Stage, ids: Sequence[str], away: float) -> list[float]:
    moments = made.due_every(ids, EVERY)
    time.sleep((moments[ids[0]] - made.core.clock.now() + timedelta(seconds=BEFORE)).total_seconds())
    with _stopped(servers):
        time.sleep(away)
    made.wait_for(ids, PATIENCE)
    return made.lateness(moments)


@contextmanager
def _stopped(servers: Servers) -> Generator[None]:
    pid = servers.valkey.pid
    assert pid is not None, "Redis does not run"
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
