"""How a process of ours is asked to stop: SIGTERM from a supervisor, SIGINT from a terminal."""

import signal
from collections.abc import Callable


def stop_on_signals(stop: Callable[[], None]) -> None:
    """Calls `stop`, which only notes the wish, at either signal, however often. Main thread only."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop())
