"""A proxy between us and a server, on which a test makes the network misbehave.

What is held back is kept and delivered when the network is well again, as TCP does it: late, and also where nobody
waits for it any more.
"""

import asyncio
import re
import socket
import struct
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

Way = Literal["to the server", "to us"]
WAYS: tuple[Way, Way] = ("to the server", "to us")
_CHUNK = 65536
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: close at once, by RST."""


@dataclass(eq=False)
class _Connection:
    """Ours to the proxy, and the proxy's to the server."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter
    pumps: list["asyncio.Task[None]"] = field(default_factory=list["asyncio.Task[None]"])

    def close(self) -> None:
        for writer in (self.near, self.far):
            writer.close()

    def reset(self) -> None:
        for writer in (self.near, self.far):
            raw = writer.get_extra_info("socket")
            if raw is not None and raw.fileno() >= 0 and raw.family != socket.AF_UNIX:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()


class FaultyProxy:
    """Listens on a port of this host and passes everything on, until a test says otherwise; faults add up."""

    def __init__(self, server: tuple[str, int] | str) -> None:
        """`server`: host and port, or the path of a unix socket."""
        self._server = server
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="faulty proxy", daemon=True)
        self._connections = set[_Connection]()
        self._held = set[Way]()
        self._dropped_from = dict[Way, re.Pattern[bytes]]()
        self._flowing = {way: asyncio.Event() for way in WAYS}
        self._latency = 0.0
        self._bytes_left: int | None = None
        self._listening: asyncio.Server | None = None
        self.port = 0
        self.accepted = 0
        """How often somebody has connected."""

    @contextmanager
    def running(self) -> Generator["FaultyProxy"]:
        self._thread.start()
        self._do(self._heal)
        try:
            yield self
        finally:
            self._do(self._refuse)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    # What a test makes of the network

    def delay(self, seconds: float) -> None:
        """Each piece takes so much longer, in each direction."""
        self._latency = seconds

    def reset_after(self, count: int) -> None:
        """Connections die by RST when so many bytes more have passed, all ways together; then it is well again."""
        self._bytes_left = count

    def swallow(self) -> None:
        """A black hole: connections come about, and nothing comes through either way."""
        self._held.update(WAYS)

    def drop(self, way: Way) -> None:
        """Nothing comes through one way; the other works."""
        self._held.add(way)

    def drop_from(self, way: Way, piece: re.Pattern[bytes]) -> None:
        """As `drop`, but from the first piece on that has this in it; until then all is well. See `dropped`."""
        self._dropped_from[way] = piece

    @property
    def dropped(self) -> bool:
        """Whether such a piece has come, and went no further."""
        return bool(self._held & self._dropped_from.keys())

    def half_close(self) -> None:
        """The server seems to have said all it will ever say; what we say still arrives there."""
        self._do(self._send_end)

    def refuse(self) -> None:
        """Nobody listens; who is connected is reset."""
        self._do(self._refuse)

    def heal(self) -> None:
        """All is well; what was held back arrives."""
        self._do(self._heal)

    # In the proxy's own thread

    def _do(self, act: Callable[[], object]) -> None:
        async def acting() -> None:
            result = act()
            if asyncio.iscoroutine(result):
                await result

        asyncio.run_coroutine_threadsafe(acting(), self._loop).result(10)

    async def _heal(self) -> None:
        self._held.clear()
        self._dropped_from.clear()
        self._latency, self._bytes_left = 0.0, None
        for flowing in self._flowing.values():
            flowing.set()
            flowing.clear()
        if self._listening is None:
            self._listening = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = self._listening.sockets[0].getsockname()[1]

    async def _refuse(self) -> None:
        if self._listening is not None:
            self._listening.close()
            self._listening = None
        for connection in list(self._connections):
            connection.reset()
            for pump in connection.pumps:
                pump.cancel()
        await asyncio.sleep(0)  # they end

    def _send_end(self) -> None:
        for connection in self._connections:
            if connection.near.can_write_eof():
                connection.near.write_eof()

    async def _serve(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        self.accepted += 1
        try:
            if isinstance(self._server, str):
                from_server, far = await asyncio.open_unix_connection(self._server)
            else:
                from_server, far = await asyncio.open_connection(*self._server)
        except OSError:
            near.transport.abort()
            return
        connection = _Connection(near, far)
        connection.pumps = [
            asyncio.ensure_future(self._pump(connection, "to the server", reader, far)),
            asyncio.ensure_future(self._pump(connection, "to us", from_server, near)),
        ]
        self._connections.add(connection)
        await asyncio.gather(*connection.pumps, return_exceptions=True)
        connection.close()
        self._connections.discard(connection)

    async def _pump(
        self, connection: _Connection, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while piece := await reader.read(_CHUNK):
            await asyncio.sleep(self._latency)
            if (wanted := self._dropped_from.get(way)) and wanted.search(piece):
                self._held.add(way)
            while way in self._held:
                await self._flowing[way].wait()
            if self._bytes_left is not None:
                passed, piece = piece[: self._bytes_left], piece[self._bytes_left :]
                self._bytes_left -= len(passed)
                writer.write(passed)
                if self._bytes_left == 0 and piece:
                    self._bytes_left = None
                    connection.reset()
                    return
                continue
            writer.write(piece)
            await writer.drain()
        while way in self._held:  # an end is a word too
            await self._flowing[way].wait()
        if writer.can_write_eof():
            writer.write_eof()
