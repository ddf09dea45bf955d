"""The whole story with one thing after the other wrong between Slack and us, by both ways and on both databases.

Each is told in two houses at the same time; its person is a new one each time.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlmodel import select

from access.actors import system
from access.models import Alert, AlertKind, CheckKind, EndedBy, PeriodicCheck
from access.periodic_checks import check_item
from access.settings import Settings
from bot import ids
from countersign.wiring import parts
from sandbox.person import Trouble
from tests.stories.crowd import CROWD
from tests.stories.errand import Errand, Houses, Story, patiently, told
from tests.stories.house import CHANNEL

pytestmark = pytest.mark.timeout(400)


def acknowledgements_are_lost(errand: Errand) -> None:
    """What was done is done; who reads an error and does it again is told so."""
    faults, asker = errand.workspace.faults, errand.asker

    faults.drop_acks()
    assert asker.command(asker.direct_message, "/access").error == "operation_timeout"
    errand.form()
    faults.drop_acks()
    with pytest.raises(Trouble, match="trouble connecting"):
        errand.submit("30m")
    assert "already asked" in (errand.submit("30m") or {})[ids.ENTITLEMENT]
    asker.close_view()

    card = errand.card()
    faults.drop_acks()
    assert errand.lea.click(card, ids.APPROVE).error == "operation_timeout"
    patiently(lambda: not errand.is_pending(card), "the card to say that it is approved")
    answer = errand.answer()
    faults.drop_acks()
    assert asker.click(answer, ids.CONNECT).error == "operation_timeout"
    errand.log_in()
    faults.drop_acks()
    assert asker.click(answer, ids.DONE).error == "operation_timeout"
    errand.over(by=EndedBy.RETURNED)


def acknowledgements_are_late(errand: Errand) -> None:
    """In time they do no harm; too late they hide what was done, and hold up nobody else."""
    faults, lea = errand.workspace.faults, errand.lea
    faults.delay_acks(0.3, 2)
    errand.ask_by_form("30m")
    card = errand.card()
    faults.delay_acks(3, only="block_actions")
    with ThreadPoolExecutor(1) as pool:
        clicked = pool.submit(lea.click, card, ids.APPROVE)
        answer = errand.answer()
        errand.connect()
        assert errand.asker.click(answer, ids.DONE).ok
        errand.over(by=EndedBy.RETURNED)
    assert clicked.result().error == "operation_timeout"


def payloads_come_twice(errand: Errand) -> None:
    """At the same time: one form, one request, one review, one grant, one secret, one end."""
    faults, asker, lea = errand.workspace.faults, errand.asker, errand.lea
    begun = _last_entry(errand)
    faults.duplicate_payloads(None)

    assert asker.command(asker.direct_message, "/access").ok
    errand.form()
    assert len(asker.views()) == 1
    refused = errand.submit("30m")  # it may have been the slower of the two
    assert refused is None or "already asked" in refused[ids.ENTITLEMENT]
    assert lea.click(errand.card(), ids.APPROVE).ok
    answer = errand.answer()
    assert asker.click(answer, ids.CONNECT).ok
    errand.log_in()
    assert asker.click(answer, ids.DONE).ok
    errand.over(by=EndedBy.RETURNED)

    twice = lambda: [one for one in errand.workspace.journal(begun) if one["name"].endswith(", twice")]  # noqa: E731
    patiently(lambda: len(twice()) == 5 and all(one["ms"] for one in twice()), "each second one to be answered")
    assert len(errand.cards()) == 1
    assert not [one for one in lea.ephemerals(CHANNEL) if "already" in one.words]


def payloads_are_lost(errand: Errand) -> None:
    """Nothing happens, the person reads so, and doing it again is all that is needed."""
    faults, asker, lea = errand.workspace.faults, errand.asker, errand.lea

    faults.lose_payloads()
    assert asker.command(asker.direct_message, "/access").error == "dispatch_failed"
    assert asker.command(asker.direct_message, "/access").ok
    errand.form()
    faults.lose_payloads()
    with pytest.raises(Trouble, match="trouble connecting"):
        errand.submit("30m")
    assert errand.house.requests(asker.id) == []
    assert errand.submit("30m") is None
    card = errand.card()
    faults.lose_payloads()
    assert lea.click(card, ids.APPROVE).error == "dispatch_failed"
    assert errand.is_pending(card)
    assert lea.click(card, ids.APPROVE).ok
    answer = errand.answer()
    for button in (ids.CONNECT, ids.DONE):
        faults.lose_payloads()
        assert asker.click(answer, button).error == "dispatch_failed"
    errand.connect()
    assert asker.click(answer, ids.DONE).ok
    errand.over(by=EndedBy.RETURNED)


def payloads_are_late(errand: Errand) -> None:
    """What came too late to open a modal says so, and the next press does it."""
    workspace, asker = errand.workspace, errand.asker
    errand.approve(errand.ask("30m"))
    answer = errand.answer()

    begun = _last_entry(errand)
    workspace.faults.delay_payloads(5)
    with ThreadPoolExecutor(1) as pool:
        clicked = pool.submit(asker.click, answer, ids.CONNECT)
        patiently(lambda: _payloads_since(errand, begun), "the payload to be on its way")
        workspace.move_clock(4)  # a trigger lives three seconds
    assert clicked.result().ok
    errand.is_told(asker, "The form could not be opened")
    assert asker.view() is None
    errand.connect()
    assert asker.click(answer, ids.DONE).ok
    errand.over(by=EndedBy.RETURNED)


CALLS = (
    "users.info", "views.open", "views.update", "views.publish", "chat.postMessage", "chat.update", "chat.getPermalink"
)  # fmt: skip
"""Every method that the bot and the workers call once they serve; two more open a connection."""


def each_call_is_limited(errand: Errand) -> None:
    """429 with Retry-After: what is said comes late, and comes; access ends."""
    _each_call_fails(errand, lambda call: errand.workspace.faults.limit_calls(only=call))


def each_call_is_refused(errand: Errand) -> None:
    _each_call_fails(errand, lambda call: errand.workspace.faults.fail_calls("internal_error", only=call))


def each_call_breaks(errand: Errand) -> None:
    """It is done, but the answer is lost: what is said may be said twice, and what was decided is decided once."""
    _each_call_fails(errand, lambda call: errand.workspace.faults.break_calls(only=call))


def _each_call_fails(errand: Errand, break_next: Callable[[str], None]) -> None:
    for call in CALLS:
        break_next(call)
    card = errand.ask_by_form("30m")
    errand.lea.open_home()
    patiently(lambda: _leads_to_card(errand), "Lea's Home to lead to the card")
    errand.approve(card)
    errand.connect()
    errand.give_back()
    errand.over(by=EndedBy.RETURNED)
    patiently(lambda: all("Verified" in one.words for one in errand.cards()), "each card to be told")
    errand.hears_of_the_end()
    assert errand.workspace.faults.waiting() == []


def connections_break(errand: Errand) -> None:
    """Asked to come back, warned, or cut off: what was not answered is done again."""
    if errand.house.way != "Socket Mode":
        return
    faults = errand.workspace.faults
    faults.disconnect("refresh_requested")
    card = errand.ask("30m")
    faults.disconnect("warning")
    errand.approve(card)
    faults.limit_calls(only="apps.connections.open")
    faults.disconnect("refresh_requested")
    errand.connect()
    faults.cut()
    errand.give_back()
    errand.over(by=EndedBy.RETURNED)
    assert faults.waiting() == []


def the_bot_is_put_out_of_the_channel(errand: Errand) -> None:
    """Access ends and is proven all the same; the doctor says what is wrong; put right, the card is told."""
    workspace, bot = errand.workspace, "U0BOT"
    workspace.remove_from_channel(bot, CHANNEL)
    try:
        assert errand.type_line("5s").ok
        patiently(lambda: errand.heard(errand.asker), "the asker to be told that others are asked")
        errand.house.message(errand.asker.id, lambda one: "have not been asked yet" in one.words, "why nobody answers")
        assert errand.house.unwell("Slack") == [f"channel {CHANNEL}"]
        assert errand.house.unwell("Messages") == [CHANNEL]
        assert [one.closed_at for one in _undelivered(errand)] == [None]
    finally:
        workspace.add_to_channel(bot, CHANNEL)
    card = errand.card()
    patiently(lambda: _undelivered(errand)[-1].closed_at, "the alert to close")
    errand.approve(card)

    workspace.remove_from_channel(bot, CHANNEL)
    try:
        errand.over(by=EndedBy.EXPIRED)
        errand.hears_of_the_end()
    finally:
        workspace.add_to_channel(bot, CHANNEL)
    patiently(lambda: "Verified" in errand.card().words, "the card to say how it was proven")


def _undelivered(errand: Errand) -> list[Alert]:
    """Alerts about the approvers' channel."""
    return [one for one in errand.house.alerts() if one.kind == AlertKind.UNDELIVERED and CHANNEL in one.subject]


