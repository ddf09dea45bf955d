"""A real Valkey for tests: one for the whole run, emptied before each test, and one of a test's own to stop and start.

In a conftest: `from tests.redis_server import own_redis, redis_server, redis_url`.
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from countersign.embedded.valkey import EmbeddedValkey


class RedisServer:
    """The product's own embedded server, with what tests do to it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._server = EmbeddedValkey(directory)
        self.client = Redis(unix_socket_path=self.url.removeprefix("unix://"))

    @property
    def url(self) -> str:
        return self._server.url

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        """Ends it as a maintainer would; its data is there again after `start`."""
        self._server.stop()

    def flush(self) -> None:
        self.client.flushall()

    def freeze(self) -> None:
        """Takes connections and answers nothing, until `thaw`."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        self.client.close()
        self._server.stop()

    def _signal(self, number: signal.Signals) -> None:
        pid = self._server.pid
        assert pid is not None, "the server runs"
        os.kill(pid, number)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One server for the run; do not stop it."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.close()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The address of an empty Redis."""
    redis_server.flush()
    return redis_server.url


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A server of the test's own, not yet started."""
    server = RedisServer(tmp_path / "redis")
    yield server
    server.close()
