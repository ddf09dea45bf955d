"""What the tests of the working face share."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis

from access.ports import Deadline
from tests.redis_server import RedisServer, own_redis, redis_server, redis_url
from tests.workers.engine import Engine
from tests.workers.rows import Rows
from tests.workers.targets import Target
from workers.pacing import Limits
from workers.redis_connection import connect_waiting

__all__ = ["own_redis", "redis_server", "redis_url"]


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    """A client of an empty Redis, as workers make theirs."""
    with connect_waiting(redis_url) as client:
        yield client


@pytest.fixture
def rows(tmp_path: Path) -> Rows:
    return Rows(tmp_path / "rows.db")


@pytest.fixture
def engine(rows: Rows, redis_url: str) -> Iterator[Engine]:
    """On a Redis that all tests share."""
    engine = Engine(rows, redis_url)
    with engine.ending:
        yield engine


@pytest.fixture
def lone_engine(rows: Rows, own_redis: RedisServer) -> Iterator[Engine]:
    """On a Redis of its own, which has not been started."""
    engine = Engine(rows, own_redis.url)
    with engine.ending:
        yield engine


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that was sent is sent again after half a second."""
    monkeypatch.setattr("workers.timekeeper.LEASE", timedelta(seconds=0.5))


@pytest.fixture
def hanging(lone_engine: Engine) -> Iterator[Engine]:
    """Calls for `stuck` never end."""
    let_go = threading.Event()

    def hang(identifier: str, _deadline: Deadline) -> bool:
        return identifier != "stuck" or let_go.wait(30)

    lone_engine.act = hang
    lone_engine.limits = Limits(call_seconds=0.5, grace_seconds=0.5)
    yield lone_engine
    let_go.set()


@pytest.fixture
def target() -> Iterator[Target]:
    """Answers at once, unless the test says otherwise."""
    target = Target()
    yield target
    target.let_go.set()
