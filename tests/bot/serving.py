"""A bot that serves, in a thread with a loop of its own."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.waiting import wait_until


@dataclass(frozen=True)
class Live:
    """`ended` is what became of it."""

    ended: "Future[None]"
    _loop: asyncio.AbstractEventLoop
    _stop: asyncio.Event

    def halt(self) -> None:
        """Tells it to stop; does not wait."""
        if not self.ended.done():
            self._loop.call_soon_threadsafe(self._stop.set)


@contextmanager
def alive(serve: Callable[[asyncio.Event], Coroutine[Any, Any, None]], up: Callable[[], Any]) -> Iterator[Live]:
    """Runs what `serve` makes of the event that stops it; goes on when `up` says so, or when it has given up."""
    live = Live(Future(), asyncio.new_event_loop(), asyncio.Event())

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: live._loop) as runner:
                runner.run(serve(live._stop))
            live.ended.set_result(None)
        except BaseException as error:
            live.ended.set_exception(error)

    thread = threading.Thread(target=run, name="bot")
    thread.start()
    wait_until(lambda: up() or live.ended.done(), "the bot to serve or to give up")
    try:
        yield live
    finally:
        live.halt()
        thread.join()
