"""The server keeps to itself: loopback only, and no other web page gets through its doors."""

import asyncio
import http.client
import json
import os
import subprocess
import sys
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_sdk import WebClient

from sandbox.person import SandboxError, Workspace
from sandbox.server import Running, running
from tests.sandbox.bot import connected, scripted
from tests.waiting import wait_until


def ask(sandbox: Running, door: str, headers: dict[str, str]) -> tuple[int, str]:
    connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc)
    try:
        connection.request("POST", f"/door/{door}", json.dumps({}), headers)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.org"])
def test_it_listens_on_the_loopback_interface_only(host: str) -> None:
    with pytest.raises(ValueError, match="loopback interface only"), running(host=host):
        pass


def test_a_door_needs_the_token_of_the_page(sandbox: Running) -> None:
    assert ask(sandbox, "workspace", {})[0] == 403
    assert ask(sandbox, "workspace", {"X-Sandbox-Token": "guess"})[0] == 403
    assert ask(sandbox, "workspace", {"X-Sandbox-Token": sandbox.page_token})[0] == 200


def test_a_name_that_resolves_to_loopback_is_not_enough(sandbox: Running) -> None:
    headers = {"X-Sandbox-Token": sandbox.page_token, "Host": "rebound.example:80"}
    assert ask(sandbox, "workspace", headers)[0] == 403


def test_no_page_may_frame_ours(sandbox: Running) -> None:
    connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc)
    connection.request("GET", "/")
    policy = connection.getresponse().getheader("Content-Security-Policy", "")
    connection.close()
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'self'" in policy


def test_a_workspace_can_be_entered_by_its_address_alone(sandbox: Running) -> None:
    with Workspace(sandbox.url) as workspace:
        assert workspace.description()["team"] == {"id": "T0ACME", "name": "Acme"}


def test_a_door_that_is_not_there_says_so(sandbox: Running) -> None:
    with pytest.raises(SandboxError, match="there is no such door"):
        sandbox.workspace().ask("nowhere")


def test_tokens_are_new_at_every_start(sandbox: Running) -> None:
    with running() as other:
        assert other.bot_token != sandbox.bot_token
        assert other.page_token != sandbox.page_token
    with running(bot_token="xoxb-given", app_token="xapp-given") as given:
        assert (given.bot_token, given.app_token) == ("xoxb-given", "xapp-given")


def test_the_command_line_prints_all_an_app_needs() -> None:
    environment = {"PATH": os.environ["PATH"], "SLACK_BOT_TOKEN": "xoxb-given"}
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--manifest", "manifest.yml", "--strict-rates"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        page, *settings = [process.stdout.readline().strip() for _ in range(5)]
        given = dict(line.split("=", 1) for line in settings)
        client = WebClient(token=given["SLACK_BOT_TOKEN"], base_url=given["SLACK_API_URL"])
        assert client.auth_test()["url"] == page
        with Workspace(page) as workspace:
            assert [each["name"] for each in workspace.description()["app"]["commands"]] == ["/access"]
        process.terminate()
    assert given["SLACK_BOT_TOKEN"] == "xoxb-given"
    assert given["SLACK_APP_TOKEN"].startswith("xapp-")
    assert given["SLACK_SIGNING_SECRET"]


def test_a_link_to_the_socket_opens_once(sandbox: Running) -> None:
    link = WebClient(base_url=sandbox.api_url).apps_connections_open(app_token=sandbox.app_token)["url"]

    async def open_twice() -> tuple[str, int]:
        async with aiohttp.ClientSession() as session:
            async with session.ws_connect(link or "") as socket:
                hello = await socket.receive_json()
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await session.ws_connect(link or "")
            return hello["type"], caught.value.status

    assert asyncio.run(open_twice()) == ("hello", 403)


def test_each_payload_goes_to_one_of_the_connections(sandbox: Running) -> None:
    first: list[str] = []
    second: list[str] = []
    workspace = sandbox.workspace()
    ann = workspace.person("U0ANN")
    with (
        scripted(sandbox, lambda kind, _: first.append(kind)),
        scripted(sandbox, lambda kind, _: second.append(kind)),
    ):
        assert workspace.connections() == 2
        for _ in range(6):
            ann.command("C0PAYAPPR", "/access")
    assert (len(first), len(second)) == (3, 3)
    wait_until(lambda: workspace.connections() == 0, "both connections to be gone")


def _settled(workspace: Workspace) -> bool:
    seen = workspace.description()
    return seen["connections"] > 0 and seen["leaving"] == 0


def test_a_refreshed_app_is_reached_on_its_new_connection(sandbox: Running) -> None:
    def listen(app: AsyncApp) -> None:
        @app.command("/access")
        async def answer(ack: Any) -> None:
            await ack()

    workspace = sandbox.workspace()
    ann = workspace.person("U0ANN")
    with connected(sandbox, listen):
        assert ann.command("C0PAYAPPR", "/access").ok
        workspace.refresh_connections()
        wait_until(lambda: _settled(workspace), "the app to be back on a new connection")
        assert all(ann.command("C0PAYAPPR", "/access").ok for _ in range(20))


def test_no_more_connections_than_slack_allows(sandbox: Running) -> None:
    async def knock() -> tuple[dict[str, Any], aiohttp.WSMsgType]:
        link = WebClient(base_url=sandbox.api_url).apps_connections_open(app_token=sandbox.app_token)["url"]
        async with aiohttp.ClientSession() as session, session.ws_connect(link or "") as socket:
            return await socket.receive_json(), (await socket.receive()).type

    with ExitStack() as open_ones:
        for _ in range(10):
            open_ones.enter_context(scripted(sandbox, lambda *_: None))
        assert sandbox.workspace().connections() == 10
        frame, end = asyncio.run(knock())
        assert sandbox.workspace().connections() == 10
    assert (frame["type"], frame["reason"]) == ("disconnect", "too_many_websockets")
    assert end is aiohttp.WSMsgType.CLOSE
