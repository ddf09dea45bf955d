"""A fresh sandbox for every test."""

from collections.abc import Iterator

import pytest
from slack_sdk import WebClient

from sandbox.server import Running, running


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sandbox(clock: Clock) -> Iterator[Running]:
    with running(clock=clock) as server:
        yield server


@pytest.fixture
def hasty() -> Iterator[Running]:
    """A sandbox that waits for acknowledgements for a tenth of a second only."""
    with running(ack_seconds=0.1) as server:
        yield server


@pytest.fixture
def client(sandbox: Running) -> WebClient:
    return WebClient(token=sandbox.bot_token, base_url=sandbox.api_url)
