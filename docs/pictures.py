"""Takes the pictures of the README, of the real page with everything real behind it; then the gallery."""

import tempfile
from pathlib import Path

from playwright.sync_api import Locator, Page, ViewportSize, expect

from countersign.demo.stage import standing
from docs import gallery
from tests.browser import chromium

PICTURES = Path(__file__).parent / "pictures"
SIZE: ViewportSize = {"width": 1440, "height": 900}
LINE = "/access customers-db/read 25s INC-12 stuck refunds since this morning"


def main() -> None:
    """Goes through the story once, by a person's hands, and stops for the camera."""
    PICTURES.mkdir(exist_ok=True)
    expect.set_options(timeout=30_000)
    directory = Path(tempfile.mkdtemp(prefix="countersign-pictures-"))
    directory.chmod(0o711)
    with standing(directory) as stage, chromium() as browser:
        page = browser.new_page(viewport=SIZE, device_scale_factor=1)
        page.goto(stage.sandbox.page_url)
        _story(page)
    gallery.main([])


def _story(page: Page) -> None:
    _person(page, "Ann")
    _channel(page, "payments-approvals")
    _type(page, "/access")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("What do you need?").click()
    page.get_by_role("option", name="Read customers").click()
    expect(dialog).to_contain_text("2 people are pinged")
    dialog.get_by_label("For how long?").fill("1h30")
    dialog.get_by_label("Why?").fill("INC-12: refunds are stuck since this morning, <!channel> *now*")
    _picture(page, "form", dialog)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)

    _type(page, LINE)
    card = page.locator(".message").filter(has=page.get_by_role("button", name="Approve")).last
    expect(card).to_be_visible()
    _person(page, "Lea")
    _channel(page, "payments-approvals")
    expect(card).to_be_visible()
    _picture(page, "card-asked", card)
    card.get_by_role("button", name="Approve").click()

    _person(page, "Ann")
    page.get_by_role("button", name="Countersign").first.click()
    page.locator("button", has_text="Show me how to connect").last.click()
    expect(page.get_by_role("dialog")).to_contain_text("Password")
    _picture(page, "connect", page.get_by_role("dialog"))
    window = page.frame_locator("iframe")
    expect(window.locator("#state")).to_have_text("Allowed")
    page.get_by_role("dialog").get_by_role("button", name="Close").last.click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    _picture(page, "open")

    expect(window.locator("#state")).to_have_text("Refused", timeout=60_000)
    expect(window.locator("#session")).to_contain_text("Ended by the server")
    _person(page, "Lea")
    _channel(page, "payments-approvals")
    ended = page.locator(".message").filter(has_text="Read back").last
    expect(ended).to_be_visible()
    _picture(page, "card-ended", ended)
    page.wait_for_timeout(8_000)  # so that the strip of the window shows the door closed for a while
    _picture(page, "story")
    page.set_viewport_size({"width": 390, "height": 844})
    _picture(page, "phone")


def _person(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=False).first.click()


def _channel(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).first.click()


def _type(page: Page, line: str) -> None:
    page.get_by_label("Message", exact=True).fill(line)
    page.keyboard.press("Enter")


def _picture(page: Page, name: str, of: Locator | None = None) -> None:
    path = PICTURES / f"{name}.png"
    if of is None:
        page.screenshot(path=path)
    else:
        of.screenshot(path=path)
    print(f"docs/pictures/{path.name}")


if __name__ == "__main__":
    main()
