"""Acknowledgements first: while somebody waits for one, only one listener works after its own."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager

from access import clock

MAX_AFTER_ACK = 10
"""Listeners that work after their acknowledgement at once: more would only queue for the core."""
MAX_WHILE_ACKS_PENDING = 1
"""The same, while somebody waits for an acknowledgement."""


def noop(_seconds: float) -> None:
    """Nobody asks how long people waited."""


class AckPriority:
    """Slack gives up on an acknowledgement after three seconds; what follows it may wait a little in a crowd.

    Without this, a burst of commands is slowed by the work of those that are acknowledged already (docs/adr/0011).
    """

    def __init__(self, answered: Callable[[float], None] = noop) -> None:
        """`answered` hears how many seconds each acknowledgement took."""
        self._answered = answered
        self._unanswered = 0
        self._working = 0
        self._waiting = deque[asyncio.Future[None]]()

    @contextmanager
    def unanswered(self) -> Generator[None]:
        """Around everything from the arrival of a payload to its acknowledgement."""
        self._unanswered += 1
        began = clock.monotonic()
        try:
            yield
        finally:
            self._answered(clock.monotonic() - began)
            self._unanswered -= 1
            self._admit()

    @asynccontextmanager
    async def work(self) -> AsyncGenerator[None]:
        """Around what is done after an acknowledgement. Waits for its turn, first come first served."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            # Either it was called and gives its turn back, or it is passed over when its turn comes.
            self._end_turn() if turn.done() and not turn.cancelled() else turn.cancel()
            raise
        try:
            yield
        finally:
            self._end_turn()

    def _end_turn(self) -> None:
        self._working -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self._working < (MAX_WHILE_ACKS_PENDING if self._unanswered else MAX_AFTER_ACK):
            turn = self._waiting.popleft()
            if not turn.cancelled():
                self._working += 1
                turn.set_result(None)
