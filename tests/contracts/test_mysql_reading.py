"""How the answers of a MariaDB server are read from the line: in few reads, and nothing that came before TLS."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from unittest.mock import patch

import pytest

from access.errors import ProviderError
from access.ports import Deadline
from tests.contracts.mysql_fixtures import NEEDS_MARIADB
from tests.contracts.mysql_imposters import packet
from tests.contracts.mysql_server import MariaDb
from tests.contracts.mysql_world import MysqlWorld
from workers.providers.mysql import Settings
from workers.providers.mysql.session import session

pytestmark = NEEDS_MARIADB

ROWS = 900
COUNTED = f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}) SELECT {{what}} FROM n"
_OK = b"\0\0\0\2\0\0\0"
LET_IN_AND_ALL_IS_WELL = packet(3, _OK) + packet(1, _OK) + packet(1, _OK)
"""To the login, and to the first two statements of a session."""


def over_tls(world: MysqlWorld, port: int) -> Settings:
    return world.settings(port=port, ca=str(world.server.authority.certificate))


def test_an_answer_of_many_rows_is_not_read_row_by_row(mysql_world: MysqlWorld) -> None:
    read, reads = ssl.SSLSocket.recv, list[int]()

    def counted(line: ssl.SSLSocket, most: int = 1024, flags: int = 0) -> bytes:
        piece = read(line, most, flags)
        reads.append(len(piece))
        return piece

    with session(over_tls(mysql_world, mysql_world.server.port), Deadline.after(20)) as opened:
        with patch.object(ssl.SSLSocket, "recv", counted):
            rows = opened.read(COUNTED.format(what="i, REPEAT('x', i % 200)"))
        assert rows == [(number, "x" * (number % 200)) for number in range(1, ROWS + 1)]
        assert opened.read("SELECT 'after it'") == [("after it",)]
    assert sum(reads) > 64 * 1024  # more than one piece
    assert len(reads) < ROWS / 10


def test_an_answer_above_what_is_read_at_all_is_refused_in_the_midst(mysql_world: MysqlWorld) -> None:
    settings = over_tls(mysql_world, mysql_world.server.port)
    with session(settings, Deadline.after(20)) as opened, pytest.raises(ProviderError, match="answers with more than"):
        opened.read(COUNTED.format(what="REPEAT('x', 100000)"))


def test_what_is_put_in_clear_behind_the_greeting_is_not_taken_for_the_servers_word(mysql_world: MysqlWorld) -> None:
    with between(mysql_world.server, LET_IN_AND_ALL_IS_WELL) as port, pytest.raises(ProviderError):  # noqa: SIM117
        with session(over_tls(mysql_world, port), Deadline.after(20)):
            pass


@contextmanager
def between(server: MariaDb, forged: bytes) -> Iterator[int]:
    """Who stands on the line, cannot break TLS, and adds this to the greeting, which is before TLS."""
    with socket.create_server((server.host, 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                guest, _ = listener.accept()
                with guest, socket.create_connection((server.host, server.port)) as there:
                    guest.sendall(there.recv(4096) + forged)
                    back = threading.Thread(target=_pass_on, args=(there, guest), daemon=True)
                    back.start()
                    _pass_on(guest, there)
                    back.join(20)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            thread.join(20)


def _pass_on(said: socket.socket, to: socket.socket) -> None:
    with suppress(OSError):
        while more := said.recv(4096):
            to.sendall(more)
    with suppress(OSError):
        to.shutdown(socket.SHUT_WR)
