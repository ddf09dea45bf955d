"""However many connections are held open and however slowly they send, Slack and `/healthz` are answered."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from bot import http_connections
from tests.bot.desk import Desk
from tests.bot.http_door import Door, from_slack, listening
from tests.bot.slack import FakeSlack
from tests.cast import ANN
from tests.waiting import wait_until
from tests.world import World

HEAD = b"POST /slack/events HTTP/1.1\r\nHost: bot.example\r\n"


@pytest.fixture
def door(world: World, slack: FakeSlack) -> Iterator[Door]:
    slack.failing["conversations.info"] = "channel_not_found"
    with listening(world) as door:
        yield door


def is_dropped(connection: socket.socket, drip: bytes = b"") -> bool:
    """Sends a little more and looks whether the bot has let go of it, without an answer."""
    connection.settimeout(0.05)
    try:
        if drip:
            connection.sendall(drip)
        while connection.recv(4096):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


def test_with_300_requests_half_sent_health_and_slack_are_answered_and_the_oldest_are_let_go(
    world: World, desk: Desk, door: Door
) -> None:
    with ExitStack() as held:
        half = [held.enter_context(door.connection()) for _ in range(300)]
        for one in half:
            one.sendall(HEAD)
            assert door.live.ended.done() is False

        assert door.get("/healthz").status == 200
        assert (
            door.exchange(from_slack(desk.command_body(ANN, "help"), now=world.clock.now().timestamp())).status == 200
        )

        wait_until(lambda: all(is_dropped(one) for one in half[:40]), "the oldest to be let go")
        assert not is_dropped(half[-1])


@pytest.mark.parametrize(
    ("begin", "drip"),
    [
        (HEAD, b"X: y\r\n"),
        (b"", b""),
        (b"POST /healthz HTTP/1.1\r\nHost: bot.example\r\nContent-Length: 1000000\r\n\r\n", b"x"),
        (b"GET /healthz HTTP/1.1\r\nHost: bot.example\r\n\r\n" + HEAD, b"X: y\r\n"),
    ],
    ids=["slow headers", "nothing at all", "a body that is not waited for", "a second request"],
)
def test_a_request_that_comes_too_slowly_is_let_go_however_often_a_byte_comes(
    world: World, slack: FakeSlack, monkeypatch: pytest.MonkeyPatch, begin: bytes, drip: bytes
) -> None:
    monkeypatch.setattr(http_connections, "REQUEST_SECONDS", 0.5)
    slack.failing["conversations.info"] = "channel_not_found"
    with listening(world) as door, door.connection() as connection:
        connection.sendall(begin)
        wait_until(lambda: is_dropped(connection, drip), "it to be let go", within=10)
        assert door.get("/healthz").status == 200


def test_what_has_not_arrived_is_bounded_in_bytes_and_slack_is_still_answered(
    world: World, desk: Desk, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_connections, "LARGEST_TOTAL", 200_000)
    with door.connection() as first, door.connection() as second:
        for one in (first, second):
            one.sendall(HEAD + b"Content-Length: 900000\r\n\r\n" + b"x" * 150_000)
        wait_until(lambda: is_dropped(first), "the oldest to be let go", within=3)
        sent = from_slack(desk.command_body(ANN, "help"), now=world.clock.now().timestamp())
        assert door.exchange(sent).status == 200
