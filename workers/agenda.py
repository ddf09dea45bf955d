"""The agenda in Redis: one sorted set of what is due when, and a wake-up for whoever keeps time."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, TypeVar, cast
from uuid import uuid4

from redis import Redis
from redis.exceptions import RedisError

from access import clock
from access.ports import AgendaItem
from workers.redis_connection import BLOCK_SECONDS, reason

logger = logging.getLogger(__name__)
T = TypeVar("T")

AGENDA = "countersign:agenda"
WAKE = "countersign:wake"
EPOCH = "countersign:epoch"
_FILLING, _FILLED = b"filling", b"filled"
PROBE = "countersign:probe"
"""Written to see whether Redis takes writes. Its one member never changes, so that its log on disk does not grow."""
COMPARED = "countersign:compared"
"""There while somebody has compared it with the rows not long ago."""

LEASE = timedelta(seconds=60)
"""An item whose job was sent fires again after this: as long as a claim in the database."""
FIRST_LEASE = timedelta(seconds=2)
"""The same until the job is sent, because who is killed before that delays the item by it.

Enough for a look at the rows and two calls to a Redis that is well; who takes longer has them sent by another too.
"""
SKEW = timedelta(seconds=5)
"""How far the clock of another host may be ahead of ours before its leases look wrong."""
_AFTER_FAILURE_SECONDS = 1.0
_CHUNK = 1000

# Leased, not popped: when the job or its worker is lost, the item is due again at the new score.
_LEASE = """
local items = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, item in ipairs(items) do redis.call('ZADD', KEYS[1], 'XX', ARGV[3], item) end
return items
"""

# Only while the score is still what was seen: whoever added the item meanwhile knows something newer. An earlier time
# than that on the agenda is taken all the same: to look once too often does no harm.
_SETTLE = """
for i = 1, #ARGV, 3 do
    local score = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[i]) or nil)
    local earlier = score and ARGV[i + 2] ~= '' and score > tonumber(ARGV[i + 2])
    if score and (score == tonumber(ARGV[i + 1]) or earlier) then
        if ARGV[i + 2] == '' then redis.call('ZREM', KEYS[1], ARGV[i])
        else redis.call('ZADD', KEYS[1], ARGV[i + 2], ARGV[i]) end
    end
end
"""

# The same for many at once that were seen with one score and go to one time, as all that a lease took and a job was
# sent for: this is most of what a timekeeper says.
_EXTEND = """
for i = 3, #ARGV do
    local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
    if score and tonumber(score) == tonumber(ARGV[1]) then redis.call('ZADD', KEYS[1], ARGV[2], ARGV[i]) end
end
"""

# As all that we write goes in: by a script, into a sorted set. A Redis that is full or a replica still answers reads.
_PROVE = "redis.call('ZADD', KEYS[1], 0, 'here')"

# A timer that fires later than any lease has lost what was said of it since.
_ADD_OVERDUE = """
for i = 2, #ARGV, 2 do
    local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
    if not score or tonumber(score) > tonumber(ARGV[1]) then redis.call('ZADD', KEYS[1], ARGV[i + 1], ARGV[i]) end
