"""The page under a person's hands: what is drawn anew takes no press, no focus and no place in the reading away."""

from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect
from slack_sdk import WebClient

from sandbox.server import Running, running
from tests.sandbox.bot import button, scripted
from tests.waiting import wait_until


def _asks(words: str) -> list[dict[str, Any]]:
    """A card whose blocks have no ids of their own: each time it is sent, Slack gives them new ones."""
    approve = button("approve", "Approve", "r1")
    return [
        {"type": "section", "text": {"type": "plain_text", "text": words}},
        {"type": "actions", "elements": [approve]},
    ]


def _cards(live: Running, number: int = 1) -> str:
    """Posts so many; the timestamp of the last."""
    client = WebClient(token=live.bot_token, base_url=live.api_url)
    sent = [client.chat_postMessage(channel="C0PAYAPPR", text="x", blocks=_asks("Ann asks")) for _ in range(number)]
    return str(sent[-1]["ts"])


def _send_anew(live: Running, ts: str) -> None:
    client = WebClient(token=live.bot_token, base_url=live.api_url)
    client.chat_update(channel="C0PAYAPPR", ts=ts, text="x", blocks=_asks("Ann still asks"))


def test_a_press_outlives_that_the_message_is_sent_anew_under_the_finger(live: Running, page: Page) -> None:
    pressed: list[str] = []
    with scripted(live, lambda kind, _: pressed.append(kind)):
        ts = _cards(live)
        page.get_by_role("button", name="Approve").hover()
        page.mouse.down()
        with page.expect_response("**/door/screen"):
            _send_anew(live, ts)
        page.mouse.up()
        wait_until(lambda: pressed, "the press to arrive")
        expect(_last(page)).to_contain_text("Ann still asks")


def test_a_press_on_what_was_sent_anew_meanwhile_arrives(live: Running, page: Page) -> None:
    pressed: list[str] = []
    with scripted(live, lambda kind, _: pressed.append(kind)):
        ts = _cards(live)
        expect(page.get_by_role("button", name="Approve")).to_be_visible()
        page.route("**/door/screen", lambda _: None)  # the page hears nothing any more
        _send_anew(live, ts)
        page.get_by_role("button", name="Approve").click()
        wait_until(lambda: pressed, "the press to arrive")
        page.unroute_all()


def test_who_has_a_button_in_focus_keeps_it(live: Running, page: Page) -> None:
    ts = _cards(live)
    page.get_by_role("button", name="Approve").focus()
    _send_anew(live, ts)
    expect(_last(page)).to_contain_text("Ann still asks")
    expect(page.get_by_role("button", name="Approve")).to_be_focused()


def test_who_reads_the_newest_message_sees_it_with_less_room_too(live: Running, page: Page) -> None:
    _cards(live, 9)
    newest = page.get_by_role("button", name="Approve").last
    expect(newest).to_be_in_viewport(ratio=1)
    page.route("**/door/screen", lambda _: None)  # nothing is drawn because of news any more
    page.get_by_role("button", name="Home").click()
    page.get_by_role("button", name="payments-approvals").click()
    expect(newest).to_be_in_viewport(ratio=1)
    page.set_viewport_size({"width": 390, "height": 500})
    expect(newest).to_be_in_viewport(ratio=1)
    page.unroute_all()


def test_who_reads_further_up_is_told_of_what_is_new_and_brought_to_it(live: Running, page: Page) -> None:
    _cards(live, 12)
    expect(page.locator(".message")).to_have_count(12)
    page.locator(".messages").evaluate("list => list.scrollTo(0, 0)")
    expect(_last(page)).not_to_be_in_viewport()
    first = _cards(live)
    news = page.get_by_role("button", name="1 new message", exact=True)
    expect(news).to_be_in_viewport(ratio=1)
    _cards(live)
    expect(page.locator(".messages")).to_have_js_property("scrollTop", 0)
    page.get_by_role("button", name="2 new messages").click()
    expect(page.locator(f"[data-ts='{first}']")).to_be_in_viewport(ratio=1)
    expect(page.locator(".news")).to_be_hidden()


def test_who_sends_something_sees_what_comes_of_it(live: Running, page: Page) -> None:
    _cards(live, 12)
    expect(page.locator(".message")).to_have_count(12)
    page.locator(".messages").evaluate("list => list.scrollTo(0, 0)")
    expect(_last(page)).not_to_be_in_viewport()
    page.get_by_label("Message", exact=True).fill("here")
    page.keyboard.press("Enter")
    expect(_last(page)).to_contain_text("here")
    expect(_last(page)).to_be_in_viewport(ratio=1)
    expect(page.locator(".news")).to_be_hidden()


def test_a_phone_puts_aside_its_channels_and_the_window(browser: Browser) -> None:
    with running(window_url="about:blank") as sandbox:
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.goto(sandbox.page_url)
        opener, channels = page.get_by_role("button", name="Channels"), page.get_by_role("navigation")
        opener.click()
        expect(channels.get_by_role("button", name="payments-approvals")).to_be_focused()
        page.keyboard.press("Escape")
        expect(channels).to_be_hidden()
        expect(opener).to_be_focused()
        opener.click()
        page.mouse.click(380, 400)
        expect(channels).to_be_hidden()

        window = page.locator("iframe")
        expect(window).to_be_hidden()
        page.get_by_role("button", name="Window onto the target").click()
        expect(window).to_be_in_viewport(ratio=1)
        assert window.evaluate("frame => frame.clientHeight") > 250, "the lower half of the screen"
        page.close()


def _last(page: Page) -> Locator:
    return page.locator(".message").last


def test_a_person_replies_in_the_thread_of_a_message_and_leaves_it(live: Running, page: Page) -> None:
    _cards(live)
    message = page.locator(".message").last
    message.hover()
    message.get_by_role("button", name="Reply in the thread").click()
    expect(page.locator(".composer-thread")).to_contain_text("Replying to Countersign")
    page.get_by_label("Message", exact=True).fill("is that all?")
    page.keyboard.press("Enter")
    expect(page.locator(".message.reply")).to_contain_text("is that all?")
    page.get_by_role("button", name="Leave the thread").click()
    page.get_by_label("Message", exact=True).fill("to all of you")
    page.keyboard.press("Enter")

    expect(_last(page)).to_contain_text("to all of you")
    expect(page.locator(".message.reply")).to_have_count(1)
