"""A request of Slack's that comes again, by whatever way it was caught or repeated, changes nothing more."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from access.ids import short
from bot import ids
from bot.http_app import HttpApp
from bot.http_health import Health
from tests.bot.desk import Body, Desk
from tests.bot.http_door import SECRET, Sent, everything, from_slack, through
from tests.cast import ANN, LEA, SAM

READ = "customers-db/read"
AUDIT = ("audit_event", "audit_head")


def form(desk: Desk) -> Body:
    desk.command(ANN)
    asked = {ids.ENTITLEMENT: READ, ids.DURATION: "1h", ids.REASON: "INC-12 stuck refunds"}
    return desk.submit_body(ANN, desk.slack.view, **asked)


def denial(desk: Desk) -> Body:
    desk.press(LEA, ids.DENY, desk.world.button(desk.world.ask()))
    return desk.submit_body(LEA, desk.slack.view, **{ids.COMMENT: "Use the dashboard."})


def revocation(desk: Desk) -> Body:
    desk.press(SAM, ids.REVOKE, desk.world.open().id)
    return desk.submit_body(SAM, desk.slack.view, **{ids.REASON: "The laptop was stolen."})


def choice(desk: Desk) -> Body:
    desk.command(ANN)
    return desk.choose_body(ANN, desk.slack.view, READ)


RECORDED: dict[str, tuple[Callable[[Desk], Body], list[str]]] = {
    "the line": (lambda desk: desk.command_body(ANN, f"{READ} 1h INC-12 stuck refunds"), ["request.created"]),
    "the form": (form, ["request.created"]),
    "opening the form": (lambda desk: desk.command_body(ANN), []),
    "choosing in the form": (choice, []),
    "approving": (
        lambda desk: desk.press_body(LEA, ids.APPROVE, desk.world.button(desk.world.ask())),
        ["card.registered", "request.approved", "grant.scheduled"],
    ),
    "denying": (denial, ["card.registered", "request.denied"]),
    "cancelling": (lambda desk: desk.press_body(ANN, ids.CANCEL, desk.world.ask().id), ["request.cancelled"]),
    "connecting": (lambda desk: desk.press_body(ANN, ids.CONNECT, desk.world.open().id), ["grant.reveal-asked"]),
    "being done": (lambda desk: desk.press_body(ANN, ids.DONE, desk.world.open().id), ["grant.revoking"]),
    "revoking": (revocation, ["grant.revoking"]),
    "revoking by line": (
        lambda desk: desk.command_body(ANN, f"done {short(desk.world.open().id)}"), ["grant.revoking"],
    ),
}  # fmt: skip


def told(desk: Desk) -> list[str]:
    """What the audit log has, but for what was refused."""
    return [event.action for event in desk.world.events() if event.action != "attempt.refused"]


def now(desk: Desk) -> float:
    return desk.world.clock.now().timestamp()


def rows(desk: Desk) -> dict[str, Any]:
    return {table: found for table, found in everything(desk.world).items() if table not in AUDIT}


def deliver(desk: Desk, *to: tuple[HttpApp, Sent]) -> list[int]:
    """All at once; every listener runs to its end."""

    async def at_once() -> list[int]:
        statuses = await asyncio.gather(*(through(app, sent) for app, sent in to))
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)
        return list(statuses)

    return asyncio.run(at_once())


def door(desk: Desk) -> HttpApp:
    """As a process that has just started: it remembers nothing."""
    with ThreadPoolExecutor(1) as unused:
        return HttpApp(desk.app, SECRET.encode(), Health(desk.world.core, unused), lambda: now(desk))


@pytest.mark.parametrize("times", [1, 2, 10])
@pytest.mark.parametrize("recorded", RECORDED)
def test_the_very_same_request_is_dealt_with_once(desk: Desk, recorded: str, times: int) -> None:
    record, effect = RECORDED[recorded]
    sent, known = from_slack(record(desk), now=now(desk)), told(desk)
    one = door(desk)

    assert deliver(desk, (one, sent)) == [200]
    before = everything(desk.world)
    again = [deliver(desk, (one, sent)) for _ in range(times - 1)]

    assert again == [[401]] * (times - 1)
    assert everything(desk.world) == before
    assert told(desk)[len(known) :] == effect


@pytest.mark.parametrize("times", [2, 10])
@pytest.mark.parametrize("recorded", RECORDED)
def test_of_the_very_same_requests_at_once_one_is_dealt_with(desk: Desk, recorded: str, times: int) -> None:
    record, effect = RECORDED[recorded]
    sent, known = from_slack(record(desk), now=now(desk)), told(desk)
    one = door(desk)

    statuses = deliver(desk, *[(one, sent)] * times)

    assert sorted(statuses) == [200] + [401] * (times - 1)
    assert told(desk)[len(known) :] == effect


@pytest.mark.parametrize("times", [1, 2, 10])
@pytest.mark.parametrize("recorded", RECORDED)
def test_a_process_that_remembers_nothing_changes_nothing_more(desk: Desk, recorded: str, times: int) -> None:
    record, effect = RECORDED[recorded]
    sent, known = from_slack(record(desk), now=now(desk)), told(desk)

    assert deliver(desk, (door(desk), sent)) == [200]
    before = rows(desk)
    again = [deliver(desk, (door(desk), sent)) for _ in range(times - 1)]

    assert again == [[200]] * (times - 1)
    assert rows(desk) == before
    assert told(desk)[len(known) :] == effect


@pytest.mark.parametrize("times", [2, 10])
@pytest.mark.parametrize("recorded", RECORDED)
def test_processes_at_once_that_know_nothing_of_each_other_do_it_once(desk: Desk, recorded: str, times: int) -> None:
    record, effect = RECORDED[recorded]
    sent, known = from_slack(record(desk), now=now(desk)), told(desk)

    assert deliver(desk, *[(door(desk), sent) for _ in range(times)]) == [200] * times

    assert told(desk)[len(known) :] == effect


def test_one_that_never_arrives_whole_is_refused_in_time(desk: Desk) -> None:
    sent = from_slack(desk.command_body(ANN), now=now(desk))
    impatient = replace(door(desk), body_seconds=0.01)

    assert asyncio.run(through(impatient, sent, last=False)) == 400


def test_what_was_not_dealt_with_may_come_again(desk: Desk) -> None:
    sent = from_slack(desk.command_body(ANN) | {"command": "/other"}, now=now(desk))
    one = door(desk)

    assert [deliver(desk, (one, sent)) for _ in range(2)] == [[404], [404]]


def test_the_secret_is_not_shown_with_the_door(desk: Desk) -> None:
    assert SECRET not in repr(door(desk))
