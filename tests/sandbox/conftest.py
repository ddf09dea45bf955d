"""A fresh sandbox for every test."""

from collections.abc import Iterator

import pytest

from sandbox.server import Running, running


@pytest.fixture
def sandbox() -> Iterator[Running]:
    with running() as server:
        yield server
