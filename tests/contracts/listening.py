"""What every server that stands in for another's does: it hears what it is told, and lets no one in."""

import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

WAIT = 20.0


@dataclass
class Listening:
    """An `Imposter`; how it speaks is for the subclass."""

    name: str
    settings: Mapping[str, Any]
    cure: str
    demands_proof: bool
    listener: socket.socket
    shows: ssl.SSLContext | None
    _told: bytearray = field(default_factory=bytearray)
    _answers: list[bytes] = field(default_factory=list[bytes])
    _guests: list[threading.Thread] = field(default_factory=list[threading.Thread])

    def heard(self) -> bytes:
        self._all_gone()
        return bytes(self._told)

    def answered(self) -> bool:
        self._all_gone()
        return any(self._answers)

    def let_in(self) -> None:
        with suppress(OSError):  # the end of the listener is the end of this
            while True:
                guest, _ = self.listener.accept()
                thread = threading.Thread(target=self._serve, args=(guest,), daemon=True)
                self._guests.append(thread)
                thread.start()

    def _all_gone(self) -> None:
        for guest in self._guests:
            guest.join(WAIT)
            assert not guest.is_alive(), "the provider is closed, and its connection is open"

    def _serve(self, guest: socket.socket) -> None:
        guest.settimeout(WAIT)
        with guest, suppress(OSError, EOFError):  # who is not believed is hung up on
            self._speak(guest)

    def _speak(self, guest: socket.socket) -> None:
        raise NotImplementedError

    def _listen(self, guest: socket.socket, count: int) -> bytes:
        said = b""
        while len(said) < count:
            more = guest.recv(count - len(said))
            self._told.extend(more)
            if not more:
                raise EOFError
            said += more
        return said