end
"""

Seen = tuple[AgendaItem, float]
"""An item and the score it was seen with."""


class RedisAgenda:
    """What is due when, scored in seconds since 1970. Only `add` never raises; the rest raise RedisError."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._lease = redis.register_script(_LEASE)
        self._settle = redis.register_script(_SETTLE)
        self._extend = redis.register_script(_EXTEND)
        self._add_overdue = redis.register_script(_ADD_OVERDUE)
        self._prove = redis.register_script(_PROVE)
        self._skip_until = 0.0
        self._failing = False

    def add(self, items: Iterable[tuple[AgendaItem, datetime]]) -> None:
        """Puts items on the agenda or moves them, even leased ones, and wakes a timekeeper: the caller just committed.

        Never raises, and does nothing for a second after a failure: the rows are the truth and the sweep reads them.
        """
        scores = {item: due.timestamp() for item, due in items}
        if not scores or clock.monotonic() < self._skip_until:
            return
        try:
            with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.zadd(AGENDA, cast(dict[Any, Any], scores))
                _wake(pipeline)
                pipeline.execute()
        except RedisError as error:
            self._note_failure(error)
            return
        if self._failing:
            self._failing = False
            logger.info("Redis takes agenda items again")

    def add_missing(self, items: Iterable[tuple[AgendaItem, datetime]]) -> int:
        """Adds those that have no timer at all and so never shortens a lease. Returns how many had none."""
        added = 0
        for chunk in chunks(items):
            scores = {item: due.timestamp() for item, due in chunk}
            added += cast(int, self._redis.zadd(AGENDA, cast(dict[Any, Any], scores), nx=True))
        return added

    def add_overdue(self, items: Iterable[tuple[AgendaItem, datetime]], latest: datetime) -> None:
        """Adds what has no timer, or one that fires after `latest`, the end of the longest lease."""
        for chunk in chunks(items):
            arguments = [repr(latest.timestamp())]
            for item, due in chunk:
                arguments += [item, repr(due.timestamp())]
            self._add_overdue(keys=[AGENDA], args=arguments)

    def lease(self, now: datetime, until: datetime, limit: int) -> list[AgendaItem]:
        """Up to `limit` due items, earliest first, which are due again at `until` unless they are settled or added."""
        arguments = [repr(now.timestamp()), limit, repr(until.timestamp())]
        found = cast(list[bytes], self._lease(keys=[AGENDA], args=arguments))
        return [AgendaItem(item.decode()) for item in found]

    def settle(
        self,
        leased_until: datetime,
        *,
        finished: Sequence[AgendaItem] = (),
        later: Sequence[tuple[AgendaItem, datetime]] = (),
    ) -> None:
        """Takes finished items off and moves others, each only if nobody added it since it was leased."""
        until = leased_until.timestamp()
        self.set_right([((item, until), None) for item in finished] + [((item, until), due) for item, due in later])

    def extend(self, leased_until: datetime, until: datetime, items: Iterable[AgendaItem]) -> None:
        """Leases these for longer, each only if nobody added it since it was leased."""
        scores = [repr(leased_until.timestamp()), repr(until.timestamp())]
        for chunk in chunks(items):
            self._extend(keys=[AGENDA], args=[*scores, *chunk])

    def set_right(self, moves: Iterable[tuple[Seen, datetime | None]]) -> None:
        """Moves each item to its time, or takes it off for None, if it still has the score it was seen with.

        One that is to be looked at sooner than the agenda says is moved in any case.
        """
        for chunk in chunks(moves):
            arguments = list[str]()
            for (item, score), due in chunk:
                arguments += [item, repr(score), "" if due is None else repr(due.timestamp())]
            self._settle(keys=[AGENDA], args=arguments)

    def seen(self) -> Iterator[list[Seen]]:
        """All that is on the agenda, a thousand or so at a time; what stays there is seen once at least."""
        cursor = -1
        while cursor:
            found = cast(
                "tuple[int, list[tuple[bytes, float]]]", self._redis.zscan(AGENDA, max(cursor, 0), count=_CHUNK)
            )
            cursor = found[0]
            yield [(AgendaItem(item.decode()), score) for item, score in found[1]]

    def seen_of(self, items: Sequence[AgendaItem]) -> list[Seen]:
        """Those of these that are on the agenda."""
        scores = cast("list[float | None]", self._redis.zmscore(AGENDA, cast(list[Any], items))) if items else []
        return [(item, score) for item, score in zip(items, scores, strict=True) if score is not None]

    def wake(self) -> None:
        """Has a timekeeper look at what is due now."""
        with self._redis.pipeline(transaction=False) as pipeline:
            _wake(pipeline)
            pipeline.execute()

    def take_turn(self, seconds: float) -> bool:
        """Whether nobody has compared it with the rows for so long: then it is the caller's turn."""
        return bool(self._redis.set(COMPARED, 1, nx=True, ex=int(seconds)))

    def give_back(self, items: Sequence[str], now: datetime) -> None:
        """What a stopping process took and did not claim is due at once. Never raises: else its lease runs out."""
        try:
            for chunk in chunks(items):
                names = dict.fromkeys(chunk, now.timestamp())
                # Only those that are there.
                self._redis.zadd(AGENDA, cast(dict[Any, Any], names), xx=True)
                _wake(self._redis)
        except RedisError as error:
            logger.warning("could not give items back to the agenda (%s)", reason(error))

    def next_due(self) -> datetime | None:
        """When the first item is due."""
        first = cast(list[tuple[bytes, float]], self._redis.zrange(AGENDA, 0, 0, withscores=True))
        return datetime.fromtimestamp(first[0][1], UTC) if first else None

    def wait(self, seconds: float) -> bool:
        """Waits for a wake-up, a second at most. Those that came while nobody waited are kept, as one."""
        seconds = min(seconds, BLOCK_SECONDS)
        if seconds <= 0:
            return self._redis.lpop(WAKE) is not None
        # Redis takes nought as "for ever" and rounds to milliseconds.
        return self._redis.blpop([WAKE], max(seconds, 0.002)) is not None

    def prove_writable(self) -> None:
        """Raises RedisError where Redis answers, but takes no writes."""
        self._prove(keys=[PROBE])

    def prove_every_command(self) -> None:
        """The same for each that is used now and then only: one of them may be forbidden, and would fail again."""
        self.prove_writable()
        scratch, member = f"{PROBE}:{uuid4().hex}", AgendaItem("probe")
        with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.set(scratch, 1, nx=True, ex=60)
            pipeline.get(scratch)
            pipeline.delete(scratch)
            pipeline.zadd(PROBE, {member: 0})
            pipeline.zrange(PROBE, 0, 0)
            pipeline.zmscore(PROBE, [member])
            pipeline.zscan(PROBE)
            pipeline.zrem(PROBE, member)
            pipeline.lpush(scratch, 1)
            pipeline.ltrim(scratch, 0, 0)
            pipeline.blpop([scratch], 0.002)
            pipeline.lpop(scratch)
            pipeline.execute()

    def was_flushed(self) -> bool:
        """True until it was filled: it is new, or was emptied."""
        return self._redis.get(EPOCH) != _FILLED

    def begin_filling(self) -> None:
        """Says that the timers of all unfinished rows are being put in."""
        self._redis.set(EPOCH, _FILLING, nx=True)

    def end_filling(self) -> bool:
        """Says that they are in; False when Redis was emptied again meanwhile."""
        return bool(self._redis.set(EPOCH, _FILLED, xx=True))

    def _note_failure(self, error: RedisError) -> None:
        self._skip_until = clock.monotonic() + _AFTER_FAILURE_SECONDS
        if not self._failing:
            logger.warning("Redis does not take agenda items (%s); the sweep finds them", reason(error))
        self._failing = True


def _wake(redis: Any) -> None:
    redis.lpush(WAKE, 1)
    redis.ltrim(WAKE, 0, 0)


def chunks(items: Iterable[T]) -> Iterator[list[T]]:
    """A thousand at a time."""
    source = iter(items)
    while chunk := list(islice(source, _CHUNK)):
        yield chunk
