"""One connection to a MariaDB server: proven before it is told anything, and every wait within the deadline.

The driver's own time-outs begin anew with each piece, it goes on without TLS where a server has none, and it hands a
server the password in whatever form that asks for. So these three are ours here.
"""

import ipaddress
import socket
import ssl
import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from contextlib import suppress
from typing import Any

import pymysql
from pymysql.constants import CLIENT

from access.errors import BadConfig, ProviderError, Transient
from access.ports import Deadline
from workers.providers.mysql import errors
from workers.providers.mysql.settings import MysqlSettings
from workers.providers.mysql.trust import proof_by

_MOST_ADDRESSES = 8
_PIECE = 65536
_LARGEST_ANSWER = 8 * 1024 * 1024
_METHODS = frozenset({b"mysql_native_password", b"client_ed25519"})
"""Proofs from which a server learns no password. The driver knows the second only where PyNaCl is installed."""


_Driver: Any = pymysql.connections.Connection
"""Its types leave out what is overridden here."""


class Connection(_Driver):
    """The driver's, with its three weak places closed."""

    deadline: Deadline
    heard: int
    _ahead: bytearray
    """What was read and not yet asked for."""

    def __init__(self, deadline: Deadline, **said: Any) -> None:
        self.deadline = deadline
        self.heard = 0
        self._ahead = bytearray()
        super().__init__(defer_connect=True, **said)

    def _get_server_information(self) -> None:
        super()._get_server_information()
        # The driver would go on in clear where it is not offered TLS, by the server or by someone in between.
        if self.ssl and not self.server_capabilities & CLIENT.SSL:
            raise BadConfig(errors.NO_TLS)
        if self._auth_plugin_name.encode() not in _METHODS:
            self._auth_plugin_name = "mysql_native_password"  # we speak first; the server may ask for another

    def _process_auth(self, plugin_name: bytes, auth_packet: Any, *more: Any, **said: Any) -> Any:
        if plugin_name not in _METHODS:
            raise BadConfig(errors.CLEAR)
        return super()._process_auth(plugin_name, auth_packet, *more, **said)

    def _read_bytes(self, num_bytes: int) -> bytes:
        self.heard += num_bytes
        if self.heard > _LARGEST_ANSWER:
            raise BadConfig(errors.TOO_MUCH)
        while len(self._ahead) < num_bytes:
            self._ahead += self._piece(num_bytes - len(self._ahead))
        read = bytes(self._ahead[:num_bytes])
        del self._ahead[:num_bytes]
        return read

    def _piece(self, wanted: int) -> bytes:
        # An answer is many small packets, so over TLS we take what there is. In clear never more than is wanted:
        # what someone in between puts behind the greeting would be believed as if it had come over TLS.
        most = _PIECE if isinstance(self._sock, ssl.SSLSocket) else min(wanted, _PIECE)
        if self.deadline.passed:
            raise TimeoutError
        self._sock.settimeout(self.deadline.left())
        piece = self._sock.recv(most)
        if not piece:
            raise ConnectionResetError
        return piece

    def _write_bytes(self, data: bytes) -> None:
        if self.deadline.passed:
            raise TimeoutError
        self._sock.settimeout(self.deadline.left())
        self._sock.sendall(data)


def connect(settings: MysqlSettings, deadline: Deadline) -> Connection:
    """Raises ProviderError; nothing was changed then."""
    try:
        return _connected(settings, settings.port, deadline)
    except Transient as error:
        # Anyone who reaches the usual port can fill it, without an account there.
        if settings.extra_port is None or error.code != str(errors.TOO_MANY):
            raise
    return _connected(settings, settings.extra_port, deadline)


def _connected(settings: MysqlSettings, port: int, deadline: Deadline) -> Connection:
    password = settings.password.read().get_secret_value()
    proof = _proof(settings)
    connection = Connection(
        deadline, host=settings.host, port=port, user=settings.user, password=password, ssl=proof,
        ssl_disabled=proof is None, charset="utf8mb4", autocommit=None, local_infile=False,
    )  # fmt: skip
    line = _line(settings.host, port, deadline)
    try:
        connection.connect(line)
    except ProviderError:
        raise
    except pymysql.err.Error as error:
        raise _refused(error) from None
    except (ssl.SSLCertVerificationError, ssl.CertificateError):
        raise BadConfig(errors.UNPROVEN) from None
    except OSError:
        raise errors.unreachable() from None
    except Exception:  # whatever the driver stumbles over in what is no answer of a database server
        raise BadConfig(errors.GARBAGE) from None
    finally:
        if not connection.open:
            line.close()
    return connection


def _refused(error: pymysql.err.Error) -> ProviderError:
    """The driver wraps what happened on the way; the server's own words have its number."""
    for cause in (error, error.__cause__, error.__context__, getattr(error, "original_exception", None)):
        if isinstance(cause, ProviderError):
            return cause
        if isinstance(cause, ssl.SSLCertVerificationError | ssl.CertificateError):
            return BadConfig(errors.UNPROVEN)
    number = error.args[0] if error.args and isinstance(error.args[0], int) else None
    if number is not None and number in errors.MEANINGS:
        return errors.failure(number, changes=False)
    if number is None or number >= 2000:
        return errors.unreachable()
    return errors.failure(number, changes=False)


def _proof(settings: MysqlSettings) -> ssl.SSLContext | None:
    return None if settings.ca is None else proof_by(settings.ca)


def _line(host: str, port: int, deadline: Deadline) -> socket.socket:
    """A black hole among several addresses takes its share of the time, and no more."""
    addresses = _look_up(host, port, deadline)
    for at, (family, address) in enumerate(addresses):
        if deadline.passed:
            break
        line = socket.socket(family, socket.SOCK_STREAM)
        line.settimeout(deadline.left() / (len(addresses) - at))
        try:
            line.connect(address)
        except OSError:
            line.close()
            continue
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return line
    raise errors.unreachable()


Address = tuple[socket.AddressFamily, Any]


def _look_up(host: str, port: int, deadline: Deadline) -> list[Address]:
    with suppress(ValueError):
        return [_literal(ipaddress.ip_address(host), port)]
    # The resolver can't be told to stop: it has a thread to itself, which is left alone at the deadline.
    found = Future[list[Address]]()
    threading.Thread(target=_resolve, args=(host, port, found), name="look up a database server", daemon=True).start()
    try:
        return found.result(deadline.left())[:_MOST_ADDRESSES]
    except (Late, OSError, UnicodeError):
        raise errors.unreachable() from None


def _literal(address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int) -> Address:
    if address.version == 4:
        return socket.AF_INET, (str(address), port)
    return socket.AF_INET6, (str(address), port, 0, 0)


def _resolve(host: str, port: int, found: "Future[list[Address]]") -> None:
    try:
        told = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        found.set_exception(error)
        return
    found.set_result([(family, (address[0], port, *address[2:])) for family, _, _, _, address in told])
