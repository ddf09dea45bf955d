"""Plays the whole story through the sandbox's public doors and says, step by step, whether it held."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from access.audit import verify
from access.store import Database
from countersign.demo.prober import PeriodicCheck, login_in
from countersign.demo.stage import Stage
from sandbox.person import Message, Person

ENTITLEMENT = "customers-db/read"
CONSOLE = "support-console/answer"
SECONDS = 8
CHANNEL = "C0PAYAPPR"
T = TypeVar("T")


class DidNotHold(Exception):
    """A step of the story was not as it should be."""


@dataclass
class Story:
    """The steps so far; each is printed as it happens."""

    stage: Stage
    began: float

    def step(self, name: str, ok: bool, **more: Any) -> None:
        at = round(time.monotonic() - self.began, 3)
        print(json.dumps({"step": name, "at": at, "ok": bool(ok)} | more, ensure_ascii=False), flush=True)
        if not ok:
            raise DidNotHold(name)

    def person(self, identifier: str) -> Person:
        return self.stage.sandbox.workspace().person(identifier)


def play_story(stage: Stage) -> int:
    """0 when every step held, else 1."""
    story = Story(stage, time.monotonic())
    try:
        _play(story, story.person("U0ANN"), story.person("U0LEA"))
    except DidNotHold:
        return 1
    return 0


def _play(story: Story, ann: Person, lea: Person) -> None:
    prober = story.stage.prober
    before = prober.wait_for(lambda _: True, within=10)
    story.step("refused_before", before is not None and before.door == "refused", words=before.words if before else "")

    ann.command(CHANNEL, "/access")
    form = _soon(ann.view)
    story.step("modal_opened", form is not None, title=form.title if form else "")
    errors = ann.submit({
        "entitlement": ENTITLEMENT, "duration": f"{SECONDS}s", "reason": "INC-12 stuck refunds of <!channel> & friends",
    })  # fmt: skip
    story.step("requested", errors is None, errors=errors)
    ann.close_view(everything=True)

    card = _soon(lambda: _card(lea))
    story.step("card_posted", card is not None, text=card.text if card else "")
    assert card is not None
    refused = ann.click(card, "request.approve")
    whisper = _soon(lambda: next((one for one in ann.ephemerals(CHANNEL)), None))
    untouched = _card(lea)
    still_open = untouched is not None and "request.approve" in untouched.actions()
    story.step("self_approval_refused", refused.ok and whisper is not None and still_open,
               words=whisper.words if whisper else "")  # fmt: skip

    pressed = time.monotonic()
    story.step("approved", lea.click(card, "request.approve").ok)
    login = _soon(story.stage.shop.readers, every=0.005)
    story.step("granted", bool(login), login=login, ms=round((time.monotonic() - pressed) * 1000))

    answer = _soon(lambda: next((one for one in ann.direct_messages() if "grant.connect" in one.actions()), None))
    assert answer is not None
    ann.click(answer, "grant.connect")
    secret = _soon(lambda: (view := ann.view()) and login_in(view))
    allowed = prober.wait_for(lambda look: look.door == "allowed", within=SECONDS)
    held = allowed is not None and len(allowed.rows) > 0 and "permission denied" in allowed.cards
    story.step("allowed_during", bool(secret) and held, rows=len(allowed.rows) if allowed else 0,
               cards=allowed.cards if allowed else "")  # fmt: skip
    story.step("session_open", allowed is not None and allowed.session == "open")

    _into_the_console(story, ann, lea)

    closed = prober.wait_for(_is_over, within=SECONDS + 10)
    gone = not story.stage.shop.readers()
    story.step("expired", closed is not None and gone, login_gone=gone)
    story.step("session_ended", closed is not None and closed.session == "ended",
               words=closed.session_words if closed else "")  # fmt: skip
    after = prober.wait_for(lambda _: True, within=5)
    story.step("refused_after", after is not None and after.door == "refused", words=after.words if after else "")

    proven = _soon(lambda: "Verified" in _words(_card(lea)))
    story.step("card_final", bool(proven), words=_words(_card(lea)).splitlines()[-3:])
    left = _soon(lambda: not story.stage.console.members() and "Verified" in _words(_card(lea, CONSOLE)), within=20)
    story.step("console_left", bool(left), words=_words(_card(lea, CONSOLE)).splitlines()[-3:])
    database = Database(story.stage.settings.database_url)
    with database.read() as session:
        verified = verify(session)
    database.close()
    story.step(
        "audit_verified", verified.flaw is None and verified.events > 0, events=verified.events, head=verified.head
    )


def _into_the_console(story: Story, ann: Person, lea: Person) -> None:
    """Meanwhile, on the other target."""
    ann.command(CHANNEL, "/access", f"{CONSOLE} {SECONDS}s INC-13 answer while Ben is away")
    card = _soon(lambda: _card(lea, CONSOLE))
    assert card is not None
    lea.click(card, "request.approve")
    inside = _soon(story.stage.console.members) or []
    story.step("console_entered", [one.person for one in inside] == ["ann"], may=[one.may for one in inside])


def _is_over(look: PeriodicCheck) -> bool:
    return look.door == "refused" and look.session == "ended"


def _card(person: Person, entitlement: str = ENTITLEMENT) -> Message | None:
    cards = [message for message in person.messages(CHANNEL) if message.blocks and entitlement in message.words]
    return cards[-1] if cards else None


def _words(message: Message | None) -> str:
    return message.words if message else ""


def _soon(look: Callable[[], T], *, within: float = 10.0, every: float = 0.05) -> T | None:
    """The first true answer, or None."""
    end = time.monotonic() + within
    while not (found := look()):
        if time.monotonic() > end:
            return None
        time.sleep(every)
    return found
