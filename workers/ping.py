"""A sign of life to somebody outside, who raises the alarm when it stays away.

Only after a good sweep, and only while somebody is told of every alert.
"""

import logging
import threading
from collections.abc import Callable
from typing import Self

from access import clock
from access.ports import Deadline
from access.words import counted
from workers.http_status import Unanswered, http_status

logger = logging.getLogger(__name__)

PING = "ping"
"""The kind of sign of life that is written when one was answered."""
EVERY_SECONDS = 60.0
_PATIENCE_SECONDS = 5.0


class Ping:
    """Asks for the address from a thread of its own while it is entered, once a minute at most.

    `untold` says, to that thread, how many alerts nobody was told of for long: while there are any it stays silent.
    `came` hears that the ping was answered. The address is a secret and is never logged.
    """

    def __init__(self, url: str, came: Callable[[], None], undelivered: Callable[[], int]) -> None:
        self._url = url
        self._undelivered = undelivered
        self._came = came
        self._next = 0.0
        self._wanted = threading.Event()
        self._ended = False
        self._failing = False
        self._held = False
        self._thread = threading.Thread(target=self._run, name="ping", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        self._wanted.set()
        self._thread.join(_PATIENCE_SECONDS)

    def swept(self, _seconds: float) -> None:
        """After a good sweep. Returns at once."""
        now = clock.monotonic()
        if now >= self._next:
            self._next = now + EVERY_SECONDS
            self._wanted.set()

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            if self._ended:
                return
            try:
                if self._is_held(self._undelivered()):
                    continue
                self._ask()
                self._came()
            except Exception as error:
                self._note(error)
            else:
                self._failing = False

    def _is_held(self, undelivered: int) -> bool:
        if undelivered and not self._held:
            logger.warning(
                "%s could not be told yet; until then the ping that all is well stays away",
                counted(undelivered, "alert", "alerts"),
            )
        self._held = bool(undelivered)
        return self._held

    def _ask(self) -> None:
        """Raises Unanswered where it was not heard."""
        status = http_status("GET", self._url, Deadline.after(_PATIENCE_SECONDS), by_proxy=True)
        if not 200 <= status < 300:
            raise Unanswered(f"status {status}")

    def _note(self, error: Exception) -> None:
        if not self._failing:
            why = str(error) if isinstance(error, Unanswered) else type(error).__name__
            logger.warning("the ping that all is well was not heard (%s)", why)
        self._failing = True
