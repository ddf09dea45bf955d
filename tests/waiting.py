"""Waiting for conditions instead of sleeping."""

import time
from collections.abc import Callable
from typing import TypeVar

import pytest

T = TypeVar("T")


def wait_until(condition: Callable[[], T], what: str, *, within: float = 15.0, every: float = 0.02) -> T:
    """Polls until `condition()` is true and returns its value; fails the test with `what` after `within` seconds."""
    end = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            pytest.fail(f"waited {within:g} s in vain for {what}; last value: {value!r}", pytrace=True)
        time.sleep(every)
