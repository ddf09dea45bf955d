"""Takes the pictures of the README, of the real page with everything real behind it; then the gallery."""

import tempfile
from pathlib import Path

from playwright.sync_api import Locator, Page, ViewportSize, expect

from countersign.demo.stage import standing
from docs import gallery
from docs.png import labelled
from tests.browser import DATES_OF_THE_PAGE, chromium
from tools.golden import payloads

PICTURES = Path(__file__).parent / "pictures"
SHOWN = {
    "form": "form-chosen",
    "card-asked": "card-pending-first",
    "card-ended": "card-ended",
    "story": "card-ended",
    "phone": "card-ended",
    "console": "card-active",
}
"""The pictures, and the golden file of the same state: when that one changes, the picture is old."""
SIZE: ViewportSize = {"width": 1440, "height": 900}
TALL: ViewportSize = {"width": 1440, "height": 1400}
PHONE: ViewportSize = {"width": 412, "height": 915}
SPARE = 48
"""What the page may still take from the room of a card while the picture is taken: its field grows, its bar."""
LINE = "/access customers-db/read 25s INC-12 stuck refunds since this morning"
CONSOLE_LINE = "/access support-console/answer 1m INC-13 while Ben is away"


def main() -> None:
    """Goes through the story once, by a person's hands, and stops for the camera; then to the other target."""
    PICTURES.mkdir(exist_ok=True)
    expect.set_options(timeout=30_000)
    directory = Path(tempfile.mkdtemp(prefix="countersign-pictures-"))
    directory.chmod(0o711)
    with standing(directory) as stage, chromium(DATES_OF_THE_PAGE) as browser:
        page = browser.new_page(viewport=SIZE, device_scale_factor=1, locale="en-GB")
        page.goto(stage.sandbox.page_url)
        _story(page)
        _other_target(page)
    gallery.main([])


def fingerprint(name: str) -> str:
    """Says of which state a picture was taken."""
    return gallery.fingerprint(SHOWN[name], payloads()[SHOWN[name]])


def _story(page: Page) -> None:
    _person(page, "Ann")
    _channel(page, "payments-approvals")
    _type(page, "/access")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("What do you need?").click()
    page.get_by_role("option", name="Read customers").click()
    expect(dialog).to_contain_text("Will be asked in")
    dialog.get_by_label("For how long?").fill("1h30")
    dialog.get_by_label("Why?").fill("INC-12: refunds are stuck since this morning, <!channel> *now*")
    page.set_viewport_size(TALL)
    dialog.evaluate("dialog => { dialog.style.maxHeight = 'none'; }")  # the whole form, which scrolls elsewhere
    _picture(page, "form", dialog)
    page.set_viewport_size(SIZE)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)

    _type(page, LINE)
    card = page.locator(".message").filter(has=page.get_by_role("button", name="Approve request")).last
    expect(card).to_be_visible()
    _person(page, "Lea")
    _channel(page, "payments-approvals")
    expect(card).to_be_visible()
    _picture(page, "card-asked", card)
    card.get_by_role("button", name="Approve request").click()

    _person(page, "Ann")
    page.get_by_role("button", name="Countersign").first.click()
    page.locator("button", has_text="Show me how to connect").last.click()
    expect(page.get_by_role("dialog")).to_contain_text("Password")
    window = page.frame_locator("iframe")
    expect(window.locator("#state")).to_have_text("Allowed")
    page.get_by_role("dialog").get_by_role("button", name="Close").last.click()
    expect(page.get_by_role("dialog")).to_have_count(0)

    expect(window.locator("#state")).to_have_text("Refused", timeout=60_000)
    expect(window.locator("#session")).to_contain_text("Ended by the server")
    _person(page, "Lea")
    _channel(page, "payments-approvals")
    ended = page.locator(".message").filter(has_text="Verified").last
    expect(ended).to_be_visible()
    _picture(page, "card-ended", ended)
    page.wait_for_timeout(8_000)  # so that the strip of the window shows the door closed for a while
    _picture(page, "story")
    page.set_viewport_size(PHONE)
    _show_whole(page, ended)
    _picture(page, "phone")
    page.set_viewport_size(SIZE)


def _other_target(page: Page) -> None:
    """A program in place of a database; the end of the window says who is in."""
    _person(page, "Ann")
    _channel(page, "payments-approvals")
    _type(page, CONSOLE_LINE)
    _person(page, "Lea")
    _channel(page, "payments-approvals")
    page.get_by_role("button", name="Approve request").last.click()
    card = page.locator(".message").filter(has_text="support-console/answer").last
    expect(card).to_contain_text("Open until")
    members = page.frame_locator("iframe").locator("#members")
    expect(members).to_contain_text("answers customers")
    members.scroll_into_view_if_needed()
    page.mouse.move(0, 0)  # so that no button looks pressed
    _picture(page, "console")


def _show_whole(page: Page, card: Locator) -> None:
    """From its first line to its last: where the screen is too short for this card, it becomes a longer one."""
    expect(page.locator(".window-next")).to_contain_text("That is all of it")  # its lines take room from the card
    missing = card.evaluate("card => card.offsetHeight - card.parentElement.clientHeight")
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"] + max(0, missing + SPARE)})
    card.evaluate("card => card.scrollIntoView({block: 'start'})")
    expect(card).to_be_in_viewport(ratio=1)


def _person(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=False).first.click()


def _channel(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).first.click()


def _type(page: Page, line: str) -> None:
    page.get_by_label("Message", exact=True).fill(line)
    page.keyboard.press("Enter")


def _picture(page: Page, name: str, of: Locator | None = None) -> None:
    taken = page.screenshot() if of is None else of.screenshot()
    (PICTURES / f"{name}.png").write_bytes(labelled(taken, **{gallery.LABEL: fingerprint(name)}))
    print(f"docs/pictures/{name}.png")


if __name__ == "__main__":
    main()
