"""A relay before a target: it loses calls, loses answers, falls silent, or answers in the target's place.

It knows nothing of a target but its `Dialect`: where a message ends, which of them are calls, and when one is answered.
Where the provider speaks TLS, the relay ends it and speaks TLS to the target itself.
"""

import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from countersign.testing.world import FaultKind

Address = tuple[str, int] | str
"""Host and port, or the path of a unix socket."""
Reply = Callable[[bytes], bytes | None]
"""What is said to a call in the target's place, every byte of it; None: the target is asked after all."""
_CHUNK = 65536
_PATIENCE = 30.0


class Dialect(Protocol):
    """How a target is spoken to. One is made for each connection, so it may remember what came before."""

    def length(self, said: bytes) -> int:
        """How many bytes the first message of these is, which a client said; 0 while it is not whole."""
        ...

    def is_call(self, message: bytes) -> bool:
        """Whether a fault may strike it; what only keeps the connection up is none."""
        ...

    def is_whole(self, said: bytes) -> bool:
        """Whether these bytes, all that the target said since the call, are its whole answer."""
        ...


@dataclass
class Order:
    """What is to happen to the `at`-th call: a `Fault`."""

    kind: FaultKind | None
    at: int
    reply: Reply | None = None
    fired: bool = False
    seen: int = 0
    over: threading.Event = field(default_factory=threading.Event)


class Relay:
    """Listens on a free port of this host; stands between one target and a provider until it is closed."""

    def __init__(
        self,
        target: Address,
        dialect: Callable[[], Dialect],
        *,
        shows: ssl.SSLContext | None = None,
        trusts: ssl.SSLContext | None = None,
        hangs_up: bool = False,
    ) -> None:
        """`shows`: the certificate for the provider, `trusts`: whom to believe as the target; both where TLS is spoken.
        `hangs_up`: after an answer of its own, where a connection is there for one call."""
        self._target, self._dialect, self._shows, self._trusts = target, dialect, shows, trusts
        self._hangs_up = hangs_up
        self._order: Order | None = None
        self._lock = threading.Lock()
        self.always: Reply | None = None
        """What is said to every call that no order strikes."""
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    @contextmanager
    def ordered(self, kind: FaultKind | None, at: int = 1, reply: Reply | None = None) -> Iterator[Order]:
        """For its block; `kind` is None where `reply` answers."""
        self._order = order = Order(kind, at, reply)
        try:
            yield order
        finally:
            self._order = None
            order.over.set()

    def ask(self, message: bytes) -> bytes:
        """The target itself, on a connection of its own."""
        dialect, said = self._dialect(), b""
        with ExitStack() as stack:
            server = self._reached(stack)
            server.sendall(message)
            while not dialect.is_whole(said):
                piece = server.recv(_CHUNK)
                if not piece:
                    raise EOFError("the target hung up in the middle of its answer")
                said += piece
        return said

    def _accept(self) -> None:
        while True:
            try:
                guest, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(guest,), daemon=True).start()

    def _serve(self, guest: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError), ExitStack() as stack:
            client = stack.enter_context(guest)
            client.settimeout(_PATIENCE)
            if self._shows is not None:
                client = stack.enter_context(self._shows.wrap_socket(client, server_side=True))
            _Connection(client, self._reached(stack), self._dialect(), self._dealt_with).run()

    def _reached(self, stack: ExitStack) -> socket.socket:
        if isinstance(self._target, str):
            server = stack.enter_context(socket.socket(socket.AF_UNIX))
            server.settimeout(_PATIENCE)
            server.connect(self._target)
        else:
            server = stack.enter_context(socket.create_connection(self._target, timeout=_PATIENCE))
        if self._trusts is None:
            return server
        host = "localhost" if isinstance(self._target, str) else self._target[0]
        return stack.enter_context(self._trusts.wrap_socket(server, server_hostname=host))

    def _dealt_with(self, message: bytes, connection: "_Connection") -> bool:
        """Whether the call goes no further than here."""
        order = self._struck()
        if order is None or order.kind is None:
            reply = self.always if order is None else order.reply
            said = reply(message) if reply else None
            if said is None:
                return False
            connection.client.sendall(said)
            if self._hangs_up:
                raise EOFError
            return True
        if order.kind == "before":
            raise EOFError
        connection.server.sendall(message)
        if order.kind == "after":
            connection.take_the_answer()
        else:
            order.over.wait(_PATIENCE)
        raise EOFError

    def _struck(self) -> Order | None:
        """The order, if it is this call's turn."""
        with self._lock:
            order = self._order
            if order is None or order.fired:
                return None
            order.seen += 1
            if order.seen < order.at:
                return None
            order.fired = True
            return order


class _Connection:
    """The provider's to the relay, and the relay's to the target. One thread serves both: TLS bears no two."""

    def __init__(
        self,
        client: socket.socket,
        server: socket.socket,
        dialect: Dialect,
        dealt_with: Callable[[bytes, "_Connection"], bool],
    ) -> None:
        self.client, self.server, self._dialect, self._dealt_with = client, server, dialect, dealt_with
        self._said = b""
        for end in (client, server):
            if end.family != socket.AF_UNIX:
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def run(self) -> None:
        """Until one of both hangs up. Raises EOFError."""
        while True:
            ready, _, _ = select.select([self.client, self.server], [], [])
            for end in ready:
                if end is self.server:
                    self.client.sendall(_piece(end))
                else:
                    self._hear(_piece(end))

    def take_the_answer(self) -> None:
        """All of it, for nobody; a target that hangs up has answered too."""
        said = b""
        with contextlib.suppress(EOFError):
            while not self._dialect.is_whole(said):
                ready, _, _ = select.select([self.server], [], [], _PATIENCE)
                assert ready, "the target did not answer"
                said += _piece(self.server)

    def _hear(self, piece: bytes) -> None:
        self._said += piece
        while length := self._dialect.length(self._said):
            message, self._said = self._said[:length], self._said[length:]
            if not self._dialect.is_call(message) or not self._dealt_with(message, self):
                self.server.sendall(message)


def _piece(end: socket.socket) -> bytes:
    """What has arrived, which may be nothing yet: TLS has words of its own. Raises EOFError at the end."""
    patience = end.gettimeout()
    end.settimeout(0)
    try:
        piece = end.recv(_CHUNK)
    except (BlockingIOError, ssl.SSLWantReadError):
        return b""
    finally:
        end.settimeout(patience)
    if not piece:
        raise EOFError
    return piece
