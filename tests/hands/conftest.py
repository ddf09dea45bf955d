"""One stage for all that hands do, two screens, and for each test something to ask for."""

from collections.abc import Iterator
from datetime import date

import pytest
from playwright.sync_api import Browser, expect

from countersign.demo.stage import Stage, standing
from tests.browser import chromium
from tests.hands.books import CHANNEL, MONTHS, Books, with_books
from tests.hands.hands import SCREENS, Hands


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """As the demo has it, with more to ask for. At the end, nothing was wrong by Slack's rules."""
    with standing(tmp_path_factory.mktemp("stage")) as made:
        policy = made.settings.policy_file
        policy.write_text(with_books(policy.read_text(encoding="utf-8")), encoding="utf-8")
        yield made
        assert made.sandbox.workspace().violations() == []


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=20_000)
    with chromium() as browser:
        yield browser


@pytest.fixture(params=SCREENS)
def screen(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def hands(browser: Browser, stage: Stage, screen: str) -> Iterator[Hands]:
    """Ann's, in the approvers' channel; what was whispered to anybody before is gone, and no modal is open."""
    for person in (stage.sandbox.workspace().person(each) for each in ("U0ANN", "U0LEA", "U0SAM", "U0EVE")):
        person.reload()
        if person.view():
            person.close_view(everything=True)
    context = browser.new_context(**SCREENS[screen])
    context.set_default_timeout(20_000)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(f"{stage.sandbox.page_url}?as=U0ANN&channel={CHANNEL}")
    yield Hands(page, touch=screen == "phone")
    context.close()
    assert faults == []


@pytest.fixture(scope="module")
def months() -> Iterator[date]:
    return iter(MONTHS)


@pytest.fixture
def books(stage: Stage, months: Iterator[date]) -> Books:
    return Books(stage, stage.sandbox.workspace(), next(months))
