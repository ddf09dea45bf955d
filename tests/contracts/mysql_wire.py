"""How MariaDB is spoken to, as far as a relay must know it: where a call begins and where an answer ends."""

import struct

from countersign.testing import Relay

_HEAD = 4
_COM_QUERY = 3


class Conversation:
    """A `Dialect`."""

    def length(self, said: bytes) -> int:
        length = _HEAD + int.from_bytes(said[:3], "little")
        return length if _HEAD < length <= len(said) else 0

    def is_call(self, message: bytes) -> bool:
        """The first packet of a statement."""
        return message[3] == 0 and message[_HEAD] == _COM_QUERY

    def is_whole(self, said: bytes) -> bool:
        """What is answered at all was done before."""
        return bool(said)


def wire(port: int) -> Relay:
    """Before the server on this port."""
    return Relay(("127.0.0.1", port), Conversation)


def error_packet(number: int) -> bytes:
    """The answer to a call with this error."""
    said = b"\xff" + struct.pack("<H", number) + b"#HY000so ordered"
    return len(said).to_bytes(3, "little") + b"\1" + said
