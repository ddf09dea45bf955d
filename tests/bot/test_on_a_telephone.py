"""A card is decided on a telephone without scrolling: between the top of its screen and the field to write in."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from slack_sdk import WebClient

from sandbox.server import Running, running
from tests.bot.states import MESSAGES
from tests.browser import chromium
from tests.cast import APPROVALS
from tests.fakes import NOON


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def stage() -> Iterator[Running]:
    with running(clock=NOON.timestamp) as sandbox:
        yield sandbox


@pytest.fixture
def telephone(browser: Browser, stage: Running) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 390, "height": 844}, has_touch=True, locale="en-GB")
    page.goto(f"{stage.page_url}?channel={APPROVALS}")
    yield page
    page.close()


@pytest.mark.parametrize(
    "name", ["card-pending", "card-pending-first", "card-pending-extension", "card-first-of-two", "card-active"]
)
def test_a_card_fits_the_screen_with_all_its_buttons(stage: Running, telephone: Page, name: str) -> None:
    client = WebClient(token=stage.bot_token, base_url=stage.api_url)
    card = MESSAGES[name]
    ts = client.chat_postMessage(channel=APPROVALS, text=card.text, blocks=card.blocks)["ts"]
    shown = telephone.locator(f'[data-ts="{ts}"]')

    expect(shown).to_be_visible(timeout=20_000)
    room = telephone.locator(".messages").evaluate("list => list.clientHeight")
    assert shown.evaluate("card => card.offsetHeight") <= room

    client.chat_delete(channel=APPROVALS, ts=str(ts))


def test_what_warns_stays_on_the_card() -> None:
    said = str(MESSAGES["card-pending-rights"].blocks)

    for warning in (" · medium*", "This role can create", "more than the security team has accepted"):
        assert warning in said
    assert " · critical*" in str(MESSAGES["card-first-of-two"].blocks)
