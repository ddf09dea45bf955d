"""The page, in a real browser, by a person's hands."""

import random
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from playwright.sync_api import Browser, FilePayload, Locator, Page, Route, expect
from slack_bolt.app.async_app import AsyncApp
from slack_sdk import WebClient

from sandbox.cast import DEFAULT, Person
from sandbox.mrkdwn import alive
from sandbox.server import Running, running
from tests.sandbox.bot import Keeper, button, card, connected, modal, scripted
from tests.waiting import wait_until


def _listen(app: AsyncApp) -> None:
    @app.command("/access")
    async def ask(ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack()
        what = {
            "type": "input",
            "block_id": "what",
            "label": {"type": "plain_text", "text": "What do you need?"},
            "element": {"type": "external_select", "action_id": "pick", "min_query_length": 0},
        }
        view = modal(blocks=[what, *modal()["blocks"]])
        await client.views_open(trigger_id=body["trigger_id"], view=view)

    @app.options("pick")
    async def offer(ack: Any, payload: dict[str, Any]) -> None:
        names = [name for name in ("db/read", "db/write", "files/read") if payload["value"] in name]
        await ack(options=[{"text": {"type": "plain_text", "text": name}, "value": name} for name in names])

    @app.view("ask")
    async def asked(ack: Any, view: dict[str, Any], client: Any) -> None:
        values = view["state"]["values"]
        if len(values["reason"]["text"]["value"]) < 10:
            await ack(response_action="errors", errors={"reason": "Say a little more."})
            return
        await ack()
        what = values["what"]["pick"]["selected_option"]["value"]
        await client.chat_postMessage(channel="C0PAYAPPR", text="Ann asks", blocks=card(f"Ann asks for {what}"))

    @app.action("approve")
    async def approve(ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack()
        where = body["container"]
        words = f"approved by <@{body['user']['id']}>"
        await client.chat_update(channel=where["channel_id"], ts=where["message_ts"], text=words, parse="none")


def test_a_request_is_made_and_approved_by_hand(live: Running, page: Page) -> None:
    with connected(live, _listen):
        page.get_by_label("Message", exact=True).press_sequentially("/acc")
        expect(page.get_by_role("option")).to_contain_text("/access [resource/role]")
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog", name="Ask for access")
        dialog.get_by_role("button", name="Ask", exact=True).click()
        expect(dialog.get_by_role("alert")).to_have_text(["Please complete this required field."] * 2)

        dialog.get_by_label("What do you need?").click()
        page.keyboard.press("Escape")
        expect(dialog.get_by_role("option")).to_have_count(0)
        dialog.get_by_label("What do you need?").press("Enter")
        page.keyboard.type("write")
        expect(dialog.get_by_role("option")).to_have_text(["db/write"])
        page.keyboard.press("Enter")
        dialog.get_by_label("Reason").fill("because")
        page.keyboard.press("Enter")
        expect(dialog.get_by_role("alert")).to_have_text(["Say a little more."])
        expect(dialog.get_by_label("What do you need?")).to_have_text("db/write")
        dialog.get_by_label("Reason").fill("invoice 4711 is wrong")
        page.keyboard.press("Enter")
        expect(dialog).to_have_count(0)
        expect(_last(page)).to_contain_text("Ann asks for db/write")

        page.get_by_role("button", name="Lea").click()
        page.get_by_role("button", name="Approve").click()
        expect(_last(page)).to_contain_text("approved by @Lea")
        expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    expect(page.get_by_role("status").first).to_have_text("Countersign is not connected")
    assert live.workspace().violations() == []


def test_until_a_persons_own_screen_is_there_what_another_saw_cannot_be_pressed(live: Running, page: Page) -> None:
    client = WebClient(token=live.bot_token, base_url=live.api_url)
    held: list[Route] = []
    page.route("**/door/screen", lambda route: held.append(route))  # noqa: PLW0108 -- Playwright writes on what it calls
    client.chat_postMessage(channel="C0PAYAPPR", text="Ann asks", blocks=card("Ann asks for db/write"))
    for number, (person, name) in enumerate((("U0LEA", "Lea"), ("U0KIM", "Kim"))):
        wait_until(lambda number=number: page.evaluate("1") and len(held) > number, "the screen to be asked for")
        page.get_by_role("group", name="Act as").get_by_role("button", name=name).click()
        expect(page.locator("main")).to_have_js_property("inert", True)
        assert person not in str(held[number].request.post_data), "a screen that comes too late"
        held[number].continue_()
    wait_until(lambda: page.evaluate("1") and len(held) > 2, "Kim's screen to be asked for")
    expect(page.locator(".whoami")).to_have_text(re.compile("Ann"))
    expect(page.locator("main")).to_have_js_property("inert", True)

    held[2].continue_()
    expect(page.locator(".whoami")).to_have_text(re.compile("Kim"))
    expect(page.locator("main")).to_have_js_property("inert", False)
    expect(_last(page)).to_contain_text("Ann asks for db/write")


def test_a_file_is_put_into_a_form_by_hand(live: Running, page: Page) -> None:
    proof = modal()["blocks"][0] | {"block_id": "proof", "element": {"type": "file_input", "action_id": "pick"}}
    with scripted(live, app := Keeper()):
        live.workspace().person("U0ANN").command("C0PAYAPPR", "/access")
        client = WebClient(token=live.bot_token, base_url=live.api_url)
        client.views_open(trigger_id=app.payloads[0]["trigger_id"], view=modal(blocks=[proof]))
        dialog = page.get_by_role("dialog", name="Ask for access")
        dialog.get_by_role("button", name="Ask", exact=True).click()
        expect(dialog.get_by_role("alert")).to_have_text(["Please complete this required field."])
        file: FilePayload = {"name": "invoice.pdf", "mimeType": "application/pdf", "buffer": b"%PDF"}
        dialog.locator("input[type=file]").set_input_files([file])
        dialog.get_by_role("button", name="Ask", exact=True).click()
        expect(dialog).to_have_count(0)
    [held] = app.payloads[-1]["view"]["state"]["values"]["proof"]["pick"]["files"]
    assert held["name"] == "invoice.pdf"


def test_texts_are_drawn_as_slack_would_draw_them(live: Running, page: Page) -> None:
    def drawn(text: str, **changes: Any) -> Locator:
        section = {"type": "section", "text": {"type": "mrkdwn", "text": text} | changes}
        client.chat_postMessage(channel="C0PAYAPPR", text="x", blocks=[section])
        count.append(len(count) + 1)
        expect(page.locator(".message")).to_have_count(len(count))
        return _last(page).locator(".words")

    client = WebClient(token=live.bot_token, base_url=live.api_url)
    count: list[int] = []
    escaped = drawn("&lt;!channel&gt; &amp;lt;", verbatim=True)
    expect(escaped).to_have_text("<!channel> &lt;")
    expect(escaped.locator(".mention")).to_have_count(0)
    expect(drawn("@here #general", verbatim=True).locator(".mention")).to_have_count(0)
    expect(drawn("@here #general #nowhere").locator(".mention")).to_have_text(["@here", "#general"])
    expect(drawn("<!here> <@U0KIM> <#C0SEC>").locator(".mention")).to_have_text(["@here", "@Kim", "#private channel"])
    expect(drawn("<https://evil.example|console>").locator("a")).to_have_attribute("title", "https://evil.example")
    expect(drawn("<javascript:alert(1)|x>").locator("a")).to_have_count(0)
    expect(drawn("*b* _i_ ~s~ a*b*c `*c*`").locator("strong, em, s, code")).to_have_text(["b", "i", "s", "*c*"])
    expect(drawn("```<b>&lt;i&gt;```").locator("pre")).to_have_text("<b><i>")
    expect(drawn("&gt; quoted").locator("blockquote")).to_have_text("quoted")
    expect(drawn("<img src=x onerror=alert(1)>")).to_have_text("<img src=x onerror=alert(1)>")


AS_KINDS = """async (texts) => {
  const { mrkdwn } = await import("/page/mrkdwn.js");
  const place = {
    tz: "UTC", personName: () => undefined, personByName: () => true, channelName: () => undefined,
    channelByName: () => true, groupName: () => undefined,
  };
  const kinds = { A: "link", TIME: "date", STRONG: "bold", EM: "italic", S: "strike", CODE: "code", PRE: "preformatted",
    BLOCKQUOTE: "quote", SPAN: "mention" };
  return texts.map(({ text, verbatim }) => {
    const box = document.createElement("div");
    box.append(...mrkdwn(text, place, { autoParse: !verbatim }));
    const found = box.querySelectorAll("a, time, strong, em, s, code, pre, blockquote, .mention");
    return [...found].map((node) => kinds[node.tagName]);
  });
}"""
PIECES = [
    *(
        "<!here>",
        "<@U0ANN>",
        "<@U0ANN|x>",
        "<#C0SEC|security>",
        "<!subteam^S0>",
        "<https://e.example|label>",
        "<mailto:a@b.c>",
    ),
    *(
        "<!date^1800000000^{time}|then>",
        "<!date^1800000000^{time}^https://e.example|then>",
        "<javascript:x|y>",
        "<!foo|bar>",
    ),
    *(
        "&lt;!channel&gt;",
        "&amp;lt;",
        "&gt; ",
        ">",
        "@here",
        "@ann",
        "#general",
        "https://e.example/x?y",
        "www.e.example",
        "a@b.example",
    ),
    *("*", "_", "~", "`", "```", "\n", " ", " ", "word", "two words", ".", "(", ")", "-", "<", "|", ":lock:", "é", "#"),
]


def test_the_page_and_the_reader_find_the_same_alive(page: Page) -> None:
    chance = random.Random(4711)
    texts = ["".join(chance.choices(PIECES, k=chance.randint(1, 9))) for _ in range(1500)]
    asked = [{"text": text, "verbatim": index % 2 == 0} for index, text in enumerate(texts)]
    drawn = page.evaluate(AS_KINDS, asked)
    mentions = ("person", "channel", "group", "broadcast")
    for one, seen in zip(asked, drawn, strict=True):
        read = [each.kind for each in alive(one["text"], verbatim=one["verbatim"]) if each.kind != "emoji"]
        assert seen == ["mention" if kind in mentions else kind for kind in read], one["text"]


def test_a_date_is_drawn_in_the_zone_of_who_looks(live: Running, page: Page) -> None:
    client = WebClient(token=live.bot_token, base_url=live.api_url)
    text = "<!date^1800000000^{date_num} {time}|fallback>"
    client.chat_postMessage(channel="C0PAYAPPR", text=text)
    expect(_last(page).locator(".words")).to_have_text("2027-01-15 09:00")
    page.get_by_role("button", name="Kim").click()
    expect(_last(page).locator(".words")).to_have_text("2027-01-15 17:00")


def test_a_person_on_a_phone_reads_and_writes(browser: Browser, live: Running) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{live.page_url}?as=U0SAM&channel=C0SEC")
    expect(page.get_by_role("heading", level=1)).to_have_text("security")
    page.get_by_role("button", name="Channels").click()
    page.get_by_role("navigation").get_by_role("button", name=re.compile("Countersign")).click()
    page.get_by_label("Message", exact=True).fill("is 1 < 2 & <!here>?")
    page.get_by_role("button", name="Send").click()
    expect(_last(page).locator(".words")).to_have_text("is 1 < 2 & <!here>?")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    channels = page.get_by_role("button", name="Channels", exact=True)
    expect(channels.locator(".count")).to_be_hidden()
    WebClient(token=live.bot_token, base_url=live.api_url).chat_postMessage(channel="C0SEC", text="news")
    expect(page.get_by_role("button", name="Channels, 1 unread").locator(".count")).to_have_text("1")
    page.close()


def test_the_bar_says_what_people_do_and_what_time_it_is_where_they_are(browser: Browser) -> None:
    ann, gus = Person("U0ANN", "ann", "Ann", title="asks"), Person("U0GUS", "gus", "Gus", tz="Asia/Seoul", guest=True)
    dee = Person("U0DEE", "dee", "Dee", deactivated=True)
    with running(replace(DEFAULT, people=(ann, gus, dee), groups=())) as sandbox:
        page = browser.new_page()
        page.goto(sandbox.page_url)
        sandbox.workspace().move_clock(
            5400 - sandbox.workspace().now() % 3600
        )  # to half past: no minute ends meanwhile
        at = datetime.fromtimestamp(sandbox.workspace().now(), UTC)
        amsterdam, seoul = (
            at.astimezone(ZoneInfo(zone)).strftime("%H:%M") for zone in ("Europe/Amsterdam", "Asia/Seoul")
        )
        bar = page.get_by_role("group", name="Act as")
        expect(bar.get_by_role("button", name="Ann", exact=True)).to_contain_text(f"asks, {amsterdam}")
        expect(bar.get_by_role("button", name="Gus", exact=True)).to_contain_text(f"guest, {seoul}")
        expect(bar.get_by_role("button", name="Dee", exact=True)).to_contain_text("deactivated")
        page.close()


def test_a_confirmation_stands_between_a_press_and_the_app(live: Running, page: Page) -> None:
    plain = {name: {"type": "plain_text", "text": name} for name in ("title", "text", "confirm", "deny")}
    blocks = [{"type": "actions", "elements": [button("revoke", "Revoke", "g1") | {"confirm": plain}]}]
    pressed: list[str] = []
    with scripted(live, lambda kind, _: pressed.append(kind)):
        client = WebClient(token=live.bot_token, base_url=live.api_url)
        client.chat_postMessage(channel="C0PAYAPPR", text="x", blocks=blocks)
        page.get_by_role("button", name="Revoke").click()
        page.get_by_role("dialog", name="title").get_by_role("button", name="deny").click()
        page.get_by_role("button", name="Revoke").click()
        page.get_by_role("dialog", name="title").get_by_role("button", name="confirm").click()
        wait_until(lambda: pressed, "the press to arrive")
    assert pressed == ["block_actions"]


def test_a_permalink_opens_the_page_at_its_message(live: Running, page: Page) -> None:
    client = WebClient(token=live.bot_token, base_url=live.api_url)
    ts = client.chat_postMessage(channel="U0ANN", text="this one")["ts"]
    page.goto(str(client.chat_getPermalink(channel="D0ANN", message_ts=str(ts))["permalink"]))
    expect(page.locator(".pointed-at")).to_contain_text("this one")


def test_what_is_news_is_counted_beside_its_channel(live: Running, page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text("payments-approvals")
    client = WebClient(token=live.bot_token, base_url=live.api_url)
    client.chat_postMessage(channel="U0ANN", text="one")
    client.chat_postMessage(channel="U0ANN", text="two")
    row = page.get_by_role("navigation").get_by_role("button", name=re.compile("Countersign"))
    expect(row).to_contain_text("2 unread")
    row.click()
    expect(row).not_to_contain_text("unread")


def test_an_app_that_is_away_is_shown_in_slacks_words(live: Running, page: Page) -> None:
    client = WebClient(token=live.bot_token, base_url=live.api_url)
    client.chat_postMessage(channel="C0PAYAPPR", text="card", blocks=card())
    page.get_by_role("button", name="Approve").click()
    expect(_last(page).get_by_role("alert")).to_have_text("We had some trouble connecting. Try again?")
    page.get_by_label("Message", exact=True).fill("/access mine")
    page.keyboard.press("Enter")
    expect(_last(page)).to_contain_text('/access failed with the error "dispatch_failed"')
    expect(_last(page)).to_contain_text("Only visible to you")


def _last(page: Page) -> Locator:
    return page.locator(".message").last
