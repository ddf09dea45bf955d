"""What listens in HTTP mode, on plain ASGI: one door for Slack, the signature before anything else, and `/healthz`."""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.http_health import Health
from bot.http_payload import Body, Malformed, read
from bot.http_signature import Headers, Used, genuine, only

DOOR = "/slack/events"
HEALTH = "/healthz"
LARGEST = 1024 * 1024
"""Bytes of a body. Slack's largest, a view of 250 kB in a form, stays under it."""
BODY_SECONDS = 5.0
"""For the whole body to arrive. Slack itself waits three seconds for our answer."""
_PROBE = {b"ssl_check", b"token"}

Rendered = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Rendered]]
Send = Callable[[Rendered], Awaitable[None]]


@dataclass(frozen=True)
class Answer:
    status: int
    body: str = ""
    content_type: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[bytes, bytes], ...] = ()


NOTHING_HERE = Answer(404)
UNSIGNED = Answer(401, "This was not signed by Slack, or not just now.")
REPEATED = Answer(401, "This was here before.", headers=((b"x-slack-no-retry", b"1"),))
MALFORMED = Answer(400, "Slack would not have sent this.")
TOO_LARGE = Answer(400, "This is too large.")
INCOMPLETE = Answer(400, "The rest of this did not come.")


class Refused(Exception):
    """A request that is answered with this and goes no further."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body)
        self.answer = answer


@dataclass
class HttpApp:
    """The ASGI application. `now` tells Unix seconds; `prefix` is what a proxy leaves before our paths."""

    bolt: AsyncApp
    secret: bytes = field(repr=False)
    health: Health
    now: Callable[[], float]
    prefix: str = ""
    body_seconds: float = BODY_SECONDS
    _used: Used = field(default_factory=Used)

    async def __call__(self, scope: Rendered, receive: Receive, send: Send) -> None:
        try:
            answer = await self._answer(scope, receive)
        except Refused as refused:
            answer = refused.answer
        await _send(send, answer)

    async def _answer(self, scope: Rendered, receive: Receive) -> Answer:
        if scope["path"] == self.prefix + HEALTH:
            return await self._healthy(scope["method"])
        if scope["path"] != self.prefix + DOOR:
            return NOTHING_HERE
        headers: Headers = scope["headers"]
        body = await self._body(headers, receive)
        if _is_probe(scope["method"], body):
            return Answer(200)
        signature = genuine(self.secret, headers, body, now=self.now())
        if signature is None:
            return UNSIGNED
        if not self._used.first(signature, now=self.now()):
            return REPEATED
        answer = await self._dealt_with(scope["method"], headers, body)
        if answer.status != 200:
            self._used.forget(signature)
        return answer

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        length = only(headers, b"content-length")
        if length is not None and int(length) > LARGEST:
            raise Refused(TOO_LARGE)
        body = bytearray()
        try:
            async with asyncio.timeout(self.body_seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise Refused(INCOMPLETE)
                    body += message.get("body", b"")
                    if len(body) > LARGEST:
                        raise Refused(TOO_LARGE)
                    if not message.get("more_body"):
                        return bytes(body)
        except TimeoutError:
            raise Refused(INCOMPLETE) from None

    async def _dealt_with(self, method: str, headers: Headers, body: bytes) -> Answer:
        """By the same listeners as in Socket Mode. The loop stays free: they await, or call the core in a thread."""
        if method != "POST":
            return MALFORMED
        try:
            request = _request(read(headers, body))
        except Malformed:
            return MALFORMED
        response = await self.bolt.async_dispatch(request)
        content_type = response.headers.get("content-type", [Answer.content_type])[0]
        return Answer(response.status, response.body or "", content_type)

    async def _healthy(self, method: str) -> Answer:
        if method not in ("GET", "HEAD"):
            return MALFORMED
        works = await self.health.look()
        status = 200 if all(works.values()) else 503
        return Answer(status, json.dumps({"ready": status == 200} | works), "application/json")


def _request(payload: Body) -> AsyncBoltRequest:
    """Already verified and parsed, as from a socket: were Bolt to parse again, it might read something else."""
    try:
        return AsyncBoltRequest(body=payload, mode="socket_mode")
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        # Bolt gathers ids from many places of a payload, whatever stands there.
        raise Malformed from error


def _is_probe(method: str, body: bytes) -> bool:
    """Slack's look at our certificate: it is not always signed, it asks for nothing, and nothing is done."""
    fields = body.split(b"&")
    return method == "POST" and b"ssl_check=1" in fields and {one.partition(b"=")[0] for one in fields} <= _PROBE


async def _send(send: Send, answer: Answer) -> None:
    body = answer.body.encode()
    headers = [
        (b"content-type", answer.content_type.encode("latin-1")),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
