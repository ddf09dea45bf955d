"""How PostgreSQL is spoken to, as far as a relay must know it: where a call begins and where an answer ends."""

import struct

from countersign.testing import Relay

READY = b"Z\0\0\0\x05I"
_NEGOTIATIONS = (80877103, 80877104)
""""May we have TLS?", "… GSS?": answered with one byte."""


class Conversation:
    """A `Dialect`."""

    def __init__(self) -> None:
        self._greeted = False

    def length(self, said: bytes) -> int:
        """The first messages have no kind."""
        kind, head = (1, 5) if self._greeted else (0, 8)
        if len(said) < head:
            return 0
        length = kind + struct.unpack_from("!I", said, kind)[0]
        if len(said) < length:
            return 0
        if not self._greeted:
            self._greeted = struct.unpack_from("!I", said, 4)[0] not in _NEGOTIATIONS
        return length

    def is_call(self, message: bytes) -> bool:
        """The guard speaks when it likes, beside the calls; a call begins by saying what its transaction may do."""
        return message[:1] == b"Q" and message[5:].lstrip().startswith(b"SET ")

    def is_whole(self, said: bytes) -> bool:
        return said.endswith(READY)


def wire(port: int) -> Relay:
    """Before the server on this port."""
    return Relay(("127.0.0.1", port), Conversation)


def error_message(code: str) -> bytes:
    """An ErrorResponse with this SQLSTATE, and the word that another call may come."""
    fields = b"".join(
        kind + value.encode() + b"\0"
        for kind, value in ((b"S", "ERROR"), (b"V", "ERROR"), (b"C", code), (b"M", "so ordered"))
    )
    return b"E" + struct.pack("!I", len(fields) + 5) + fields + b"\0" + READY
