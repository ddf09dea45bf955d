"""HTTP mode as Slack and others see it: requests as bytes, signed or not, and what comes back."""

import asyncio
import hashlib
import hmac
import json
import socket
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from sqlmodel import SQLModel, select

from bot.http_app import HttpApp
from bot.http_mode import serve
from tests.bot.serving import Live, alive
from tests.world import World

SECRET = "8f742231b10e4c1d9a6be0f3a7c25d10"
DOOR = "/slack/events"
FORM = b"application/x-www-form-urlencoded"
JSON = b"application/json"

Headers = tuple[tuple[bytes, bytes], ...]
Body = dict[str, Any]


@dataclass(frozen=True)
class Sent:
    """One request, byte by byte."""

    body: bytes
    headers: Headers = ()
    method: bytes = b"POST"
    path: str = DOOR
    framing: Headers | None = None
    """Instead of the right Content-Length."""
    raw: bytes | None = None
    """Instead of everything."""

    def bytes(self) -> bytes:
        if self.raw is not None:
            return self.raw
        framing = self.framing if self.framing is not None else ((b"Content-Length", b"%d" % len(self.body)),)
        lines = [b"%b %b HTTP/1.1" % (self.method, self.path.encode()), b"Host: bot.example", b"Connection: close"]
        lines += [b"%b: %b" % header for header in (*framing, *self.headers)]
        return b"\r\n".join(lines) + b"\r\n\r\n" + self.body


@dataclass(frozen=True)
class Got:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Door:
    """A bot that listens."""

    url: str
    live: Live

    def exchange(self, sent: Sent) -> Got:
        with self.connection() as connection:
            connection.sendall(sent.bytes())
            return received(connection)

    def connection(self) -> socket.socket:
        at = urlsplit(self.url)
        assert at.hostname
        return socket.create_connection((at.hostname, at.port or 80), timeout=20)

    def get(self, path: str, method: bytes = b"GET") -> Got:
        return self.exchange(Sent(b"", method=method, path=path))


def received(connection: socket.socket) -> Got:
    """The answer; a server that has refused a request need not have read all of it."""
    data = bytearray()
    try:
        while chunk := connection.recv(65536):
            data += chunk
    except ConnectionResetError:
        assert data, "an answer before the reset"
    head, _, body = bytes(data).partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Got(int(first.split()[1]), headers, body)


def signed(body: bytes, content_type: bytes, *, now: float, secret: str = SECRET, timestamp: bytes = b"") -> Headers:
    """The headers that Slack sends with a body."""
    timestamp = timestamp or b"%d" % int(now)
    return ((b"Content-Type", content_type), *marks(timestamp, signature(timestamp, body, secret)))


def marks(timestamp: bytes, mark: bytes) -> Headers:
    return ((b"X-Slack-Request-Timestamp", timestamp), (b"X-Slack-Signature", mark))


def signature(timestamp: bytes, body: bytes, secret: str = SECRET) -> bytes:
    return b"v0=" + hmac.new(secret.encode(), b"v0:" + timestamp + b":" + body, hashlib.sha256).hexdigest().encode()


def encoded(payload: Body) -> tuple[bytes, bytes]:
    """A payload as Slack sends it by HTTP: the bytes and their type."""
    if payload.get("type") in ("event_callback", "url_verification"):
        return json.dumps(payload).encode(), JSON
    if "command" in payload:
        return urlencode(payload).encode(), FORM
    return urlencode({"payload": json.dumps(payload)}).encode(), FORM


def from_slack(payload: Body, *, now: float) -> Sent:
    body, content_type = encoded(payload)
    return Sent(body, signed(body, content_type, now=now))


@contextmanager
def listening(world: World, *, prefix: str = "", threads: int = 4, secret: str = SECRET) -> Iterator[Door]:
    """The bot in HTTP mode on a free port."""
    opened: list[str] = []

    def run(stop: asyncio.Event) -> Coroutine[Any, Any, None]:
        return serve(
            world.core, bot_token="xoxb-test", signing_secret=secret, api_url="https://slack.com/api/",
            threads=threads, address=("127.0.0.1", 0), prefix=prefix, stop=stop, listening=opened.append,
        )  # fmt: skip

    with alive(run, lambda: opened) as live:
        yield Door(opened[0] if opened else "", live)


def everything(world: World) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with world.core.database.read() as session:
        return {
            table.name: [tuple(row) for row in session.connection().execute(select(*table.columns))]  # pyright: ignore[reportArgumentType, reportCallIssue] -- SQLModel's select is typed for models
            for table in SQLModel.metadata.sorted_tables
        }


async def through(app: HttpApp, sent: Sent, *, last: bool = True) -> int:
    """One request straight into the application; the status. `last` is False when the rest of it never comes."""
    scope = {
        "type": "http", "method": sent.method.decode(), "path": sent.path,
        "headers": [(name.lower(), value) for name, value in sent.headers],
    }  # fmt: skip
    arriving = iter([{"type": "http.request", "body": sent.body, "more_body": not last}])
    told: list[Any] = []

    async def receive() -> Any:
        return next(arriving, None) or await asyncio.Event().wait()

    async def send(message: Any) -> None:
        told.append(message)

    await app(scope, receive, send)
    return told[0]["status"]
