"""The page's Home tab, inspector and faults, in a real browser, by hand and by keyboard."""

import re
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from sandbox.cast import DEFAULT, Shortcut
from sandbox.server import Running, running
from tests.sandbox.bot import Keeper, button, card, scripted
from tests.waiting import wait_until

PLACE = "C0PAYAPPR"


def client_of(sandbox: Running) -> WebClient:
    return WebClient(token=sandbox.bot_token, base_url=sandbox.api_url)


def home(words: str) -> dict[str, Any]:
    actions = {"type": "actions", "block_id": "ask", "elements": [button("ask", "Ask for access", "x")]}
    return {"type": "home", "blocks": [{"type": "header", "text": {"type": "plain_text", "text": words}}, actions]}


def test_a_person_enters_her_home_and_presses_there(live: Running, page: Page) -> None:
    client = client_of(live)
    with scripted(live, app := Keeper()):
        page.get_by_role("button", name="Home").click()
        expect(page.get_by_text("Countersign has shown nothing here yet.")).to_be_visible()
        expect(page.get_by_label("Message", exact=True)).to_be_hidden()
        wait_until(lambda: app.payloads, "the app to be told")
        client.views_publish(user_id="U0ANN", view=home("Yours"))
        expect(page.get_by_role("heading", name="Yours")).to_be_visible()
        page.get_by_role("button", name="Ask for access").click()
        wait_until(lambda: app.payloads[-1].get("type") == "block_actions", "the press")
    assert app.payloads[-1]["view"]["type"] == "home"
    assert live.workspace().violations() == []


def test_a_shortcut_is_started_from_the_side(browser: Browser) -> None:
    cast = replace(DEFAULT, app=replace(DEFAULT.app, shortcuts=(Shortcut("Ask for access", "ask"),)))
    with running(cast) as sandbox, scripted(sandbox, app := Keeper()):
        page = browser.new_page()
        page.goto(sandbox.page_url)
        page.get_by_role("navigation").get_by_role("button", name="Ask for access").click()
        wait_until(lambda: app.payloads, "the shortcut")
        page.close()
    assert app.payloads[0]["callback_id"] == "ask"


def test_what_happened_can_be_found_and_opened(live: Running, page: Page) -> None:
    ann = live.workspace().person("U0ANN")
    with scripted(live, Keeper({"text": "hello"})):
        ann.command(PLACE, "/access", "mine")
        page.get_by_role("button", name="Inspector", exact=True).click()
        entries = page.locator(".entry")
        command = entries.filter(has_text="/access")
        expect(command).to_contain_text("to the app")
        expect(command).to_contain_text(re.compile(r"\d ms"))
        command.locator("summary").first.press("Enter")
        expect(command.get_by_text("Acknowledgement")).to_be_visible()
        expect(command).to_contain_text('"text":"hello"')
        with pytest.raises(SlackApiError, match="invalid_blocks"):
            client_of(live).chat_postMessage(channel=PLACE, text="x", blocks=[{"type": "nonsense"}])
        expect(entries.filter(has_text="violation")).to_contain_text("invalid_blocks")
        expect(command.locator("details").first).to_have_attribute("open", "")
        page.get_by_label("Show", exact=True).select_option("Violations")
        expect(entries).to_have_count(1)
        page.get_by_label("Show", exact=True).select_option("Everything")
        page.get_by_label("Find in what happened").fill("/access")
        expect(entries).to_have_count(1)
        page.keyboard.press("Escape")
        expect(page.get_by_role("complementary", name="Inspector")).to_be_hidden()


def test_things_are_made_to_go_wrong_by_keyboard(live: Running, page: Page) -> None:
    client_of(live).chat_postMessage(channel=PLACE, text="x", blocks=card())
    with scripted(live, app := Keeper()):
        page.get_by_role("button", name="Inspector", exact=True).press("Enter")
        page.keyboard.press("ArrowRight")
        page.get_by_role("button", name="Lose it", exact=True).press("Enter")
        expect(page.get_by_role("status").filter(has_text="Will go wrong")).to_contain_text("lose a payload, once")
        page.get_by_role("button", name="Approve").click()
        expect(page.get_by_role("alert")).to_have_text("We had some trouble connecting. Try again?")
        expect(page.get_by_text("Nothing is set to go wrong.")).to_be_visible()
        page.get_by_role("button", name="Approve").click()
        wait_until(lambda: app.payloads, "the second press")

        before = live.workspace().now()
        page.get_by_role("button", name="+ 1 hour").click()
        wait_until(lambda: live.workspace().now() >= before + 3600, "the hour to pass")
        page.get_by_role("button", name="Remove from security").click()
        expect(page.get_by_role("button", name="Add to security")).to_be_visible()
        page.get_by_role("button", name="Deactivate Eve").click()
        expect(page.get_by_role("button", name="Reactivate Eve")).to_be_visible()
        expect(page.get_by_role("group", name="Act as").get_by_role("button", name="Eve")).to_be_disabled()
    assert live.workspace().violations() == []


def test_the_panel_fits_a_phone(browser: Browser, live: Running) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(live.page_url)
    page.get_by_role("button", name="Inspector", exact=True).click()
    page.get_by_role("tab", name="Make it go wrong").click()
    expect(page.get_by_role("button", name="Deliver it twice")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Close the inspector").click()
    expect(page.get_by_label("Message", exact=True)).to_be_visible()
    page.close()


def test_every_kind_of_block_is_seen_on_the_page(live: Running, page: Page) -> None:
    plain = {"type": "plain_text", "text": "x"}
    blocks = [
        {"type": "image", "image_url": "https://example.org/x.png", "alt_text": "A chart of grants"},
        {"type": "table", "rows": [[{"type": "raw_text", "text": "cell"}]]},
        {"type": "actions", "elements": [{"type": "users_select", "action_id": "who", "placeholder": plain}]},
        {"type": "actions", "elements": [{"type": "datepicker", "action_id": "day", "placeholder": plain}]},
    ]
    with scripted(live, app := Keeper()):
        client_of(live).chat_postMessage(channel=PLACE, text="x", blocks=blocks)
        message = page.locator(".message").last
        expect(message.get_by_role("img", name="A chart of grants")).to_be_visible()
        expect(message).to_contain_text("A table, which this page does not draw")
        message.locator("[data-action=who]").click()
        page.get_by_role("option", name="Lea").click()
        wait_until(lambda: app.payloads, "the choice")
        assert app.payloads[0]["actions"][0]["selected_user"] == "U0LEA"
        message.locator("[data-action=day]").fill("2027-01-15")
        message.locator("[data-action=day]").blur()
        wait_until(lambda: len(app.payloads) == 2, "the day")
    assert app.payloads[1]["actions"][0]["selected_date"] == "2027-01-15"
