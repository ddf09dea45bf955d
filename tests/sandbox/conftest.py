"""A fresh sandbox for every test."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from slack_sdk import WebClient

from sandbox.person import Person, Workspace
from sandbox.server import Running, running
from tests.browser import chromium


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sandbox(clock: Clock) -> Iterator[Running]:
    with running(clock=clock) as server:
        yield server


@pytest.fixture
def workspace(sandbox: Running) -> Workspace:
    return sandbox.workspace()


@pytest.fixture
def ann(workspace: Workspace) -> Person:
    return workspace.person("U0ANN")


@pytest.fixture
def hasty() -> Iterator[Running]:
    """A sandbox that waits for acknowledgements for a tenth of a second only."""
    with running(ack_seconds=0.1) as server:
        yield server


@pytest.fixture
def client(sandbox: Running) -> WebClient:
    return WebClient(token=sandbox.bot_token, base_url=sandbox.api_url)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=20_000)
    with chromium() as browser:
        yield browser


@pytest.fixture
def live() -> Iterator[Running]:
    """A sandbox on the true clock, which the page shares."""
    with running() as sandbox:
        yield sandbox


@pytest.fixture
def page(browser: Browser, live: Running) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1360, "height": 850})
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(live.page_url)
    expect(page.get_by_role("heading", level=1)).to_have_text("payments-approvals")  # from here on every key is heard
    yield page
    page.close()
    assert faults == []