def people_are_deactivated(errand: Errand) -> None:
    """They decide nothing and get no secret any more, even by a page that was open; what they have open ends."""
    workspace, asker, lea = errand.workspace, errand.asker, errand.lea
    card = errand.ask("30m")
    workspace.deactivate(lea.id, session_lives=True)
    try:
        assert lea.click(card, ids.APPROVE).ok
        errand.is_told(lea, "for full members of this workspace", CHANNEL)
        assert errand.is_pending(card)
    finally:
        workspace.reactivate(lea.id)
    errand.approve(card)
    errand.connect()
    answer = errand.answer()
    errand.open_grant()
    asker.close_view()

    workspace.deactivate(asker.id, session_lives=True)
    assert asker.click(answer, ids.CONNECT).ok
    patiently(lambda: (view := asker.view()) and "for full members of this workspace" in view.words, "no second secret")
    _ask_after_now(errand)
    errand.over(by=EndedBy.LEFT)
    patiently(lambda: "its holder has left" in errand.card().words, "the card to say why it ended")
    workspace.reactivate(asker.id)


def _ask_after_now(errand: Errand) -> None:
    """The next question to Slack about this person, which comes within five minutes, comes now."""
    with parts(Settings.read(errand.house.environment())) as made:

        def hurried() -> bool:
            with made.core.work(system("test")) as work:
                mine = select(PeriodicCheck).filter_by(kind=CheckKind.MEMBER, subject=errand.asker.id)
                for row in work.session.exec(mine):
                    row.due_at = work.now
                    work.due.append((check_item(row.id), work.now))
                return bool(work.due)

        patiently(hurried, "the roster to have the person")


