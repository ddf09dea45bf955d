"""Each button of the panel that makes things go wrong, pressed once on the page, and what comes of it."""

import asyncio
from typing import Any

import aiohttp
import pytest
from playwright.sync_api import Page, expect
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from sandbox.server import Running
from tests.sandbox.bot import Keeper, card, on_a_loop, scripted
from tests.waiting import wait_until

PLACE = "C0PAYAPPR"
TROUBLE = "We had some trouble connecting. Try again?"


@pytest.fixture
def panel(page: Page) -> Page:
    page.get_by_role("button", name="Inspector", exact=True).click()
    page.get_by_role("tab", name="Make it go wrong").click()
    return page


@pytest.fixture
def client(live: Running) -> WebClient:
    return WebClient(token=live.bot_token, base_url=live.api_url)


def press(panel: Page, button: str) -> None:
    panel.get_by_role("button", name=button, exact=True).click()


def will(panel: Page, words: str) -> None:
    expect(panel.get_by_role("status").filter(has_text="Will go wrong")).to_contain_text(words)


PAYLOADS = {
    "Lose it": ("lose a payload, once", True, 0),
    "Deliver it twice": ("a payload twice, once", False, 2),
    "Lose its acknowledgement": ("lose an acknowledgement, once", True, 1),
    "Make its acknowledgement 4 s late": ("an acknowledgement late, once", True, 1),
}


@pytest.mark.parametrize("button", PAYLOADS)
def test_the_next_payload_goes_wrong(live: Running, panel: Page, client: WebClient, button: str) -> None:
    words, trouble, arrivals = PAYLOADS[button]
    client.chat_postMessage(channel=PLACE, text="x", blocks=card())
    with scripted(live, app := Keeper()):
        press(panel, button)
        will(panel, words)
        press(panel, "Approve")
        expect(panel.get_by_text("Nothing is set to go wrong.")).to_be_visible()
        expect(panel.get_by_role("alert")).to_have_text([TROUBLE] if trouble else [])
        wait_until(lambda: len(app.payloads) == arrivals, "what arrives of it")
    assert live.workspace().violations() == []


def test_the_next_payload_is_late_and_its_trigger_too_old(live: Running, panel: Page, client: WebClient) -> None:
    client.chat_postMessage(channel=PLACE, text="x", blocks=card())
    with scripted(live, app := Keeper()):
        press(panel, "Deliver it 4 s late")
        will(panel, "a payload late, once")
        press(panel, "Approve")
        wait_until(lambda: app.payloads, "the payload")
        view: dict[str, Any] = {"type": "modal", "title": {"type": "plain_text", "text": "x"}, "blocks": card()}
        with pytest.raises(SlackApiError, match="expired_trigger_id"):
            client.views_open(trigger_id=app.payloads[0]["trigger_id"], view=view)


CALLS = {
    "Answer 429, try again in 5 s": ("answer a call 429, once", "ratelimited", "5"),
    "Refuse it: internal_error": ("refuse a call, once", "internal_error", None),
}


@pytest.mark.parametrize("button", CALLS)
def test_the_next_call_is_refused(live: Running, panel: Page, client: WebClient, button: str) -> None:
    words, error, wait = CALLS[button]
    press(panel, button)
    will(panel, words)
    with pytest.raises(SlackApiError, match=error) as caught:
        client.chat_postMessage(channel=PLACE, text="x")
    assert caught.value.response.headers.get("Retry-After") == wait
    expect(panel.get_by_text("Nothing is set to go wrong.")).to_be_visible()
    assert live.workspace().person("U0ANN").messages(PLACE) == []


def test_the_next_call_is_done_and_its_answer_lost(live: Running, panel: Page, client: WebClient) -> None:
    press(panel, "Do it, then break the connection")
    will(panel, "break a call, once")
    client.chat_postMessage(channel=PLACE, text="x")  # the client tries once more by itself
    assert len(live.workspace().person("U0ANN").messages(PLACE)) == 2


ENDS: dict[str, Any] = {
    "Ask to come back": "refresh_requested",
    "Warn, ask ten seconds later": "warning",
    "Cut without a word": aiohttp.WSMsgType.CLOSED,
}


@pytest.mark.parametrize("button", ENDS)
def test_the_connections_are_ended(live: Running, panel: Page, client: WebClient, button: str) -> None:
    async def close() -> None:
        await socket.close()
        await session.close()

    async def connect() -> tuple[aiohttp.ClientSession, aiohttp.ClientWebSocketResponse]:
        link = client.apps_connections_open(app_token=live.app_token)["url"]
        session = aiohttp.ClientSession()
        socket = await session.ws_connect(link or "")
        assert (await socket.receive_json())["type"] == "hello"
        return session, socket

    with on_a_loop() as on_loop:
        session, socket = on_loop(connect())
        expect(panel.get_by_role("heading", name="Socket Mode, 1 connection")).to_be_visible()
        press(panel, button)
        frame = on_loop(asyncio.wait_for(socket.receive(), 5))
        assert (frame.json()["reason"] if frame.type is aiohttp.WSMsgType.TEXT else frame.type) == ENDS[button]
        on_loop(close())
    expect(panel.get_by_role("heading", name="Socket Mode, 0 connections")).to_be_visible()


@pytest.mark.parametrize(("button", "seconds"), [("+ 1 minute", 60), ("+ 1 hour", 3600), ("+ 1 day", 86400)])
def test_the_clock_is_moved(live: Running, panel: Page, button: str, seconds: int) -> None:
    before = live.workspace().now()
    press(panel, button)
    wait_until(lambda: live.workspace().now() >= before + seconds, "the time to pass")


def test_what_was_set_to_go_wrong_is_taken_back(live: Running, panel: Page) -> None:
    press(panel, "Lose it")
    press(panel, "Take all back")
    expect(panel.get_by_text("Nothing is set to go wrong.")).to_be_visible()
    assert live.workspace().faults.waiting() == []


def test_the_app_goes_out_of_a_channel_and_back(panel: Page, client: WebClient) -> None:
    press(panel, "Remove from security")
    expect(panel.get_by_role("button", name="Add to security")).to_be_visible()
    with pytest.raises(SlackApiError, match="channel_not_found"):
        client.chat_postMessage(channel="C0SEC", text="x")
    press(panel, "Add to security")
    expect(panel.get_by_role("button", name="Remove from security")).to_be_visible()
    client.chat_postMessage(channel="C0SEC", text="x")


def test_an_account_is_taken_and_given_back(live: Running, panel: Page, client: WebClient) -> None:
    press(panel, "Deactivate Eve")
    expect(panel.get_by_role("button", name="Reactivate Eve")).to_be_visible()
    press(panel, "Reactivate Eve")
    expect(panel.get_by_role("button", name="Deactivate Eve")).to_be_visible()
    assert live.workspace().person("U0EVE").messages(PLACE) == []
