"""What stands before an endpoint: ends TLS as a gateway does, and loses calls or answers, or answers in its place.

It holds no key, so that what it says of itself is signed by nobody; a test that lends it the key says so.
"""

import contextlib
import hmac
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from countersign.testing import FaultKind

Reply = Callable[["Call"], bytes | None]
"""What is said in the endpoint's place, every byte of it; None: the endpoint is asked."""


@dataclass(frozen=True)
class Call:
    """As it came out of TLS."""

    whole: bytes
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Order:
    """What is to happen to the `at`-th call."""

    kind: FaultKind | None
    at: int
    reply: Reply | None = None
    fired: bool = False
    seen: int = 0
    over: threading.Event = field(default_factory=threading.Event)


class Wire:
    """Listens on a free port of its own; one call a connection, as the provider makes them."""

    def __init__(self, port: int, shows: ssl.SSLContext, trusts: ssl.SSLContext) -> None:
        self._target, self._shows, self._trusts = ("127.0.0.1", port), shows, trusts
        self._order: Order | None = None
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self.ask: Callable[[Call], bytes] = self._ask
        """The endpoint itself, or what a test puts into its place for good."""
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    @contextmanager
    def ordered(self, kind: FaultKind | None, at: int = 1, reply: Reply | None = None) -> Iterator[Order]:
        self._order = order = Order(kind, at, reply)
        try:
            yield order
        finally:
            self._order = None
            order.over.set()

    def _accept(self) -> None:
        while True:
            try:
                guest, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(guest,), daemon=True).start()

    def _serve(self, guest: socket.socket) -> None:
        guest.settimeout(30)
        with contextlib.suppress(OSError, EOFError), guest, self._shows.wrap_socket(guest, server_side=True) as inside:
            call = read_call(inside)
            order = self._struck()
            if order is None:
                inside.sendall(self.ask(call))
            elif order.kind == "before":
                return
            elif order.kind is None:
                assert order.reply is not None
                said = order.reply(call)
                inside.sendall(self.ask(call) if said is None else said)
            else:
                self.ask(call)
                if order.kind == "silence":
                    order.over.wait(30)

    def _struck(self) -> Order | None:
        with self._lock:
            order = self._order
            if order is None or order.fired:
                return None
            order.seen += 1
            if order.seen < order.at:
                return None
            order.fired = True
            return order

    def _ask(self, call: Call) -> bytes:
        """Of the endpoint itself."""
        with (
            socket.create_connection(self._target, timeout=30) as plain,
            self._trusts.wrap_socket(plain, server_hostname="127.0.0.1") as server,
        ):
            server.sendall(call.whole)
            return read_call(server).whole


def read_call(end: socket.socket) -> Call:
    """A whole message, which may be an answer as well."""
    said = b""
    while b"\r\n\r\n" not in said:
        said += _more(end)
    head, _, body = said.partition(b"\r\n\r\n")
    lines = [line.decode().partition(": ") for line in head.split(b"\r\n")[1:]]
    headers = {name.lower(): value for name, _, value in lines}
    while len(body) < int(headers.get("content-length", "0")):
        body += _more(end)
    return Call(head + b"\r\n\r\n" + body, headers, body)


def _more(end: socket.socket) -> bytes:
    piece = end.recv(65536)
    if not piece:
        raise EOFError
    return piece


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
