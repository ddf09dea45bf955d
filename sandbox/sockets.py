"""Socket Mode: one-time links, envelopes to one of the connections, acknowledgements in three seconds."""

import asyncio
import json
import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiohttp import WSMsgType, web

from sandbox.carrier import NO_ACK, NO_CONNECTION, Kind, Retry
from sandbox.errors import NotPossible, Trouble
from sandbox.facts import limit
from sandbox.journal import Journal
from sandbox.state import Team

WARNING, REFRESH, DISABLED = "warning", "refresh_requested", "link_disabled"
REASONS = (WARNING, REFRESH, DISABLED)
LATE = "an acknowledgement that came too late"


@dataclass(eq=False)
class Connection:
    """One WebSocket of the app; a leaving one was asked to come back, and is used while there is no other."""

    socket: web.WebSocketResponse
    transport: asyncio.Transport | None
    leaving: bool = False


class Sockets:
    """All connections of the app. `ack_seconds` is how long Slack waits for an acknowledgement."""

    def __init__(self, team: Team, journal: Journal, ack_seconds: float = limit("ack.seconds")) -> None:
        self._team = team
        self._journal = journal
        self._ack_seconds = ack_seconds
        self._tickets: set[str] = set()
        self._connections: list[Connection] = []
        self._waiting: dict[str, asyncio.Future[Any]] = {}
        self._turn = 0
        self._follow_up: asyncio.Task[None] | None = None
        self.disabled = False

    def __len__(self) -> int:
        return len(self._connections)

    def new_ticket(self) -> str:
        """A ticket that opens one connection, once."""
        ticket = secrets.token_urlsafe(24)
        self._tickets.add(ticket)
        return ticket

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """The WebSocket endpoint behind `apps.connections.open`."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            raise web.HTTPForbidden(text="this link was used before, or never given")
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if len(self._connections) >= limit("socket.connections"):
            await socket.send_json({"type": "disconnect", "reason": "too_many_websockets", "debug_info": _DEBUG})
            await socket.close()
            return socket
        await self._serve_connection(Connection(socket, request.transport))
        return socket

    async def send(self, kind: Kind, payload: dict[str, Any], retry: Retry | None = None) -> Any:
        """Sends one envelope to one connection; the payload of its acknowledgement, None when that was empty.

        `Trouble` when there is no connection, or no acknowledgement in time.
        """
        if not self._connections:
            raise Trouble(NO_CONNECTION, "the app is not connected")
        envelope_id = secrets.token_hex(16)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = answer
        envelope = {"envelope_id": envelope_id, "type": kind, "payload": payload}
        envelope["accepts_response_payload"] = kind != "events_api"
        if kind == "events_api":
            envelope |= {"retry_attempt": retry.number if retry else 0, "retry_reason": retry.reason if retry else ""}
        try:
            await self._next().socket.send_json(envelope)
            return await asyncio.wait_for(answer, self._ack_seconds)
        except (TimeoutError, ConnectionError) as error:
            raise Trouble(NO_ACK, "the app did not answer in time") from error
        finally:
            del self._waiting[envelope_id]

    @property
    def leaving(self) -> int:
        """How many of the connections were asked to go and are still there."""
        return sum(connection.leaving for connection in self._connections)

    async def refresh(self, reason: str = REFRESH) -> None:
        """Asks every connection to come back on a new one, as Slack does every few hours.

        After a `warning` the request follows ten seconds later; after `link_disabled` the door is shut for good.
        """
        if reason not in REASONS:
            raise NotPossible(f"Slack gives no such reason to disconnect: {reason!r}; it gives {', '.join(REASONS)}")
        self.disabled = self.disabled or reason == DISABLED
        for connection in list(self._connections):
            connection.leaving = True
            await self._ask_to_leave(connection, reason)
        if reason == WARNING:
            self._follow_up = asyncio.get_running_loop().create_task(self._make_good_the_warning(self._team.now()))

    async def cut(self) -> None:
        """Breaks every connection without a word, as a network does; what was on its way is lost."""
        for connection in list(self._connections):
            if connection.transport:
                connection.transport.abort()

    async def _make_good_the_warning(self, warned_at: float) -> None:
        await self._team.until(warned_at + limit("socket.warning_seconds"))
        for connection in [each for each in self._connections if each.leaving]:
            await self._ask_to_leave(connection, REFRESH)

    async def _ask_to_leave(self, connection: Connection, reason: str) -> None:
        with suppress(ConnectionError):  # it is gone already
            await connection.socket.send_json({"type": "disconnect", "reason": reason, "debug_info": _DEBUG})
            if reason == DISABLED:
                await connection.socket.close()

    async def close(self) -> None:
        """Closes every connection."""
        if self._follow_up:
            self._follow_up.cancel()
        for connection in list(self._connections):
            await connection.socket.close()

    def _next(self) -> Connection:
        staying = [connection for connection in self._connections if not connection.leaving] or self._connections
        self._turn += 1
        return staying[self._turn % len(staying)]

    async def _serve_connection(self, connection: Connection) -> None:
        self._connections.append(connection)
        self._team.changed()
        try:
            await connection.socket.send_json(self._hello())
            async for frame in connection.socket:
                if frame.type is WSMsgType.TEXT:
                    self._acknowledge(frame.data)
        finally:
            self._connections.remove(connection)
            self._team.changed()

    def _acknowledge(self, text: str) -> None:
        """Takes an acknowledgement over whatever connection it comes: a client that was refreshed uses its new one."""
        try:
            frame = json.loads(text)
        except json.JSONDecodeError:
            return  # what is no acknowledgement acknowledges nothing
        if not isinstance(frame, dict):
            return
        answer = self._waiting.get(frame.get("envelope_id", ""))
        if answer is None or answer.done():
            self._journal.add("socket", LATE, frame)
            return
        answer.set_result(frame.get("payload"))

    def _hello(self) -> dict[str, Any]:
        return {
            "type": "hello",
            "num_connections": len(self._connections),
            "debug_info": _DEBUG,
            "connection_info": {"app_id": self._team.app.id},
        }


_DEBUG = {"host": "sandbox", "build_number": 1, "approximate_connection_time": 18060}
