"""How our processes talk to Redis: short time-outs and one quick retry, because Redis only makes things fast."""

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from access.errors import Unready

BLOCK_SECONDS = 1.0
"""The longest a command of ours waits at the server."""


def connect(url: str) -> Redis:
    """A client for `redis://`, `rediss://` or `unix://` that answers or fails within a second; for whoever adds.

    Connects when first used. Raises Unready for an address it cannot read.
    """
    return _client(url, answer_within=0.5)


def connect_waiting(url: str) -> Redis:
    """The same for the processes that wait at the server for work: workers and timekeepers."""
    return _client(url, answer_within=BLOCK_SECONDS + 1.0)


def _client(url: str, *, answer_within: float) -> Redis:
    # One retry, for a connection that died while it lay in the pool. redis-py's own ten would hold a click for
    # seconds; and what timed out is not sent again, because it may have arrived.
    retry = Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,))
    try:
        return Redis.from_url(url, socket_connect_timeout=0.5, socket_timeout=answer_within, retry=retry)
    except ValueError as error:
        raise Unready(f"REDIS_URL cannot be used: {error} It looks like redis://host:6379/0.") from None
