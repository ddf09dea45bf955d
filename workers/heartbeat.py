"""The sign of life of a process, written into the database, where everyone can see that it stopped."""

import logging
import threading
from typing import Self

from workers.business import Schedule

logger = logging.getLogger(__name__)

BEAT_SECONDS = 5.0


class Heartbeat:
    """Beats every five seconds, from a thread, while it is entered."""

    def __init__(self, schedule: Schedule, name: str, kind: str) -> None:
        self._schedule = schedule
        self._name = name
        self._kind = kind
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(BEAT_SECONDS)

    def _beat(self) -> None:
        failing = False
        while True:
            try:
                self._schedule.beat(self._name, self._kind)
                failing = False
            except Exception as error:
                if not failing:
                    logger.warning("the sign of life cannot be written (%s)", type(error).__name__)
                failing = True
            if self._ended.wait(BEAT_SECONDS):
                return
