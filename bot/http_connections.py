"""Bounds on what has not arrived yet: how long, how many connections, how many bytes. Nothing of it is signed so far.

Beyond one of them the connection that has waited longest is dropped: a request of Slack arrives in milliseconds, and
is served however many others hold theirs open.
"""

import asyncio
from typing import Any, ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_SECONDS = 10.0
"""For headers and body together, and for the next request of a connection that is kept."""
MOST = 256
"""Connections of which no whole request has arrived."""
LARGEST_TOTAL = 64 * 1024 * 1024
"""Bytes of requests that have not arrived as a whole."""


class Arriving:
    """The connections of one server that wait for the rest of a request, the oldest first."""

    def __init__(self) -> None:
        self._bytes = dict["BoundedProtocol", int]()

    def begin(self, one: "BoundedProtocol") -> None:
        self._bytes.pop(one, None)
        self._bytes[one] = 0
        if len(self._bytes) > MOST:
            next(iter(self._bytes)).drop()

    def more(self, one: "BoundedProtocol", number: int) -> None:
        if one not in self._bytes:
            return
        self._bytes[one] += number
        if sum(self._bytes.values()) > LARGEST_TOTAL:
            next(iter(self._bytes)).drop()

    def end(self, one: "BoundedProtocol") -> None:
        self._bytes.pop(one, None)


class BoundedProtocol(H11Protocol):
    """A connection of uvicorn's that is dropped when its request does not arrive in time. Bytes do not prolong it."""

    arriving: ClassVar[Arriving]
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._await_request()

    def data_received(self, data: bytes) -> None:
        self.arriving.more(self, len(data))
        if not self.transport.is_closing():
            super().data_received(data)
        self._note_arrival()

    def on_response_complete(self) -> None:
        self._await_request()
        super().on_response_complete()  # which may find the next request, sent ahead
        self._note_arrival()

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived()
        super().connection_lost(exc)

    def drop(self) -> None:
        """At once: who reads nothing would hold up a close that waits until all is sent."""
        self._arrived()
        self.transport.abort()

    def _await_request(self) -> None:
        self._arrived()
        self._timer = self.loop.call_later(REQUEST_SECONDS, self.drop)
        self.arriving.begin(self)

    def _note_arrival(self) -> None:
        if self.cycle is not None and not self.cycle.more_body and not self.cycle.response_complete:
            self._arrived()

    def _arrived(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        self.arriving.end(self)


def bounded() -> type[BoundedProtocol]:
    """The protocol of one server: uvicorn makes the instances, so what they share is on the class."""
    return type("ServersProtocol", (BoundedProtocol,), {"arriving": Arriving()})
