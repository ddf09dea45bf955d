"""Something that a process does again and again beside its work, from a thread of its own."""

import logging
import threading
from collections.abc import Callable
from typing import Self

from access.faults import describe

logger = logging.getLogger(__name__)


class Repeated:
    """Does it every so many seconds while it is entered; a row of failures is logged once.

    `failed` says in the log what could not be done; `after` is how long the first time waits.
    """

    def __init__(self, name: str, act: Callable[[], object], *, every: float, failed: str, after: float = 0.0) -> None:
        self._act = act
        self._every = every
        self._failed = failed
        self._after = after
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(self._every)

    def _run(self) -> None:
        failing, wait = False, self._after
        while not self._ended.wait(wait):
            wait = self._every
            try:
                self._act()
                failing = False
            except Exception as error:
                if not failing:
                    logger.warning("%s (%s)", self._failed, describe(error))
                failing = True
