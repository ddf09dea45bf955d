"""HTTP delivery: what the sandbox sends to a request URL, and what it makes of the answers."""

import json
import threading
from typing import Any

import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier

from sandbox.person import SandboxError, Trouble
from sandbox.server import Running, running
from tests.sandbox.bot import modal
from tests.sandbox.conftest import Clock
from tests.sandbox.endpoint import Push, Reply, bolt_url, scripted_url
from tests.waiting import wait_until

PLACE = "C0PAYAPPR"


class Kept:
    """Answers every request with one reply and keeps them."""

    def __init__(self, reply: Reply | None = None) -> None:
        self.reply = reply or Reply()
        self.pushes: list[Push] = []

    def __call__(self, push: Push) -> Reply:
        self.pushes.append(push)
        return self.reply


def _ask_and_greet(app: AsyncApp) -> None:
    @app.command("/access")
    async def ask(ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modal())

    @app.view("ask")
    async def asked(ack: Any) -> None:
        await ack(response_action="errors", errors={"reason": "Say a little more."})


def test_bolt_takes_commands_and_submissions_over_http() -> None:
    with running() as live, bolt_url(live, _ask_and_greet) as url:
        workspace = live.workspace()
        workspace.use_request_url(url)
        ann = workspace.person("U0ANN")
        assert ann.command(PLACE, "/access").ok
        wait_until(ann.view, "the form")
        assert ann.submit({"reason": "because"}) == {"reason": "Say a little more."}
        assert workspace.violations() == []


def test_bolt_refuses_a_signature_of_another_secret_or_another_time(sandbox: Running) -> None:
    workspace = sandbox.workspace()
    with bolt_url(sandbox, _ask_and_greet) as url, pytest.raises(Trouble, match="401"):
        workspace.use_request_url(url)  # this sandbox's clock stands still, far from Bolt's
    with running() as live, bolt_url(live, _ask_and_greet, "other secret") as url, pytest.raises(Trouble, match="401"):
        live.workspace().use_request_url(url)


def test_every_request_is_signed_over_its_raw_body() -> None:
    url = Kept(Reply('{"text": "hello"}'))
    with scripted_url(url) as address, running(request_url=address, signing_secret="s3cret") as pushing:
        outcome = pushing.workspace().person("U0ANN").command(PLACE, "/access", "mine & co")
    assert outcome.text == "hello"
    [push] = url.pushes
    assert SignatureVerifier("s3cret").is_valid_request(push.body, push.headers)
    assert not SignatureVerifier("other").is_valid_request(push.body, push.headers)
    assert push.headers["content-type"] == "application/x-www-form-urlencoded"
    assert push.payload["text"] == "mine & co"
    assert push.payload["is_enterprise_install"] == "false"


def test_a_text_answers_a_command_as_itself() -> None:
    with scripted_url(Kept(Reply("plain words"))) as address, running(request_url=address) as pushing:
        assert pushing.workspace().person("U0ANN").command(PLACE, "/access").text == "plain words"


@pytest.mark.parametrize("body", ["ok", "{}", '{"ok": true}'])
def test_a_submission_is_answered_with_nothing_or_a_response_action(body: str) -> None:
    def reply(push: Push) -> Reply:
        if push.payload.get("type") == "view_submission":
            return Reply(body)
        client.views_open(trigger_id=push.payload["trigger_id"], view=modal())
        return Reply()

    with scripted_url(reply) as address, running(request_url=address) as pushing:
        client = WebClient(token=pushing.bot_token, base_url=pushing.api_url)
        ann = pushing.workspace().person("U0ANN")
        assert ann.command(PLACE, "/access").ok
        with pytest.raises(Trouble, match="trouble connecting"):
            ann.submit({"reason": "because"})
        assert ann.view() is not None
        assert [each["where"] for each in pushing.workspace().violations()] == ["view_submission"]


def test_a_request_url_that_is_slow_broken_or_away_is_named() -> None:
    late = threading.Event()

    def slow(_: Push) -> Reply:
        late.wait(10)
        return Reply()

    with scripted_url(slow) as address, running(request_url=address, ack_seconds=0.1) as pushing:
        assert pushing.workspace().person("U0ANN").command(PLACE, "/access").error == "operation_timeout"
        late.set()
    with scripted_url(Kept(Reply(status=500))) as address, running(request_url=address) as pushing:
        assert pushing.workspace().person("U0ANN").command(PLACE, "/access").error == "dispatch_failed"
    with running(request_url=address) as pushing:
        assert pushing.workspace().person("U0ANN").command(PLACE, "/access").error == "dispatch_failed"


