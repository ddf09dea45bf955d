"""The bot that calls Slack: it connects, says so, comes back, and says what keeps it from connecting."""

from dataclasses import replace

import pytest

from access.errors import Unready
from sandbox.person import Workspace
from sandbox.server import Running
from tests.bot.staging import by_socket
from tests.cast import ANN, APPROVALS
from tests.waiting import wait_until
from tests.world import World


def test_a_new_connection_is_made_when_slack_closes_the_old(
    world: World, sandbox: Running, workspace: Workspace
) -> None:
    ann = workspace.person(ANN)
    with by_socket(world, sandbox):
        for _ in range(3):
            workspace.refresh_connections()
            wait_until(lambda: ann.command(APPROVALS, "/access", "help").ok, "the bot to be back")


def test_it_says_when_it_is_connected_and_when_it_has_gone(world: World, sandbox: Running) -> None:
    with by_socket(world, sandbox) as serves:
        assert serves.said[-1] is True
    assert serves.live.ended.result() is None
    assert serves.said[-1] is False
    assert sandbox.workspace().connections() == 0


def test_slack_out_of_reach_is_said(world: World, sandbox: Running) -> None:
    nowhere = replace(sandbox, url="http://127.0.0.1:9")
    with (
        by_socket(world, nowhere) as serves,
        pytest.raises(Unready, match=r"cannot be reached at http://127\.0\.0\.1"),
    ):
        serves.live.ended.result()


@pytest.mark.parametrize(("wrong", "named"), [("bot_token", "SLACK_BOT_TOKEN"), ("app_token", "SLACK_APP_TOKEN")])
def test_a_token_that_slack_refuses_is_named(world: World, sandbox: Running, wrong: str, named: str) -> None:
    token = "xoxb-wrong" if wrong == "bot_token" else "xapp-wrong"
    with by_socket(world, sandbox, **{wrong: token}) as serves, pytest.raises(Unready, match=named):
        serves.live.ended.result()


@pytest.mark.parametrize("method", ["auth.test", "apps.connections.open"])
def test_who_comes_too_often_waits_and_is_let_in(
    world: World, sandbox: Running, workspace: Workspace, method: str
) -> None:
    workspace.faults.limit_calls(2, only=method)
    with by_socket(world, sandbox) as serves:
        assert serves.said[-1] is True
    assert workspace.faults.waiting() == []


def test_a_channel_that_the_bot_cannot_use_is_named_at_start(
    world: World, sandbox: Running, workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    workspace.remove_from_channel("U0BOT", APPROVALS)
    world.rewrite_policy("digest: {channel: C0SEC", "digest: {channel: C0GENERAL")

    with by_socket(world, sandbox):
        wait_until(lambda: "C0GENERAL" in caplog.text and "C0PAYAPPR" in caplog.text, "the channels to be looked at")

    assert "C0PAYAPPR: There is no such channel, or it is private and the bot is not in it" in caplog.text
    assert "C0GENERAL: The bot is not in it. Invite the bot there" in caplog.text
