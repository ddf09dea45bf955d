"""Where an endpoint may be: any public address, or the networks that the settings name; and nowhere else."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from unittest.mock import patch

import pytest
from pydantic import ValidationError

from access.errors import Ambiguous, BadConfig, Transient
from access.ports import Deadline
from tests.contracts.imposters import resolving
from tests.contracts.webhook_fixtures import receiver, wire
from tests.contracts.webhook_receiver import HOST, PATH, Receiver, make_spec, soon
from tests.contracts.webhook_wire import Wire
from workers.providers.webhook import Webhook
from workers.providers.webhook.addresses import may_be, read_address, read_network

__all__ = ["receiver", "wire"]

NAME = "endpoint.example.test"
INSIDE = (
    "0.0.0.0", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "169.254.169.254",
    "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.168.1.1", "198.18.0.1", "203.0.113.7", "224.0.0.1",
    "240.0.0.1", "255.255.255.255", "168.63.129.16", "::", "::1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
    "::127.0.0.1", "64:ff9b::a00:1", "100::1", "2001:0:a00:1::", "2001:db8::1", "2002:a00:1::", "fc00::1",
    "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "ff02::1",
)  # fmt: skip
OUTSIDE = ("1.1.1.1", "93.184.215.14", "172.32.0.1", "192.0.1.1", "::ffff:1.1.1.1", "2606:4700::1111", "2a00:1450::1")


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_that_is_not_public_is_refused_where_its_network_is_not_named(address: str) -> None:
    found = read_address(address)
    assert found is not None
    assert not may_be(found, [])
    assert may_be(found, [read_network(f"{found}/{found.max_prefixlen}".replace("%eth0", ""))])


@pytest.mark.parametrize("address", OUTSIDE)
def test_a_public_address_is_taken_where_no_network_is_named_and_refused_where_one_is(address: str) -> None:
    found = read_address(address)
    assert found is not None
    assert may_be(found, [])
    assert not may_be(found, [read_network("10.0.0.0/8"), read_network("fd00::/8")])


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0", "168.0.0.0/6", "2000::/3", "10.0.0.1/8", "here", "127.0.0.1"])
def test_a_network_that_holds_public_and_private_addresses_is_no_setting(receiver: Receiver, network: str) -> None:
    if network == "127.0.0.1":
        assert receiver.settings(networks=[network])
        return
    with pytest.raises(ValidationError):
        receiver.settings(networks=[network])


@pytest.mark.parametrize(
    "url",
    [
        "http://endpoint.example.test/", "https://",
        "https://bot:secret@endpoint.example.test/",
        "endpoint.example.test",
        "https://endpoint.example.test/?key=1", "https://endpoint.example.test/#x", "https://endpoint.example.test/a b",
        "https://endpöint.example.test/", "https://endpoint.example.test/'; rm -rf /; '", "file:///etc/passwd",
        "https://endpoint.example.test\n.evil.test/",
    ],
)  # fmt: skip
def test_an_address_of_an_endpoint_is_https_a_host_and_a_path(receiver: Receiver, url: str) -> None:
    with pytest.raises(ValidationError):
        receiver.settings(url=url)


@pytest.mark.parametrize("leads_to", [["127.0.0.1"], ["1.1.1.1", "127.0.0.1"]])
def test_a_name_that_leads_inside_is_told_nothing(receiver: Receiver, leads_to: list[str]) -> None:
    with socket.create_server((HOST, 0)) as listener:
        listener.settimeout(0)
        url = f"https://{NAME}:{listener.getsockname()[1]}{PATH}"
        provider = Webhook(receiver.settings(url=url, networks=[]))
        with resolving({NAME: leads_to}), pytest.raises(BadConfig, match="networks in the settings"):
            provider.grant(make_spec(), soon())
        with pytest.raises(BlockingIOError):
            listener.accept()


@contextmanager
def rebinding(first: str, then: str) -> Iterator[list[str]]:
    """A resolver of which another has hold: each question about the name after the first is answered otherwise."""
    real, asked = socket.getaddrinfo, list[str]()

    def getaddrinfo(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        if host != NAME:
            return real(host, port, *rest, **more)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (first if len(asked) == 1 else then, port))]

    with patch.object(socket, "getaddrinfo", getaddrinfo):
        yield asked


def test_a_call_connects_to_the_address_that_was_checked_whatever_the_name_leads_to_now(receiver: Receiver) -> None:
    wire = Wire(receiver.port, receiver.authority.server(NAME), receiver.trust)
    settings = receiver.settings(url=f"https://{NAME}:{wire.port}{PATH}", networks=["127.0.0.1/32"])
    provider, spec = Webhook(settings), make_spec()
    with socket.create_server(("127.0.0.66", wire.port)) as elsewhere:
        elsewhere.settimeout(0)
        with rebinding("127.0.0.1", "127.0.0.66") as asked:
            assert provider.grant(spec, soon()).state == "active"
            assert asked == [NAME], "the name is looked up once, and never to connect"
            with pytest.raises(BadConfig, match="networks in the settings"):
                provider.observe(spec, None, soon())
        with pytest.raises(BlockingIOError):
            elsewhere.accept()
    wire.close()


def test_an_address_that_answers_nothing_leaves_time_for_the_next(receiver: Receiver) -> None:
    wire = Wire(receiver.port, receiver.authority.server(NAME), receiver.trust)
    provider = Webhook(receiver.settings(url=f"https://{NAME}:{wire.port}{PATH}"))
    with _black_hole("127.0.0.3", wire.port), resolving({NAME: ["127.0.0.3", "127.0.0.1"]}):
        assert not provider.observe(make_spec(), None, Deadline.after(8)).present
    wire.close()


@contextmanager
def _black_hole(host: str, port: int) -> Iterator[None]:
    """A listener whose queue is full: the kernel answers no more calls."""
    with socket.socket() as listener:
        listener.bind((host, port))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            with suppress(BlockingIOError):
                one.connect((host, port))
        try:
            yield
        finally:
            for one in waiting:
                one.close()


def test_a_resolver_that_hangs_ends_with_the_deadline(receiver: Receiver) -> None:
    over = threading.Event()
    provider = Webhook(receiver.settings(url=f"https://{NAME}{PATH}"))
    with patch.object(socket, "getaddrinfo", lambda *_, **__: over.wait(60) and []):
        try:
            with pytest.raises(Transient):
                provider.grant(make_spec(), Deadline.after(0.2))
        finally:
            over.set()


def test_a_name_that_leads_nowhere_is_worth_another_try(receiver: Receiver) -> None:
    provider = Webhook(receiver.settings(url=f"https://{NAME}{PATH}"))
    with patch.object(socket, "getaddrinfo", side_effect=socket.gaierror), pytest.raises(Transient):
        provider.grant(make_spec(), soon())


def test_an_endpoint_that_never_stops_answering_is_hung_up_on_at_the_deadline(receiver: Receiver) -> None:
    hung_up = threading.Event()
    context = receiver.authority.server(HOST)

    def drip(listener: socket.socket) -> None:
        guest, _ = listener.accept()
        with suppress(OSError), guest, context.wrap_socket(guest, server_side=True) as inside:
            inside.recv(65536)
            inside.sendall(b"HTTP/1.1 200 OK\r\n")
            while not hung_up.wait(0.05):
                inside.sendall(b"X: y\r\n")
        hung_up.set()

    with socket.create_server((HOST, 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,), daemon=True)
        thread.start()
        provider = Webhook(receiver.settings(listener.getsockname()[1]))
        with pytest.raises(Ambiguous):
            provider.grant(make_spec(), Deadline.after(3))
        assert hung_up.wait(20), "the connection is still open"
        thread.join(20)


def test_no_proxy_of_the_environment_comes_between(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((HOST, 0)) as proxy:
        proxy.settimeout(0)
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setitem(os.environ, name, f"http://{HOST}:{proxy.getsockname()[1]}")
        assert not Webhook(receiver.settings()).observe(make_spec(), None, soon()).present
        with pytest.raises(BlockingIOError):
            proxy.accept()
