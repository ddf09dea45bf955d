"""The ways in which a network misbehaves, and a proxy that makes it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from countersign.testing.faulty_proxy import FaultyProxy
from tests.redis_server import own_redis, redis_server, redis_url

__all__ = ["own_redis", "redis_server", "redis_url"]

Between = Callable[[tuple[str, int] | str], FaultyProxy]
Fault = Callable[[FaultyProxy], None]
SILENT: dict[str, Fault] = {
    "black hole": FaultyProxy.swallow,
    "nothing arrives there": lambda proxy: proxy.drop("to the server"),
    "no answer arrives": lambda proxy: proxy.drop("to us"),
}
LOUD: dict[str, Fault] = {
    "refused": FaultyProxy.refuse,
    "reset after 0 bytes": lambda proxy: proxy.reset_after(0),
    "reset after 60 bytes": lambda proxy: proxy.reset_after(60),
    "half closed": FaultyProxy.half_close,
}
FAULTS = SILENT | LOUD


@pytest.fixture
def between() -> Iterator[Between]:
    """Makes a proxy in front of a server."""
    with ExitStack() as running:
        yield lambda server: running.enter_context(FaultyProxy(server).running())
