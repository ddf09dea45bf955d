"""Asks a Redis on a unix socket one thing, in its own protocol: a client library is more than who minds it needs."""

import socket
from pathlib import Path

_SECONDS = 2.0


def ask(path: Path, command: str) -> str:
    """Its answer. Raises OSError: ConnectionError where it refuses, or hangs up without one."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_SECONDS)
        connection.connect(str(path))
        connection.sendall(f"{command}\r\n".encode())
        with connection.makefile("rb") as stream:
            line = stream.readline().decode(errors="replace").strip()
            if line.startswith("+"):
                return line[1:]
            if line.startswith("$"):
                return stream.read(int(line[1:])).decode(errors="replace")
    raise ConnectionError(line or "it hung up")
