"""What the tests of the working face share."""

from collections.abc import Iterator

import pytest
from redis import Redis

from tests.redis_server import own_redis, redis_server, redis_url
from workers.redis_connection import connect_waiting

__all__ = ["own_redis", "redis_server", "redis_url"]


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    """A client of an empty Redis, as workers make theirs."""
    with connect_waiting(redis_url) as client:
        yield client
