"""Each fault does what it says, as often as it was asked for, and can be taken back."""

import asyncio
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from sandbox.person import Person, SandboxError, Workspace
from sandbox.server import Running, running
from tests.sandbox.bot import Keeper, card, scripted
from tests.sandbox.conftest import Clock
from tests.waiting import wait_until

PLACE = "C0PAYAPPR"


@pytest.fixture
def app(sandbox: Running) -> Iterator[Keeper]:
    keeper = Keeper()
    with scripted(sandbox, keeper):
        yield keeper


def test_a_lost_payload_never_arrives(workspace: Workspace, ann: Person, app: Keeper) -> None:
    workspace.faults.lose_payloads()
    assert ann.command(PLACE, "/access").error == "dispatch_failed"
    assert app.payloads == []
    assert ann.command(PLACE, "/access").ok


def test_a_dropped_acknowledgement_hides_work_that_was_done(workspace: Workspace, ann: Person, app: Keeper) -> None:
    workspace.faults.drop_acks(2)
    assert [ann.command(PLACE, "/access").error for _ in range(3)] == ["operation_timeout", "operation_timeout", None]
    assert len(app.payloads) == 3


def test_a_late_acknowledgement_is_too_late_after_three_seconds(clock: Clock) -> None:
    with running(clock=clock, ack_seconds=1.0) as hasty, scripted(hasty, Keeper()):
        ann = hasty.workspace().person("U0ANN")
        hasty.workspace().faults.delay_acks(0.01)
        assert ann.command(PLACE, "/access").ok
        hasty.workspace().faults.delay_acks(3)
        assert ann.command(PLACE, "/access").error == "operation_timeout"


def test_a_payload_that_was_long_on_its_way_brings_an_old_trigger() -> None:
    with running() as live, scripted(live, app := Keeper()):
        live.workspace().faults.delay_payloads(0.2)
        assert live.workspace().person("U0ANN").command(PLACE, "/access").ok
        sent = float(app.payloads[0]["trigger_id"].split(".")[0]) / 1000
        assert live.workspace().now() - sent >= 0.2


def test_a_payload_may_come_twice(workspace: Workspace, ann: Person, app: Keeper) -> None:
    workspace.faults.duplicate_payloads(only="/access")
    ann.command(PLACE, "/access")
    wait_until(lambda: len(app.payloads) == 2, "the second of two")
    assert app.payloads[0] == app.payloads[1]


def test_a_fault_may_be_for_one_kind_only_and_lasts_until_it_is_cleared(
    workspace: Workspace, ann: Person, app: Keeper, client: WebClient
) -> None:
    workspace.faults.lose_payloads(None, only="block_actions")
    client.chat_postMessage(channel=PLACE, text="x", blocks=card())
    [message] = ann.messages(PLACE)
    assert ann.command(PLACE, "/access").ok
    assert [ann.click(message, "approve").error for _ in range(2)] == ["dispatch_failed"] * 2
    assert [each["kind"] for each in workspace.faults.waiting()] == ["lose"]
    workspace.faults.clear()
    assert ann.click(message, "approve").ok


def test_calls_are_limited_refused_or_broken(workspace: Workspace, client: WebClient, ann: Person) -> None:
    workspace.faults.limit_calls(only="chat.postMessage", retry_after=7)
    assert client.auth_test()["ok"]
    with pytest.raises(SlackApiError, match="ratelimited") as caught:
        client.chat_postMessage(channel=PLACE, text="x")
    assert caught.value.response.headers["Retry-After"] == "7"

    workspace.faults.fail_calls("internal_error", only="chat.postMessage")
    with pytest.raises(SlackApiError, match="internal_error"):
        client.chat_postMessage(channel=PLACE, text="x")
    assert ann.messages(PLACE) == []

    workspace.faults.break_calls(2, only="chat.postMessage")  # the client tries once more by itself
    with pytest.raises(ConnectionError):
        client.chat_postMessage(channel=PLACE, text="x")
    assert len(ann.messages(PLACE)) == 2
    assert workspace.violations() == []


def test_a_fault_nobody_knows_is_refused(workspace: Workspace) -> None:
    with pytest.raises(SandboxError, match="there is no fault 'gremlin'"):
        workspace.ask("fault", kind="gremlin")
    with pytest.raises(SandboxError, match="at least once"):
        workspace.faults.drop_acks(0)
    with pytest.raises(SandboxError, match="no such reason"):
        workspace.faults.disconnect("boredom")


def test_a_warning_is_followed_by_the_request_ten_seconds_later(sandbox: Running, workspace: Workspace) -> None:
    async def frames() -> list[str]:
        link = WebClient(base_url=sandbox.api_url).apps_connections_open(app_token=sandbox.app_token)["url"]
        async with aiohttp.ClientSession() as session, session.ws_connect(link or "") as socket:
            seen = [(await socket.receive_json())["type"]]
            await asyncio.to_thread(workspace.faults.disconnect, "warning")
            seen.append((await socket.receive_json())["reason"])
            await asyncio.to_thread(workspace.move_clock, 10)
            seen.append((await socket.receive_json())["reason"])
            return seen

    assert asyncio.run(frames()) == ["hello", "warning", "refresh_requested"]


def test_socket_mode_that_was_turned_off_stays_off(sandbox: Running, workspace: Workspace, app: Keeper) -> None:
    workspace.faults.disconnect("link_disabled")
    wait_until(lambda: not workspace.connections(), "the connection to be closed")
    with pytest.raises(SlackApiError, match="forbidden_team"):
        WebClient(base_url=sandbox.api_url).apps_connections_open(app_token=sandbox.app_token)


def test_the_journal_shows_payloads_calls_answers_and_violations(
    workspace: Workspace, ann: Person, app: Keeper, client: WebClient
) -> None:
    app.answer = {"text": "hello"}
    ann.command(PLACE, "/access", "mine")
    with pytest.raises(SlackApiError):
        client.chat_postMessage(channel=PLACE, text="x", blocks=[{"type": "nonsense"}])
    entries = {(each["way"], each["name"]): each for each in workspace.journal()}
    payload = entries["payload", "/access"]
    assert payload["sent"]["text"] == "mine"
    assert payload["answer"] == {"text": "hello"}
    assert payload["ms"] > 0
    call = entries["call", "chat.postMessage"]
    assert call["error"] == "invalid_blocks"
    assert "token" not in call["sent"]
    assert entries["violation", "chat.postMessage"]["error"] == "invalid_blocks"
    last = max(each["number"] for each in entries.values())
    assert workspace.journal(after=last) == []


def test_an_uninstalled_app_is_inactive(workspace: Workspace, client: WebClient) -> None:
    workspace.uninstall_app()
    with pytest.raises(SlackApiError, match="account_inactive"):
        client.auth_test()


def test_the_clock_moves_forward_only(workspace: Workspace) -> None:
    before = workspace.now()
    workspace.move_clock(3600)
    assert workspace.now() == before + 3600
    with pytest.raises(SandboxError, match="one direction"):
        workspace.move_clock(-1)


def test_whoever_is_disconnected_in_the_middle_waits_in_vain(clock: Clock) -> None:
    with running(clock=clock, ack_seconds=0.3) as hasty:
        workspace = hasty.workspace()

        def cut(_: str, __: dict[str, Any]) -> None:
            workspace.faults.cut()

        with scripted(hasty, cut):
            assert workspace.person("U0ANN").command(PLACE, "/access").error == "operation_timeout"