def the_clock_of_slack_jumps(errand: Errand) -> None:
    """Access ends by our own clock. A signature that is an hour off is not taken for one of Slack's."""
    house, workspace, asker = errand.house, errand.workspace, errand.asker
    errand.approve(errand.ask("5s"))
    workspace.move_clock(3600)
    try:
        attempts = [asker.command(asker.direct_message, "/access", "mine").error for _ in range(2)]
        assert attempts == (["dispatch_failed"] * 2 if house.way == "HTTP mode" else [None] * 2)
        errand.over(by=EndedBy.EXPIRED)
    finally:
        house.slack_clock.ahead -= 3600


def _last_entry(errand: Errand) -> int:
    """The number of the newest entry of the sandbox's journal."""
    return errand.workspace.journal()[-1]["number"]


def _payloads_since(errand: Errand, number: int) -> list[str]:
    return [entry["name"] for entry in errand.workspace.journal(number) if entry["way"] == "payload"]


def _leads_to_card(errand: Errand) -> bool:
    home = errand.lea.home()
    return home is not None and any(card.ts.replace(".", "") in str(home.blocks) for card in errand.cards())


STORIES: tuple[Story, ...] = (
    acknowledgements_are_lost, acknowledgements_are_late, payloads_come_twice, payloads_are_lost, payloads_are_late,
    each_call_is_limited, each_call_is_refused, each_call_breaks, connections_break, the_bot_is_put_out_of_the_channel,
    people_are_deactivated, the_clock_of_slack_jumps,
)  # fmt: skip


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_the_promise_holds_while(houses: Houses, story: Story) -> None:
    told(houses, story, CROWD[STORIES.index(story)].id)
