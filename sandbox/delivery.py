"""Sends every payload to the app by the way that is chosen: Socket Mode, or a request URL."""

from typing import Any

from sandbox.carrier import Carrier, Kind, Retry
from sandbox.http_push import HttpPush
from sandbox.sockets import Sockets
from sandbox.state import Team


class Delivery:
    """The app's settings for delivery; without a `request_url` the app is in Socket Mode."""

    def __init__(
        self, team: Team, sockets: Sockets, signing_secret: str, ack_seconds: float, request_url: str = ""
    ) -> None:
        self._team = team
        self._sockets = sockets
        self._secret = signing_secret
        self._ack_seconds = ack_seconds
        self._push = self._pushing(request_url) if request_url else None

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
        carrier: Carrier = self._push or self._sockets
        return await carrier.send(kind, payload, retry)

    def _pushing(self, request_url: str) -> HttpPush:
        return HttpPush(request_url, self._secret, self._team.now, self._ack_seconds)