@pytest.mark.parametrize("as_json", [True, False])
def test_a_request_url_is_saved_once_it_gives_the_challenge_back(sandbox: Running, as_json: bool) -> None:
    def reply(push: Push) -> Reply:
        challenge = push.payload["challenge"]
        return Reply(json.dumps({"challenge": challenge}) if as_json else challenge)

    workspace = sandbox.workspace()
    with scripted_url(reply) as address:
        workspace.use_request_url(address)
    assert workspace.description()["request_url"] == address


def test_a_request_url_that_knows_no_challenge_is_not_saved(sandbox: Running) -> None:
    workspace = sandbox.workspace()
    with scripted_url(Kept()) as address, pytest.raises(Trouble, match="challenge"):
        workspace.use_request_url(address)
    assert workspace.description()["request_url"] == ""


def test_a_probe_needs_a_request_url_that_answers(sandbox: Running) -> None:
    with pytest.raises(SandboxError, match="Socket Mode"):
        sandbox.workspace().check_ssl()
    url = Kept()
    with scripted_url(url) as address, running(request_url=address) as pushing:
        pushing.workspace().check_ssl()
    assert url.pushes[0].payload == {"ssl_check": "1", "token": "sandbox"}


def test_an_event_that_failed_comes_again_and_says_why(clock: Clock) -> None:
    url = Kept(Reply(status=500))
    with scripted_url(url) as address, running(request_url=address, clock=clock) as pushing:
        workspace = pushing.workspace()
        workspace.person("U0ANN").open_home()
        wait_until(lambda: len(url.pushes) == 2, "the first retry, at once")
        url.reply = Reply()
        workspace.move_clock(60)
        wait_until(lambda: len(url.pushes) == 3, "the second, after a minute")
    first, *again = url.pushes
    assert first.headers["content-type"] == "application/json"
    assert "x-slack-retry-num" not in first.headers
    assert [each.headers["x-slack-retry-num"] for each in again] == ["1", "2"]
    assert {each.headers["x-slack-retry-reason"] for each in again} == {"http_error"}
    assert len({each.payload["event_id"] for each in url.pushes}) == 1
    assert len({each.body for each in url.pushes}) == 1


def test_an_app_may_refuse_to_be_told_again(clock: Clock) -> None:
    url = Kept(Reply(status=500, headers=(("X-Slack-No-Retry", "1"),)))
    with scripted_url(url) as address, running(request_url=address, clock=clock) as pushing:
        ann = pushing.workspace().person("U0ANN")
        ann.open_home()
        wait_until(lambda: len(url.pushes) == 1, "the event")
        url.reply = Reply()
        assert ann.command(PLACE, "/access").ok
    assert [each.headers["content-type"] for each in url.pushes] == [
        "application/json",
        "application/x-www-form-urlencoded",
    ]


def elsewhere(address: str) -> Reply:
    return Reply(status=307, headers=(("Location", address),))


def test_an_event_follows_two_redirects_and_a_command_none() -> None:
    pushes = Kept()
    with (
        scripted_url(pushes) as address,
        scripted_url(lambda _: elsewhere(address)) as second,
        scripted_url(lambda _: elsewhere(second)) as first,
        running(request_url=first) as pushing,
    ):
        ann = pushing.workspace().person("U0ANN")
        assert ann.command(PLACE, "/access").error == "dispatch_failed"
        ann.open_home()
        wait_until(lambda: pushes.pushes, "the event")
    assert [each.payload["event"]["type"] for each in pushes.pushes] == ["app_home_opened"]


def test_request_urls_and_socket_mode_exclude_one_another() -> None:
    with running(request_url="http://127.0.0.1:9/") as pushing:
        client = WebClient(base_url=pushing.api_url)
        with pytest.raises(SlackApiError, match="forbidden_team"):
            client.apps_connections_open(app_token=pushing.app_token)
