"""Servers that answer where an endpoint is expected, for the contract's promise C39: each lacks one proof."""

import socket
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from countersign.testing import Imposter
from tests.contracts.webhook_receiver import HOST, PATH, Receiver
from tests.contracts.webhook_wire import answer, read_call
from tests.tls import Authority

_WAIT = 20.0
_YES = answer(200, b'{"state":"active","expires_at":"2030-01-01T00:00:00Z"}')


@dataclass
class Listener:
    """An `Imposter`: takes what it is told, and says what it likes."""

    name: str
    settings: Mapping[str, Any]
    cure: str
    listener: socket.socket
    shows: ssl.SSLContext | None
    says: bytes
    demands_proof: bool = True
    _told: bytearray = field(default_factory=bytearray)
    _guests: list[threading.Thread] = field(default_factory=list[threading.Thread])

    def heard(self) -> bytes:
        for guest in self._guests:
            guest.join(_WAIT)
            assert not guest.is_alive(), "the provider is closed, and its connection is open"
        return bytes(self._told)

    def answered(self) -> bool:
        """It can ask for no proof: a call brings one of its own, for that call alone."""
        return False

    def let_in(self) -> None:
        with suppress(OSError):
            while True:
                guest, _ = self.listener.accept()
                thread = threading.Thread(target=self._serve, args=(guest,), daemon=True)
                self._guests.append(thread)
                thread.start()

    def _serve(self, guest: socket.socket) -> None:
        guest.settimeout(_WAIT)
        with guest, suppress(OSError, EOFError):  # who is not believed is hung up on
            if self.shows is None:
                self._told.extend(guest.recv(65536))
                guest.sendall(self.says)
                return
            with self.shows.wrap_socket(guest, server_side=True) as inside:
                self._told.extend(read_call(inside).whole)
                inside.sendall(self.says)


@dataclass(frozen=True)
class _Kind:
    name: str
    cure: str
    shows: tuple[str, str] | None
    """The authority that made its certificate, and for which host."""
    says: bytes = _YES


_KINDS = (
    _Kind("a server without TLS", "does not speak TLS", None),
    _Kind("a server that another authority vouches for", "at ca in the settings", ("other", HOST)),
    _Kind("a server with another's certificate", "the host in url", ("authority", "127.0.0.9")),
    _Kind("a proven server that cannot sign", "Look at url", ("authority", HOST)),
    _Kind(
        "a proven server that sends elsewhere", "Put the last address into url", ("authority", HOST),
        answer(307, headers={"Location": f"https://{HOST}:1/"}),
    ),
)  # fmt: skip


def imposters(receiver: Receiver) -> Sequence[AbstractContextManager[Imposter]]:
    return [_imposter(kind, receiver) for kind in _KINDS]


@contextmanager
def _imposter(kind: _Kind, receiver: Receiver) -> Iterator[Imposter]:
    with TemporaryDirectory() as directory, socket.create_server((HOST, 0)) as listener:
        made = {name: Authority(Path(directory), name) for name in ("authority", "other")}
        url, ca = f"https://{HOST}:{listener.getsockname()[1]}{PATH}", str(made["authority"].certificate)
        settings = receiver.settings(url=url, ca=ca).model_dump(mode="json")
        shows = made[kind.shows[0]].server(kind.shows[1]) if kind.shows else None
        imposter = Listener(kind.name, settings, kind.cure, listener, shows, kind.says)
        threading.Thread(target=imposter.let_in, daemon=True).start()
        try:
            yield imposter
        finally:
            listener.shutdown(socket.SHUT_RDWR)
