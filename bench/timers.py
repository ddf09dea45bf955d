"""Very many timers: what they cost in Redis, what they do to one that is due, to the sweep, and to a Redis emptied.

The idle timers are of no rows, for Redis does not know rows; so nobody compares the two meanwhile.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import timedelta
from typing import Any, cast

from redis import Redis
from sqlalchemy import event, update
from sqlmodel import col

from access.core import Core
from access.models import Grant, GrantStatus, PeriodicCheck
from access.monitor.sweep import Schedule
from bench.bare_sql import connect
from bench.ends import Stage, stage, working
from bench.figures import Figure, p50_and_p99
from bench.servers import KINDS, Kind, Servers, say
from workers.agenda import AGENDA, RedisAgenda, chunks
from workers.timer_repair import Comparing

EVERY = 0.2
"""Seconds from one due timer to the next."""
PATIENCE = 60.0
FLOOR = "floor:agenda"
LOOKS = 50
"""Sweeps measured."""
SCORE_BYTES = 8


def measure(servers: Servers, *, timers: int, samples: int, rows: int, kinds: Sequence[Kind] = KINDS) -> list[Figure]:
    """So many idle timers in Redis beside `samples` due ones; then `rows` open grants on each store."""
    return [*_with_idle(servers, timers, samples), *(one for kind in kinds for one in _with_rows(servers, kind, rows))]


def _with_idle(servers: Servers, timers: int, samples: int) -> Iterator[Figure]:
    say(f"  timers: {samples} that are due, without and beside {timers:,} idle ones")
    with ExitStack() as stack:
        redis = stack.enter_context(Redis.from_url(servers.valkey.url))
        made = stack.enter_context(stage(servers, "PostgreSQL", 2 * samples, milliseconds=0))
        RedisAgenda(redis).take_turn(24 * 3600)
        stack.enter_context(working(made))
        floor = _lateness(made, made.ids[:samples])
        before = _used(redis)
        later = time.time() + 24 * 3600
        names = [f"grant:{number:026}" for number in range(timers)]
        _bare_fill(redis, AGENDA, {name: later + number for number, name in enumerate(names)})
        each = (_used(redis) - before) / timers
        late = _lateness(made, made.ids[samples:])
    p50, p99 = p50_and_p99(f"a due timer beside {timers:,} idle ones", late, floor, goal_p99=300)
    yield from (p50, p99)
    bare = len(names[0]) + SCORE_BYTES
    yield Figure(name="an idle timer in Redis", value=each, unit="bytes", floor=bare, goal=130, samples=timers)


def _lateness(made: Stage, ids: list[str]) -> list[float]:
    moments = made.due_every(ids, EVERY)
    made.wait_for(ids, PATIENCE)
    return made.lateness(moments)


def _used(redis: Redis) -> int:
    """Bytes, without what Redis keeps for a moment while it writes its file anew."""
    memory = cast(dict[str, int], redis.info("memory"))
    return memory["used_memory"] - memory.get("mem_aof_buffer", 0)


def _bare_fill(redis: Redis, key: str, scores: dict[str, float]) -> None:
    for chunk in chunks(scores.items()):
        redis.zadd(key, cast(dict[Any, Any], dict(chunk)))


def _with_rows(servers: Servers, kind: Kind, rows: int) -> Iterator[Figure]:
    say(f"  timers: the sweep and an emptied Redis with {rows:,} open grants on {kind}, and as many that have ended")
    with stage(servers, kind, 2 * rows, milliseconds=0) as made, Redis.from_url(servers.valkey.url) as redis:
        _end(made, rows)
        name = f"a sweep that finds nothing due, {kind}"
        swept, bare = _sweeps(made)
        yield from p50_and_p99(name, swept, bare, goal_p50=5)
        filled, floor = _fill(made.core, redis)
        name = f"{rows:,} timers into an empty Redis, {kind}"
        yield Figure(name=name, value=filled, unit="s", floor=floor, goal=3, samples=rows)


def _end(made: Stage, count: int) -> None:
    """So many of the grants; and nothing outside is due to be looked at, for nobody looks."""
    now = made.core.clock.now()
    ended = {
        "status": GrantStatus.ENDED, "activated_at": now, "end_due_at": now, "ended_at": now, "proven_at": now,
        "due_at": None, "alert_at": None,
    }  # fmt: skip
    with made.core.database.write() as session:
        session.connection().execute(update(Grant).where(col(Grant.id) <= made.ids[count - 1]).values(ended))
        session.connection().execute(update(PeriodicCheck).values(due_at=now + timedelta(days=1)))


def _sweeps(made: Stage) -> tuple[list[float], list[float]]:
    """Seconds of each sweep, and of the statements of one by the driver alone."""
    schedule, statements = Schedule(made.core), list[tuple[str, Any]]()
    schedule.sweep()  # the first has more to do

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: object) -> None:
        if statement.startswith("SELECT"):
            statements.append((statement, parameters))

    with made.core.database.read() as session:
        engine = session.connection().engine
    event.listen(engine, "before_cursor_execute", note)
    schedule.sweep()
    event.remove(engine, "before_cursor_execute", note)
    swept = [_seconds(schedule.sweep) for _ in range(LOOKS)]
    bare = connect(made.environment["DATABASE_URL"], json=())
    floor = [_seconds(lambda: _replay(bare, statements)) for _ in range(LOOKS)]
    bare.close()
    return swept, floor


def _replay(connection: Any, statements: list[tuple[str, Any]]) -> None:
    for statement, parameters in statements:
        connection.execute(statement, parameters).fetchall()


def _fill(core: Core, redis: Redis) -> tuple[float, float]:
    redis.flushall()
    agenda = RedisAgenda(redis)
    took = _seconds(Comparing(Schedule(core), agenda, core.clock).fill)
    scores = {item: score for seen in agenda.seen() for item, score in seen}
    return took, _seconds(lambda: _bare_fill(redis, FLOOR, cast(dict[str, float], scores)))


def _seconds(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began
