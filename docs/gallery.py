"""Takes a picture of everything the bot can say in Slack, as the sandbox's page draws it. `make pictures`.

`python -m docs.gallery NAME...` takes those of these golden files only.
"""

import hashlib
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, ViewportSize, expect
from slack_sdk import WebClient

from bot.views.form import MOST_OPTIONS, suggestions
from docs.png import label, shrunk
from sandbox.server import Running, running
from tests.bot.facts import minutes
from tests.bot.states import MANY
from tests.browser import DATES_OF_THE_PAGE, chromium
from tests.cast import ANN, APPROVALS
from tests.sandbox.bot import scripted
from tools.golden import payloads

FOLDER = Path(__file__).parent / "pictures" / "slack"
PAGE = Path(__file__).parent / "slack.md"
IMAGE = re.compile(r"!\[([^\]]*)\]\(pictures/slack/([\w-]+)\.png\)")
LABEL = "Golden"
_SIZE: ViewportSize = {"width": 1_000, "height": 16_000}
"""A message as wide as in Slack beside its sidebar, and so tall that nothing has to be scrolled."""
_USUALLY = 60
_MOMENTS = {
    "digest-late": 1,
    "digest": -239,
    "alert-by-hand-still-there": 141,
    "alert-many-one-left": 161,
    "alert-many-closed": 163,
    "alert-.*-closed": 151,
    "alert|looked-at": 140,
    "(card|answer|over)-(ended|revoking|extension-too-late)|warning-(ended|revoking)": 124,
    "(card|answer)-active-behind": 71,
    "warning": 108,
    "for-you-ended": 124,
    "(for-you|why)-lapsed": 481,
}
"""By what the names begin with, the first that fits: how many minutes after noon Ann looks."""
_FIRST = min(minutes(after) for after in [_USUALLY, *_MOMENTS.values()])
_ONLY_FOR_ONE = (
    "asked", "help", "looked-at", "mine", "nothing-to-ask", "refusal", "returned", "taken-back", "who", "why",
)  # fmt: skip
_IN_A_THREAD = ("reminder", "next-stage", "digest-longest-2", "digest-longest-last")
_CHOSEN = ("form-chosen", "form-refused", "form-longest")
"""What the names begin with of messages seen by one person, of replies, and of forms in which something is chosen."""
_SEARCHED = {"form-external": "may"}
"""What Ann types into the list of a form."""

Payload = dict[str, Any]


class Camera:
    """A page on which Ann looks at whatever is held up to her."""

    def __init__(self, sandbox: Running, page: Page) -> None:
        self._bot = WebClient(token=sandbox.bot_token, base_url=sandbox.api_url)
        self._workspace = sandbox.workspace()
        self._ann = self._workspace.person(ANN)
        self._page = page
        self._triggers: list[str] = []
        self._now = _FIRST
        page.goto(f"{sandbox.page_url}?channel={APPROVALS}")

    def answer(self, _: str, payload: Payload) -> Payload | None:
        """Acknowledges what Ann does, and keeps the leave to open a modal; searches a list for what she types."""
        if payload.get("type") == "block_suggestion":
            return {"option_groups": suggestions(MANY.search(payload["value"], most=MOST_OPTIONS))}
        self._triggers.append(payload.get("trigger_id", ""))
        return None

    def take(self, name: str, payload: Payload) -> bytes:
        """The picture of this message, modal or Home tab; first of what is seen first, for time passes one way."""
        self._wait_until(moment(name))
        match payload.get("type"):
            case "modal":
                return self._modal(name, payload)
            case "home":
                return self._home(payload)
            case _:
                return self._message(name, payload)

    def _wait_until(self, then: datetime) -> None:
        if then > self._now:
            self._workspace.move_clock((then - self._now).total_seconds())
        self._page.clock.set_fixed_time(then)
        self._now = then

    def _message(self, name: str, message: Payload) -> bytes:
        thread = self._post("The card", []) if name.startswith(_IN_A_THREAD) else None
        if name.startswith(_ONLY_FOR_ONE):
            posted = self._bot.chat_postEphemeral(channel=APPROVALS, user=ANN, **message)["message_ts"]
        else:
            posted = self._post(message["text"], message["blocks"], thread)
        self._page.mouse.move(0, 0)
        taken = _picture(self._page.locator(f'[data-ts="{posted}"]'))
        self._ann.reload()
        for ts in [posted, thread]:
            if ts and not name.startswith(_ONLY_FOR_ONE):
                self._bot.chat_delete(channel=APPROVALS, ts=ts)
        return taken

    def _post(self, text: str, blocks: list[Payload], thread: str | None = None) -> str:
        answer = self._bot.chat_postMessage(channel=APPROVALS, text=text, blocks=blocks, thread_ts=thread)
        return str(answer["ts"])

    def _modal(self, name: str, view: Payload) -> bytes:
        self._ann.command(APPROVALS, "/access")
        opened = self._bot.views_open(trigger_id=self._triggers.pop(), view=view)
        dialog = self._page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        if name.startswith(_CHOSEN):
            dialog.get_by_role("button", name=re.compile("What do you need")).click()
            self._page.get_by_role("option").first.click()
            expect(self._page.get_by_role("option")).to_have_count(0)
            self._bot.views_update(view_id=str((opened["view"] or {})["id"]), view=view)
        if name in _SEARCHED:
            dialog.get_by_role("button", name=re.compile("What do you need")).click()
            dialog.get_by_role("combobox").fill(_SEARCHED[name])
            expect(dialog.get_by_role("option")).to_have_count(MANY.search(_SEARCHED[name], most=MOST_OPTIONS).total)
        taken = _picture(dialog)
        self._ann.close_view(everything=True)
        expect(dialog).to_have_count(0)
        return taken

    def _home(self, view: Payload) -> bytes:
        self._bot.views_publish(user_id=ANN, view=view)
        self._page.get_by_role("button", name="Home").click()
        taken = _picture(self._page.locator(".home"))
        self._page.get_by_role("button", name="payments-approvals").click()
        return taken


