"""A real browser for the pictures and the browser tests: Debian's Chromium, driven by Playwright."""

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from access.errors import Unready

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
SWITCHES = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
)  # fmt: skip

DATES_OF_THE_PAGE = "--enable-blink-features=LangAttributeAwareFormControlUI"
"""Has a box for a date in the order of the page's language; without it in that of Chromium, mostly the American one."""


@contextmanager
def chromium(*more_switches: str) -> Generator["Browser"]:
    """Raises Unready when this machine has none."""
    from playwright.sync_api import sync_playwright

    program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
    if program is None:
        raise Unready("There is no Chromium here. On Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*SWITCHES, *more_switches])
        try:
            yield browser
        finally:
            browser.close()
