"""The connection of one call: its name is looked up once, what comes of it is checked, and to that it connects.

Every wait ends with the deadline of the call, however many addresses there are and however slowly the other end speaks.
"""

import socket
import ssl
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from typing import Any

import httpcore

from access.ports import Deadline
from workers.providers.webhook.addresses import Address, Network, may_be, read_address

_MOST = 16
"""Addresses of one name that are tried."""


class AddressRefused(Exception):
    """The endpoint's name leads where it may not be."""


class CertificateRefused(Exception):
    """Whoever answers does not prove to be the endpoint's host."""


class NoTls(Exception):
    """Whoever answers does not speak TLS, or not as we do."""


class Connector(httpcore.NetworkBackend):
    """For one call. `sent` says whether anything of it may have arrived."""

    def __init__(self, networks: Sequence[Network], deadline: Deadline) -> None:
        self._networks = networks
        self._deadline = deadline
        self.sent = False

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = _look_up(host, port, self._deadline)
        if not all(may_be(address, self._networks) for address in addresses):
            raise AddressRefused  # one of several is enough: a name that leads to both is not the endpoint's alone
        return _Stream(_first(addresses, port, self._deadline), self._deadline, self)


def _first(addresses: Sequence[Address], port: int, deadline: Deadline) -> httpcore.NetworkStream:
    """A black hole among several takes its share of the time, and no more."""
    failed: httpcore.NetworkError | httpcore.TimeoutException | None = None
    for at, address in enumerate(addresses):
        if deadline.passed:
            break
        share = deadline.left() / (len(addresses) - at)
        try:
            return httpcore.SyncBackend().connect_tcp(str(address), port, timeout=share)
        except (httpcore.NetworkError, httpcore.TimeoutException) as error:
            failed = error
    raise failed or httpcore.ConnectTimeout


class _Stream(httpcore.NetworkStream):
    """The time-outs that HTTP asks for count anew with each piece; the deadline does not."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline, connector: Connector) -> None:
        self._stream = stream
        self._deadline = deadline
        self._connector = connector

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._deadline.passed:
            raise httpcore.ReadTimeout
        return self._stream.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if self._deadline.passed:
            raise httpcore.WriteTimeout
        self._connector.sent = True
        self._stream.write(buffer, self._deadline.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            inside = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left())
        except httpcore.ConnectError as error:
            if isinstance(error.__cause__, ssl.SSLCertVerificationError):
                raise CertificateRefused from None
            if isinstance(error.__cause__, ssl.SSLError) and not isinstance(error.__cause__, ssl.SSLEOFError):
                raise NoTls from None
            raise
        return _Stream(inside, self._deadline, self._connector)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _look_up(host: str, port: int, deadline: Deadline) -> list[Address]:
    address = read_address(host)
    if address is not None:
        return [address]
    # The resolver can't be told to stop: it has a thread to itself, which nobody waits for longer than the deadline.
    found = Future[list[Address]]()
    threading.Thread(target=_resolve, args=(host, port, found), name="look up an endpoint", daemon=True).start()
    try:
        return found.result(deadline.left())[:_MOST]
    except Late:
        raise httpcore.ConnectTimeout from None


def _resolve(host: str, port: int, found: "Future[list[Address]]") -> None:
    try:
        told = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        found.set_exception(httpcore.ConnectError("the name leads nowhere"))
        return
    addresses = [read_address(str(sockaddr[0])) for *_, sockaddr in told]
    found.set_result(list(dict.fromkeys(address for address in addresses if address is not None)))
