"""What stands before an endpoint: ends TLS as a gateway does, and loses calls or answers, or answers in its place.

It holds no key, so that what it says of itself is signed by nobody; a test that lends it the key says so.
"""

import hmac
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from countersign.testing import FaultKind, Relay
from countersign.testing.relay import Order

Reply = Callable[["Call"], bytes | None]
"""What is said in the endpoint's place, every byte of it; None: the endpoint is asked."""


@dataclass(frozen=True)
class Call:
    """As it came out of TLS."""

    whole: bytes
    headers: Mapping[str, str]
    body: bytes


class Http:
    """A `Dialect`: a head that says how long the body is."""

    def length(self, said: bytes) -> int:
        head, end, body = said.partition(b"\r\n\r\n")
        if not end:
            return 0
        length = int(_headers(head).get("content-length", "0"))
        return len(head) + len(end) + length if len(body) >= length else 0

    def is_call(self, message: bytes) -> bool:
        return True

    def is_whole(self, said: bytes) -> bool:
        return self.length(said) > 0


class Wire:
    """A relay that reads each call."""

    def __init__(self, port: int, shows: ssl.SSLContext, trusts: ssl.SSLContext) -> None:
        self._relay = Relay(("127.0.0.1", port), Http, shows=shows, trusts=trusts, hangs_up=True)
        self.port = self._relay.port
        self.close = self._relay.close

    def ordered(self, kind: FaultKind | None, at: int = 1, reply: Reply | None = None) -> AbstractContextManager[Order]:
        return self._relay.ordered(kind, at, (lambda whole: reply(_read(whole))) if reply else None)

    def answers(self, reply: Reply) -> None:
        """In the endpoint's place, for good."""
        self._relay.always = lambda whole: reply(_read(whole))

    def ask(self, call: Call) -> bytes:
        """The endpoint itself."""
        return self._relay.ask(call.whole)


def _read(whole: bytes) -> Call:
    head, _, body = whole.partition(b"\r\n\r\n")
    return Call(whole, _headers(head), body)


def _headers(head: bytes) -> Mapping[str, str]:
    lines = [line.decode().partition(": ") for line in head.split(b"\r\n")[1:]]
    return {name.lower(): value for name, _, value in lines}


def read_call(end: socket.socket) -> Call:
    """A whole message, which may be an answer as well. Raises EOFError."""
    said, dialect = b"", Http()
    while not dialect.length(said):
        piece = end.recv(65536)
        if not piece:
            raise EOFError
        said += piece
    return _read(said)


def answer(status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """Of whoever likes to say it."""
    said = {"Content-Length": str(len(body)), **(headers or {})}
    lines = "".join(f"{name}: {value}\r\n" for name, value in said.items())
    return f"HTTP/1.1 {status} So\r\n{lines}\r\n".encode() + body


def signed(secret: str, call: Call, body: bytes, *, status: int = 200, **other: str) -> bytes:
    """As the endpoint itself would; `other` replaces what is signed: `identifier` of another call, `timestamp`."""
    key, timestamp = call.headers["countersign-key"], other.get("timestamp", f"{time.time():.6f}")
    identifier = other.get("identifier", call.headers["countersign-id"])
    parts = (b"countersign-answer-v1", timestamp.encode(), identifier.encode(), str(status).encode(), body)
    proof = hmac.new(secret.encode(), b"\n".join(parts), "sha256").hexdigest()
    proven = {"Countersign-Key": key, "Countersign-Timestamp": timestamp, "Countersign-Signature": f"v1={proof}"}
    return answer(status, body, proven)
