"""Waiting for conditions instead of sleeping."""

import time
from collections.abc import Callable
from typing import TypeVar

import pytest

T = TypeVar("T")
SELDOM = 0.1


def wait_until(condition: Callable[[], T], what: str, *, within: float = 15.0, every: float = 0.02) -> T:
    """Polls until `condition()` is true and returns its value; fails the test with `what` after `within` seconds.

    What is not there soon is asked for less often: several processes may be busy bringing it about.
    """
    end = time.monotonic() + within
    pause = every
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            pytest.fail(f"waited {within:g} s in vain for {what}; last value: {value!r}", pytrace=True)
        time.sleep(pause)
        pause = max(every, min(1.2 * pause, SELDOM))
