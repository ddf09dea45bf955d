"""Servers that answer where a PostgreSQL is expected and ask for the bot's password, for the contract's promise C39."""

import socket
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from psycopg.conninfo import make_conninfo

from countersign.testing import Imposter
from tests.contracts.listening import Listening
from tests.tls import Authority

NAME = "db.example.test"
_TLS = 80877103
_GSS = 80877104
_ASK_IN_CLEAR = b"R" + struct.pack("!II", 8, 3)


class Listener(Listening):
    """Speaks PostgreSQL."""

    def _speak(self, guest: socket.socket) -> None:
        code = self._first_word(guest)
        if code == _TLS and self.shows is not None:
            guest.sendall(b"S")
            with self.shows.wrap_socket(guest, server_side=True) as inside:
                self._speak(inside)
        elif code in (_TLS, _GSS):
            guest.sendall(b"N")
            self._speak(guest)
        else:
            guest.sendall(_ASK_IN_CLEAR)
            self._answers.append(self._listen(guest, 5))
            self._listen(guest, struct.unpack("!I", self._answers[-1][1:])[0] - 4)

    def _first_word(self, guest: socket.socket) -> int:
        length, code = struct.unpack("!II", self._listen(guest, 8))
        self._listen(guest, length - 8)
        return code


@dataclass(frozen=True)
class _Kind:
    name: str
    cure: str
    demands: dict[str, str] = field(default_factory=lambda: {"sslmode": "verify-full"})
    shows: tuple[str, str] | None = None
    """The authority that made its certificate, and for which host."""
    is_proven: bool = False


_KINDS = (
    _Kind("a server that the `dsn` demands no proof of", "sslmode=verify-full", demands={}),
    _Kind("a server without TLS", "Switch ssl on"),
    _Kind("a server that another authority vouches for", "Look at sslrootcert", shows=("other", NAME)),
    _Kind("a server with another's certificate", "the host's name", shows=("authority", "eve.example.test")),
    _Kind("a proven server that asks in clear", "tls: {auth: […]}", shows=("authority", NAME), is_proven=True),
)


def imposters(bot_dsn: str, mode: str) -> Sequence[AbstractContextManager[Imposter]]:
    """Towards whom the `dsn` of the bot leads, by a name that is not loopback's."""
    return [_imposter(kind, bot_dsn, mode) for kind in _KINDS]


@contextmanager
def _imposter(kind: _Kind, bot_dsn: str, mode: str) -> Iterator[Imposter]:
    with (
        TemporaryDirectory() as directory,
        resolving({NAME: ["127.0.0.1"]}),
        socket.create_server(("127.0.0.1", 0)) as listener,
    ):
        made = {name: Authority(Path(directory), name) for name in ("authority", "other")}
        believed = {"sslrootcert": str(made["authority"].certificate)} if kind.demands else {}
        port = listener.getsockname()[1]
        dsn = Path(directory) / "dsn"
        dsn.write_text(make_conninfo(bot_dsn, host=NAME, port=port, **kind.demands, **believed))
        imposter = Listener(
            kind.name,
            {"dsn": {"file": str(dsn)}, "mode": mode},
            kind.cure,
            demands_proof=bool(kind.demands) and not kind.is_proven,
            listener=listener,
            shows=made[kind.shows[0]].server(kind.shows[1]) if kind.shows else None,
        )
        threading.Thread(target=imposter.let_in, daemon=True).start()
        try:
            yield imposter
        finally:
            listener.shutdown(socket.SHUT_RDWR)


@contextmanager
def resolving(known: Mapping[str, list[str]]) -> Iterator[None]:
    """What the world's resolver knows besides."""
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        if host not in known:
            return real(host, port, *rest, **more)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in known[host]]

    with patch.object(socket, "getaddrinfo", getaddrinfo):
        yield
