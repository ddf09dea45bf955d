"""A person's hands at the page: they find things by what is written on them, press, type, and wait for what appears."""

import re
from typing import Any

from playwright.sync_api import FrameLocator, Locator, Page, expect

SCREENS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1440, "height": 900}},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}
TOO_WIDE = """(width) => {
  const mayScroll = (node) => ["auto", "scroll"].includes(getComputedStyle(node).overflowX);
  const scrolls = (node) => node.scrollWidth > node.clientWidth + 1 && mayScroll(node);
  const sticksOut = (node) => node.checkVisibility() && node.getBoundingClientRect().right > width + 1;
  const nodes = [...document.querySelectorAll("body *")].filter((node) => !node.closest(".cast"));
  const found = nodes.filter((node) => scrolls(node) || sticksOut(node));
  if (document.documentElement.scrollWidth > width) found.push(document.documentElement);
  return found.map((node) => node.outerHTML.slice(0, 160));
}"""
"""The row of the people in the bar is meant to be pushed aside."""
TOO_LOW = """() => [...document.querySelectorAll("button, select, summary, textarea, input, [role=option]")]
  .filter((node) => node.checkVisibility() && !node.closest(".json") && node.getBoundingClientRect().height < 40)
  .map((node) => node.outerHTML.slice(0, 160))"""


class Hands:
    """One pair of hands at one screen. `touch` is a phone: they tap, and send with the button."""

    def __init__(self, page: Page, *, touch: bool) -> None:
        self.page = page
        self.touch = touch

    def press(self, what: Locator) -> None:
        if self.touch:
            what.tap()
        else:
            what.click()

    def button(self, words: str, within: Locator | None = None) -> Locator:
        """By what is to be read on it: its name for a screen reader says more."""
        exactly = re.compile(f"^{re.escape(words)}$")
        return (within or self.page.locator("main")).locator("button", has_text=exactly)

    @property
    def home(self) -> Locator:
        return self.page.locator(".home")

    def at_home(self, words: str, about: str) -> Locator:
        """The button on the Home in the row right below what it is about."""
        row = self.home.locator(f".section:has-text('{about}') + .actions-block")
        return self.button(words, row)

    def act_as(self, person: str) -> None:
        chosen = self.page.get_by_role("group", name="Act as").get_by_role("button", name=person)
        self.press(chosen)
        expect(chosen).to_have_attribute("aria-pressed", "true")

    def go_to(self, place: str) -> None:
        """A channel, `Home`, or `Countersign` for the direct message with it."""
        if self.touch:
            self.press(self.page.get_by_role("button", name="Channels"))
        row = self.page.locator("nav .row", has_text=place)
        self.press(row)
        expect(row).to_have_attribute("aria-current", "page")

    def write(self, words: str) -> None:
        """Types and sends."""
        field = self.page.get_by_label("Message", exact=True)
        field.fill(words)
        if self.touch:
            self.press(self.page.get_by_role("button", name="Send"))
        else:
            field.press("Enter")
        expect(field).to_have_value("")

    def modal(self, title: str) -> Locator:
        return self.page.get_by_role("dialog", name=title)

    def message(self, *words: str) -> Locator:
        """The newest message that everybody here sees and that has all these words."""
        found = self.page.locator(".message:not(.ephemeral)")
        for each in words:
            found = found.filter(has_text=each)
        return found.last

    @property
    def whispers(self) -> Locator:
        """The messages for these eyes only."""
        return self.page.locator(".message.ephemeral")

    @property
    def window(self) -> FrameLocator:
        """The page beside, onto the target."""
        return self.page.frame_locator("iframe")

    @property
    def next_step(self) -> Locator:
        """What the window says is to be done now; on a phone, where it is put aside, its bar says so."""
        return self.page.locator(".window-next") if self.touch else self.window.locator("#waiting")

    def fits(self) -> None:
        """Nothing is wider than the screen; on a phone, a finger hits everything."""
        assert self.page.viewport_size is not None
        assert self.page.evaluate(TOO_WIDE, self.page.viewport_size["width"]) == []
        if self.touch:
            low = self.page.evaluate(TOO_LOW)
            assert low == [], low
