"""The bot that Slack calls: the same listeners behind a real server, quick and orderly whatever they wait for."""

import asyncio
import socket
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from access.errors import Unready
from bot import ids
from bot.http_mode import serve
from tests.bot.desk import Desk
from tests.bot.http_door import SECRET, Door, Got, Sent, encoded, from_slack, listening, signed
from tests.bot.slack import FakeSlack
from tests.bot.staging import acme, by_http
from tests.cast import ANN
from tests.waiting import wait_until
from tests.world import World

LINE = "customers-db/read 1h INC-12 stuck refunds"


@pytest.fixture
def slack(slack: FakeSlack) -> FakeSlack:
    slack.failing["conversations.info"] = "channel_not_found"
    return slack


@pytest.fixture
def door(world: World, slack: FakeSlack) -> Iterator[Door]:
    with listening(world) as door:
        yield door


@contextmanager
def held_up(world: World) -> Iterator[None]:
    """Nobody can write to the database."""
    with world.core.database.engine().begin():
        yield


def later(door: Door, sent: Sent, pool: ThreadPoolExecutor) -> "Future[Got]":
    return pool.submit(door.exchange, sent)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def now(world: World) -> float:
    return world.clock.now().timestamp()


def the_form(desk: Desk, world: World) -> Sent:
    """Ann's form, filled and sent."""
    desk.command(ANN)
    asked = {ids.ENTITLEMENT: "customers-db/read", ids.DURATION: "1h", ids.REASON: "INC-12 stuck refunds"}
    return from_slack(desk.submit_body(ANN, desk.slack.view, **asked), now=now(world))


def test_a_command_is_answered_and_done(world: World, desk: Desk, door: Door) -> None:
    got = door.exchange(from_slack(desk.command_body(ANN, LINE), now=now(world)))

    assert (got.status, got.body) == (200, b"")
    wait_until(world.requests, "the request")
    assert world.requests()[0].reason == "INC-12 stuck refunds"


def test_an_answer_with_a_body_reaches_the_form(world: World, desk: Desk, door: Door) -> None:
    desk.command(ANN)
    wrong = desk.submit_body(ANN, desk.slack.view, **{ids.ENTITLEMENT: "customers-db/read", ids.DURATION: "soon"})

    got = door.exchange(from_slack(wrong, now=now(world)))

    assert got.headers["content-type"].startswith("application/json")
    assert got.json()["response_action"] == "errors"


def test_options_are_offered(world: World, desk: Desk, door: Door) -> None:
    got = door.exchange(from_slack(desk.suggest_body(ANN, "fix"), now=now(world)))

    assert "customers-db/fix-orders" in got.body.decode()


def test_a_new_request_url_answers_the_challenge(world: World, door: Door) -> None:
    got = door.exchange(from_slack({"type": "url_verification", "challenge": "3eZbrw1aB"}, now=now(world)))

    assert got.json() == {"challenge": "3eZbrw1aB"}


@pytest.mark.parametrize("body", [b"ssl_check=1&token=Jhj5dZrVaK7ZwHHjRyZWjbDl", b"token=x&ssl_check=1"])
def test_a_look_at_the_certificate_is_answered_signed_or_not(world: World, door: Door, body: bytes) -> None:
    plain = Sent(body, ((b"Content-Type", b"application/x-www-form-urlencoded"),))
    marked = Sent(body, signed(body, b"application/x-www-form-urlencoded", now=now(world)))

    assert [door.exchange(one).status for one in (plain, marked)] == [200, 200]


def test_a_command_of_another_app_is_not_ours(world: World, desk: Desk, door: Door) -> None:
    body = desk.command_body(ANN) | {"command": "/other"}

    assert door.exchange(from_slack(body, now=now(world))).status == 404


def test_one_that_was_here_before_is_told_not_to_come_again(world: World, desk: Desk, door: Door) -> None:
    sent = from_slack(desk.command_body(ANN, "help"), now=now(world))
    first, second = door.exchange(sent), door.exchange(sent)

    assert (first.status, second.status) == (200, 401)
    assert second.headers["x-slack-no-retry"] == "1"


def test_slack_saves_the_address_and_looks_at_its_certificate(world: World) -> None:
    with acme() as sandbox, by_http(world, sandbox, prefix="/countersign") as serves:
        assert serves.said[0].endswith("/countersign/slack/events")
        sandbox.workspace().check_ssl()
        assert sandbox.workspace().person(ANN).command("C0GENERAL", "/access", "help").ok
        assert sandbox.workspace().violations() == []


def test_a_body_that_says_it_is_too_large_is_not_waited_for(door: Door) -> None:
    said = ((b"Content-Length", b"1048577"),)

    assert door.exchange(Sent(b"", framing=said)).body == b"This is too large."


