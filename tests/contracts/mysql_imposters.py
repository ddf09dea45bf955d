"""Servers that answer where a MariaDB is expected and ask for the bot's password, for the contract's promise C39."""

import os
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from countersign.testing import Imposter
from tests.contracts.imposters import NAME, resolving
from tests.contracts.listening import Listening
from tests.tls import Authority

_CLIENT_SSL = 0x800
_CAPABILITIES = 0x00000001 | 0x00000200 | 0x00008000 | 0x00080000  # long password, 4.1, secure connection, plugins


def greeting(*, tls: bool) -> bytes:
    """Of a server that says it is MariaDB 10.11."""
    able = _CAPABILITIES | (_CLIENT_SSL if tls else 0)
    said = b"\x0a5.5.5-10.11.6-MariaDB\0" + struct.pack("<I", 7) + os.urandom(8).replace(b"\0", b"x") + b"\0"
    said += struct.pack("<HBHHB", able & 0xFFFF, 45, 2, able >> 16, 21) + b"\0" * 10
    said += os.urandom(12).replace(b"\0", b"y") + b"\0mysql_native_password\0"
    return packet(0, said)


def packet(number: int, said: bytes) -> bytes:
    return len(said).to_bytes(3, "little") + bytes([number]) + said


class Listener(Listening):
    """Speaks MariaDB's protocol."""

    def _speak(self, guest: socket.socket) -> None:
        guest.sendall(greeting(tls=self.shows is not None))
        said = self._packet(guest)
        if self.shows is None or len(said) > 32:
            self._ask(guest, 2, said)
            return
        with self.shows.wrap_socket(guest, server_side=True) as inside:
            self._ask(inside, 3, self._packet(inside))

    def _ask(self, guest: socket.socket, number: int, _said: bytes) -> None:
        """For the password as it is."""
        guest.sendall(packet(number, b"\xfemysql_clear_password\0"))
        self._answers.append(self._packet(guest))

    def _packet(self, guest: socket.socket) -> bytes:
        head = self._listen(guest, 4)
        return self._listen(guest, int.from_bytes(head[:3], "little"))


@dataclass(frozen=True)
class _Kind:
    name: str
    cure: str
    shows: tuple[str, str] | None = None
    """The authority that made its certificate, and for which host."""
    is_proven: bool = False


_KINDS = (
    _Kind("a server without TLS", "Switch ssl_cert"),
    _Kind("a server that another authority vouches for", "Look at ca", shows=("other", NAME)),
    _Kind("a server with another's certificate", "the host's name", shows=("authority", "eve.example.test")),
    _Kind("a proven server that asks in clear", "mysql_native_password", shows=("authority", NAME), is_proven=True),
)


def imposters(password: Path) -> Sequence[AbstractContextManager[Imposter]]:
    """Towards whom settings of the policy lead, by a name that is not loopback's."""
    return [_imposter(kind, password) for kind in _KINDS]


@contextmanager
def _imposter(kind: _Kind, password: Path) -> Iterator[Imposter]:
    with (
        TemporaryDirectory() as directory,
        resolving({NAME: ["127.0.0.1"]}),
        socket.create_server(("127.0.0.1", 0)) as listener,
    ):
        made = {name: Authority(Path(directory), name) for name in ("authority", "other")}
        imposter = Listener(
            kind.name,
            {"host": NAME, "port": listener.getsockname()[1], "password": {"file": str(password)},
             "ca": str(made["authority"].certificate)},
            kind.cure,
            demands_proof=not kind.is_proven,
            listener=listener,
            shows=made[kind.shows[0]].server(kind.shows[1]) if kind.shows else None,
        )  # fmt: skip
        threading.Thread(target=imposter.let_in, daemon=True).start()
        try:
            yield imposter
        finally:
            listener.shutdown(socket.SHUT_RDWR)
