"""Sends every payload to the app by the way that is chosen, with the faults that were asked for."""

import asyncio
import time
from typing import Any

from sandbox.carrier import NO_ACK, NO_CONNECTION, Carrier, Kind, Retry
from sandbox.errors import Trouble
from sandbox.faults import Faults
from sandbox.http_push import HttpPush
from sandbox.journal import Entry, Journal
from sandbox.sockets import Sockets
from sandbox.state import Team


class Delivery:
    """The app's settings for delivery; without a `request_url` the app is in Socket Mode."""

    def __init__(
        self,
        team: Team,
        sockets: Sockets,
        faults: Faults,
        journal: Journal,
        *,
        signing_secret: str,
        ack_seconds: float,
        request_url: str = "",
    ) -> None:
        self._team = team
        self._sockets = sockets
        self._faults = faults
        self._journal = journal
        self._secret = signing_secret
        self._ack_seconds = ack_seconds
        self._push = self._pushing(request_url) if request_url else None
        self._strays: set[asyncio.Task[None]] = set()

    @property
    def push(self) -> HttpPush | None:
        """The way to the request URL, None in Socket Mode."""
        return self._push

    async def use_request_url(self, request_url: str) -> None:
        """Verifies a request URL and sends everything there from now on; an empty one turns Socket Mode on."""
        push = self._pushing(request_url) if request_url else None
        if push:
            await push.verify()
        self._push = push
        self._team.changed()

    async def send(self, kind: Kind, payload: dict[str, Any], retry: Retry | None = None) -> Any:
        """The body of the app's acknowledgement, None when that was empty; `Trouble` when there was none in time."""
        name = name_of(kind, payload)
        entry = self._journal.add("payload", name if retry is None else f"{name}, retry {retry.number}", payload)
        begun = time.monotonic()
        try:
            entry.answer = await self._sent(kind, name, payload, retry)
        except Trouble as trouble:
            entry.error = trouble.name
            raise
        finally:
            _time(entry, begun)
            self._team.changed()
        return entry.answer

    async def _sent(self, kind: Kind, name: str, payload: dict[str, Any], retry: Retry | None) -> Any:
        carrier: Carrier = self._push or self._sockets
        if self._faults.take("lose", name):
            raise Trouble(NO_CONNECTION, "the payload was lost on its way")
        if late := self._faults.take("delay", name):
            await asyncio.sleep(late.seconds)
        if self._faults.take("duplicate", name):
            self._stray(carrier, kind, payload, retry)
        begun = time.monotonic()
        answer = await carrier.send(kind, payload, retry)
        if self._faults.take("drop_ack", name):
            raise Trouble(NO_ACK, "the app's acknowledgement was lost")
        if late := self._faults.take("delay_ack", name):
            left = self._ack_seconds - (time.monotonic() - begun)
            await asyncio.sleep(max(min(late.seconds, left), 0))
            if late.seconds >= left:
                raise Trouble(NO_ACK, "the app's acknowledgement came too late")
        return answer

    def _stray(self, carrier: Carrier, kind: Kind, payload: dict[str, Any], retry: Retry | None) -> None:
        """Sends the same once more at the same time; whatever comes of it, nobody waits for it."""

        async def send() -> None:
            entry = self._journal.add("payload", f"{name_of(kind, payload)}, twice", payload)
            begun = time.monotonic()
            try:
                entry.answer = await carrier.send(kind, payload, retry)
            except Trouble as trouble:
                entry.error = trouble.name
            _time(entry, begun)

        task = asyncio.get_running_loop().create_task(send())
        self._strays.add(task)
        task.add_done_callback(self._strays.discard)

    def _pushing(self, request_url: str) -> HttpPush:
        return HttpPush(request_url, self._secret, self._team.now, self._ack_seconds)


def name_of(kind: Kind, payload: dict[str, Any]) -> str:
    """What a payload is called: the command, the event's type, or the interaction's."""
    if kind == "slash_commands":
        return payload["command"]
    return payload["event"]["type"] if kind == "events_api" else payload["type"]


def _time(entry: Entry, begun: float) -> None:
    entry.ms = round((time.monotonic() - begun) * 1000, 1)