def test_behind_a_proxy_the_paths_begin_with_the_prefix(world: World, slack: FakeSlack, desk: Desk) -> None:
    sent = from_slack(desk.command_body(ANN, "help"), now=now(world))
    with listening(world, prefix="/countersign") as door:
        assert door.url.endswith("/countersign/slack/events")
        assert door.exchange(sent).status == 404
        assert door.get("/healthz").status == 404
        assert door.exchange(Sent(sent.body, sent.headers, path="/countersign/slack/events")).status == 200
        assert door.get("/countersign/healthz").status == 200


def test_a_header_that_says_where_a_request_came_from_changes_nothing(world: World, desk: Desk, door: Door) -> None:
    body, content_type = encoded(desk.command_body(ANN, "help"))
    said = (
        (b"X-Forwarded-For", b"127.0.0.1"),
        (b"X-Forwarded-Proto", b"https"),
        (b"X-Forwarded-Prefix", b"/elsewhere"),
        (b"Forwarded", b"for=127.0.0.1;proto=https"),
        (b"X-Original-URL", b"/healthz"),
    )

    assert door.exchange(Sent(body, said)).status == 401
    assert door.exchange(Sent(body, (*signed(body, content_type, now=now(world)), *said))).status == 200


def test_health_is_answered_while_every_listener_waits(
    world: World, desk: Desk, slack: FakeSlack, pool: ThreadPoolExecutor
) -> None:
    form = the_form(desk, world)
    with listening(world, threads=1) as door:
        with held_up(world):
            waiting = later(door, form, pool)
            wait_until(lambda: len(slack.called("users.info")) > 1 or waiting.done(), "the listener to be reached")
            healthy = door.get("/healthz")
            assert not waiting.done(), "it came before the answer that waits"
        assert (healthy.status, healthy.json()) == (200, {"ready": True, "database": True, "policy": True})
        assert waiting.result().json()["response_action"] == "update"


def test_a_policy_that_cannot_be_used_is_not_ready_and_says_no_more(world: World, door: Door) -> None:
    world.rewrite_policy("version: 1", "version: 99")

    got = door.get("/healthz")

    assert (got.status, got.json()) == (503, {"ready": False, "database": True, "policy": False})


def test_a_database_that_is_gone_is_not_ready_and_says_no_more(world: World, door: Door) -> None:
    with world.core.database.engine().begin() as connection:
        connection.execute(sa.text("ALTER TABLE audit_head RENAME TO gone"))

    got = door.get("/healthz")

    assert (got.status, got.json()) == (503, {"ready": False, "database": False, "policy": True})


def test_health_is_looked_at_and_not_changed(door: Door) -> None:
    assert door.get("/healthz", b"HEAD").status == 200
    assert door.get("/healthz", b"HEAD").body == b""
    assert door.get("/healthz", b"POST").status == 400


def test_a_request_that_waits_for_its_answer_when_it_stops_is_answered(
    world: World, desk: Desk, slack: FakeSlack, pool: ThreadPoolExecutor
) -> None:
    form = the_form(desk, world)
    with listening(world) as door:
        with held_up(world):
            waiting = later(door, form, pool)
            wait_until(lambda: len(slack.called("users.info")) > 1, "the listener to be reached")
            door.live.halt()
            wait_until(lambda: refuses(door), "the door to close")
            assert not door.live.ended.done()
        assert waiting.result().json()["response_action"] == "update"
        door.live.ended.result(20)


def refuses(door: Door) -> bool:
    try:
        door.connection().close()
    except ConnectionRefusedError:
        return True
    return False


def test_an_address_in_use_is_said(world: World, slack: FakeSlack) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(Unready, match="COUNTERSIGN_HTTP_LISTEN"):
        start(world, taken.getsockname())


def test_a_token_that_slack_refuses_is_named(world: World, slack: FakeSlack) -> None:
    slack.failing["auth.test"] = "invalid_auth"
    with pytest.raises(Unready, match=r"does not accept SLACK_BOT_TOKEN \(invalid_auth\)"):
        start(world, ("127.0.0.1", 0))


@pytest.mark.parametrize("secret", ["", "short", " "])
def test_it_does_not_listen_without_a_secret(world: World, slack: FakeSlack, secret: str) -> None:
    with listening(world, secret=secret) as door, pytest.raises(Unready, match="SLACK_SIGNING_SECRET is too short"):
        door.live.ended.result()


def start(world: World, address: tuple[str, int]) -> None:
    asyncio.run(
        serve(
            world.core, bot_token="xoxb-test", signing_secret=SECRET, api_url="https://slack.com/api/", threads=1,
            address=address, prefix="", stop=asyncio.Event(), listening=lambda _: None,
        )
    )  # fmt: skip
