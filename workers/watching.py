"""What every process does beside its own work: it looks whether the others do theirs, and tells if nobody else does."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Self, cast

from redis import Redis
from redis.exceptions import RedisError

from access import clock
from access.monitor.watchdogs import SILENT, Seen, Watch
from access.unit_of_work import message_item
from workers.handlers import FAILING, MAX_AGE, QUEUES
from workers.heartbeat import BEAT_SECONDS
from workers.lanes import Lanes
from workers.repeated import Repeated

# In one step: between two, a worker could take the job, and what is left would look as if it had lain there long.
_HEADS = """
local heads = {}
for number, queue in ipairs(KEYS) do
    local id = redis.call('LINDEX', queue, 0)
    heads[number] = id and (redis.call('HGET', 'rq:job:' .. id, 'enqueued_at') or '') or false
end
return heads
"""


class Watching:
    """Looks every five seconds, from a thread of its own, while it is entered: a slow look delays no sign of life.

    `redis` is None where there is none; `lanes` makes those by which alerts are told, when the first must be.
    """

    def __init__(self, watch: Watch, redis: Redis | None, lanes: Callable[[], Lanes[Any, Any]]) -> None:
        self._watch = watch
        self._redis = redis
        self._lanes_factory = lanes
        self._lanes: Lanes[Any, Any] | None = None
        # The others are given as long to begin as they may be silent.
        self._looking = Repeated(
            "watching", self.look, every=BEAT_SECONDS, failed="cannot look after the other processes",
            after=SILENT.total_seconds(),
        )  # fmt: skip

    def __enter__(self) -> Self:
        self._looking.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._looking.__exit__()
        if self._lanes is not None:
            self._lanes.stop()

    def look(self) -> None:
        """Looks once."""
        undelivered = self._watch.look(self._seen())
        if not undelivered:
            return
        if self._lanes is None:
            self._lanes = self._lanes_factory()
        for lane, messages in undelivered.items():
            self._lanes.put(lane, [message_item(one) for one in messages])

    def _seen(self) -> Seen | None:
        if self._redis is None:
            return Seen()
        try:
            return Seen(head_ages(self._redis, clock.host_now()), bool(self._redis.exists(FAILING)))
        except RedisError:
            return None  # the timekeeper says so


def head_ages(redis: Redis, now: datetime) -> dict[str, timedelta]:
    """How long the first job of each queue has waited; an empty queue is not in it. Raises RedisError.

    RQ notes the time by its host's clock, so `now` is the host's too. A job that cannot say it has outlived itself.
    """
    heads = redis.eval(_HEADS, len(QUEUES), *(f"rq:queue:{queue}" for queue in QUEUES))
    found = zip(QUEUES, cast("list[bytes | None]", heads), strict=True)
    return {queue: _age(since, now) for queue, since in found if since is not None}


def _age(since: bytes, now: datetime) -> timedelta:
    try:
        enqueued = datetime.fromisoformat(since.decode())
    except ValueError:
        return MAX_AGE
    return max(timedelta(0), now - (enqueued if enqueued.tzinfo else enqueued.replace(tzinfo=UTC)))
