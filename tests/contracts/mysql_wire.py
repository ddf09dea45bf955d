"""A relay in front of a MariaDB server that loses calls, loses answers, falls silent, or answers with an error.

It speaks just enough of the protocol to know where a call begins.
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from countersign.testing import FaultKind
from tests.contracts.wire import Order

_COM_QUERY = 3


class MysqlWire:
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
            back = _Back(client, server)
            back.start()
            with contextlib.suppress(OSError, EOFError):
                while True:
                    message = _packet(client)
                    is_call = message[3] == 0 and message[4] == _COM_QUERY
                    if not is_call or not self._strike(message, client, server, back):
                        server.sendall(message)
            for end in (client, server):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            back.join()

    def _strike(self, message: bytes, client: socket.socket, server: socket.socket, back: "_Back") -> bool:
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
            client.sendall(order.error)
            return True
        if order.kind == "before":
            raise EOFError
        back.swallow()
        server.sendall(message)
        if order.kind == "after":
            assert back.answered.wait(20), "the server did not answer"
            raise EOFError
        order.over.wait(20)
        raise EOFError


class _Back(threading.Thread):
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
        with contextlib.suppress(OSError):
            while chunk := self._server.recv(65536):
                if self._swallowing.is_set():
                    self.answered.set()  # whatever is answered, it was done before its first byte
                else:
                    self._client.sendall(chunk)
        self.answered.set()
        with contextlib.suppress(OSError):
            self._client.shutdown(socket.SHUT_RDWR)


def error_packet(number: int) -> bytes:
    """The answer to a call with this error."""
    said = b"\xff" + struct.pack("<H", number) + b"#HY000so ordered"
    return len(said).to_bytes(3, "little") + b"\1" + said


def _packet(end: socket.socket) -> bytes:
    head = _exactly(end, 4)
    return head + _exactly(end, int.from_bytes(head[:3], "little"))


def _exactly(end: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        chunk = end.recv(count - len(received))
        if not chunk:
            raise EOFError
        received += chunk
    return received
