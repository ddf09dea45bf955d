"""The proxy itself does what its words say."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from countersign.testing.faulty_proxy import FaultyProxy
from tests.network.conftest import Between


@pytest.fixture
def echo() -> Iterator[tuple[str, int]]:
    """A server that says what it hears."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=repeat, args=(client,), daemon=True).start()

    def repeat(client: socket.socket) -> None:
        with client:
            try:
                while heard := client.recv(1000):
                    client.sendall(heard)
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.fixture
def proxy(between: Between, echo: tuple[str, int]) -> FaultyProxy:
    return between(echo)


def to(proxy: FaultyProxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=10)


def said(client: socket.socket, words: bytes) -> bytes:
    client.sendall(words)
    return client.recv(1000)


@contextmanager
def in_vain(client: socket.socket) -> Iterator[None]:
    """Waits for no answer for long."""
    client.settimeout(0.3)
    with pytest.raises(TimeoutError):
        yield
    client.settimeout(10)


def test_it_passes_everything_on(proxy: FaultyProxy) -> None:
    with to(proxy) as client:
        assert said(client, b"hello") == b"hello"


def test_latency_is_added_each_way(proxy: FaultyProxy) -> None:
    proxy.delay(0.05)
    with to(proxy) as client:
        began = time.monotonic()
        said(client, b"hello")

    assert time.monotonic() - began >= 0.1


@pytest.mark.parametrize("way", ["both", "to the server", "to us"])
def test_what_is_held_back_arrives_when_all_is_well_again(proxy: FaultyProxy, way: str) -> None:
    with to(proxy) as client:
        said(client, b"hello")
        proxy.swallow() if way == "both" else proxy.drop(way)  # pyright: ignore[reportArgumentType] -- one of two
        with in_vain(client):
            said(client, b"lost?")
        proxy.heal()
        assert client.recv(1000) == b"lost?"


def test_a_black_hole_takes_new_connections(proxy: FaultyProxy) -> None:
    proxy.swallow()
    with to(proxy) as client, in_vain(client):
        said(client, b"hello")


def test_it_resets_after_so_many_bytes_and_once(proxy: FaultyProxy) -> None:
    with to(proxy) as client:
        proxy.reset_after(5)
        client.sendall(b"hello")
        with pytest.raises(ConnectionResetError):
            client.recv(1000)
    with to(proxy) as client:
        assert said(client, b"hello") == b"hello"


def test_half_closed_it_says_nothing_more(proxy: FaultyProxy) -> None:
    with to(proxy) as client:
        said(client, b"hello")
        proxy.half_close()
        assert client.recv(1000) == b""


def test_it_refuses_and_comes_back_at_the_same_place(proxy: FaultyProxy) -> None:
    with to(proxy) as client:
        said(client, b"hello")
        proxy.refuse()
        with pytest.raises(ConnectionResetError):
            said(client, b"hello")
    with pytest.raises(ConnectionRefusedError):
        to(proxy)
    proxy.heal()
    with to(proxy) as client:
        assert said(client, b"hello") == b"hello"