@contextmanager
def camera() -> Iterator[Camera]:
    """On the day of the golden files, so that a picture changes only with what it shows; for a reader in Europe."""
    with running(clock=_FIRST.timestamp) as sandbox, chromium(DATES_OF_THE_PAGE) as browser:
        page = browser.new_page(viewport=_SIZE, device_scale_factor=1, reduced_motion="reduce", locale="en-GB")
        page.clock.set_fixed_time(_FIRST)
        taker = Camera(sandbox, page)
        with scripted(sandbox, taker.answer):
            yield taker


def moment(name: str) -> datetime:
    """When Ann looks: at two in the afternoon in Amsterdam, unless what is shown came about at another time."""
    return minutes(next((after for begins, after in _MOMENTS.items() if re.match(begins, name)), _USUALLY))


def fingerprint(name: str, payload: Payload) -> str:
    """Says of what a picture was taken, and how where that is not as usual."""
    shown: Any = payload
    if name in _SEARCHED or moment(name) != minutes(_USUALLY):
        shown = [payload, moment(name).isoformat(), _SEARCHED.get(name)]
    return hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()


def taken_of(picture: Path) -> str:
    """The fingerprint of what this picture shows."""
    return label(picture.read_bytes(), LABEL)


def fallback(payload: Payload) -> str:
    """What is read out, or shown in a notification, where the picture cannot be seen."""
    return payload.get("text") or payload.get("title", {}).get("text") or "The Home tab"


def with_fallbacks(text: str, golden: dict[str, Payload]) -> str:
    """The page with what is read out in the place of each picture."""

    def image(found: re.Match[str]) -> str:
        return f"![{fallback(golden[found[2]])}](pictures/slack/{found[2]}.png)" if found[2] in golden else found[0]

    return IMAGE.sub(image, text)


def main(names: list[str]) -> None:
    """Takes the pictures of these golden files, or of all; those of others that are no more go."""
    golden = payloads()
    FOLDER.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=20_000)
    with camera() as taker:
        for name in sorted(names or golden, key=moment):
            picture = shrunk(taker.take(name, golden[name]), **{LABEL: fingerprint(name, golden[name])})
            (FOLDER / f"{name}.png").write_bytes(picture)
            print(f"docs/pictures/slack/{name}.png {len(picture):,} bytes")
    for left in FOLDER.glob("*.png"):
        if left.stem not in golden:
            left.unlink()
    if PAGE.exists():
        PAGE.write_text(with_fallbacks(PAGE.read_text(encoding="utf-8"), golden), encoding="utf-8")


def _picture(of: Locator) -> bytes:
    expect(of).to_be_visible()
    return of.screenshot()


if __name__ == "__main__":
    main(sys.argv[1:])
