"""A relay in front of a PostgreSQL server that loses calls, loses answers, falls silent, or answers with an error.

It speaks just enough of the protocol to know where a call begins and an answer ends.
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from countersign.testing import FaultKind

_READY = b"Z\0\0\0\x05I"
_NEGOTIATIONS = (80877103, 80877104)  # "may we have TLS?", "… GSS?": answered with one byte


@dataclass
class Order:
    """What is to happen to the `at`-th call."""

    kind: FaultKind | None
    at: int
    error: bytes = b""
    fired: bool = False
    seen: int = 0
    over: threading.Event = field(default_factory=threading.Event)


class Wire:
    """Listens on a free port of its own; stands between one server and the provider."""

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._order: Order | None = None
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    @contextmanager
    def ordered(self, kind: FaultKind | None, at: int, error: bytes = b"") -> Iterator[Order]:
        self._order = order = Order(kind, at, error)
        try:
            yield order
        finally:
            self._order = None
            order.over.set()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._target) as server:
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._greet(client, server)
            down = _Downstream(client, server)
            down.start()
            with contextlib.suppress(OSError, EOFError):
                while True:
                    kind, message = _message(client)
                    if kind != b"Q" or _is_the_guards(message) or not self._strike(message, client, server, down):
                        server.sendall(message)
            for end in (client, server):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            down.join()

    def _greet(self, client: socket.socket, server: socket.socket) -> None:
        """The first messages have no kind; what they ask for in vain is answered before the real one comes."""
        while True:
            head = _exactly(client, 8)
            length, code = struct.unpack("!II", head)
            server.sendall(head + _exactly(client, length - 8))
            if code not in _NEGOTIATIONS:
                return
            client.sendall(_exactly(server, 1))

    def _strike(self, message: bytes, client: socket.socket, server: socket.socket, down: "_Downstream") -> bool:
        """Whether the call was dealt with here."""
        with self._lock:
            order = self._order
            if order is None or order.fired:
                return False
            order.seen += 1
            if order.seen < order.at:
                return False
            order.fired = True
        if order.kind is None:
            client.sendall(order.error + _READY)
            return True
        if order.kind == "before":
            raise EOFError
        down.swallow()
        server.sendall(message)
        if order.kind == "after":
            assert down.answered.wait(20), "the server did not answer"
            raise EOFError
        order.over.wait(20)
        raise EOFError


class _Downstream(threading.Thread):
    """From the server to the client, until it is told to keep the answers."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        super().__init__(daemon=True)
        self._client = client
        self._server = server
        self._swallowing = threading.Event()
        self.answered = threading.Event()

    def swallow(self) -> None:
        self._swallowing.set()

    def run(self) -> None:
        tail = b""
        with contextlib.suppress(OSError):
            while chunk := self._server.recv(65536):
                if not self._swallowing.is_set():
                    self._client.sendall(chunk)
                    continue
                tail = (tail + chunk)[-len(_READY) :]
                if tail == _READY:
                    self.answered.set()
        self.answered.set()  # the server hung up: there will be no other answer
        with contextlib.suppress(OSError):
            self._client.shutdown(socket.SHUT_RDWR)


def error_message(code: str) -> bytes:
    """An ErrorResponse with this SQLSTATE."""
    fields = b"".join(
        kind + value.encode() + b"\0"
        for kind, value in ((b"S", "ERROR"), (b"V", "ERROR"), (b"C", code), (b"M", "so ordered"))
    )
    return b"E" + struct.pack("!I", len(fields) + 5) + fields + b"\0"


def _is_the_guards(message: bytes) -> bool:
    """It speaks when it likes, beside the calls; a call always begins by saying what its transaction may do."""
    return not message[5:].lstrip().startswith(b"SET ")


def _message(end: socket.socket) -> tuple[bytes, bytes]:
    head = _exactly(end, 5)
    (length,) = struct.unpack("!I", head[1:])
    return head[:1], head + _exactly(end, length - 4)


def _exactly(end: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        chunk = end.recv(count - len(received))
        if not chunk:
            raise EOFError
        received += chunk
    return received
