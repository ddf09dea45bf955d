"""Nobody reaches a listener but full, active members of the right workspace whom the policy knows."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import ClientConnectionError
from slack_sdk.web.async_client import AsyncWebClient

from access.choices import Choices
from access.models import GrantStatus, MessageKind, RequestStatus
from bot import ids
from bot.app import ACTIONS, COMMAND, EVENTS, MODALS, OPTIONS
from bot.directory import REMEMBERED, Directory, NotAMember
from bot.views.extension import extension_form
from bot.views.form import request_form
from bot.views.modals import denial, revocation
from tests.access.requests.test_approvers import deciding, slack_says
from tests.bot.batch_states import STATES as BATCH_STATES
from tests.bot.desk import Body, Desk
from tests.bot.facts import a_choice, a_grant, a_request, an_extendable
from tests.bot.narrow_states import STATES
from tests.bot.slack import FakeSlack, words
from tests.cast import ANN, KIM, LEA, SAM, STRANGER
from tests.world import World

VIEWS = {
    ids.FORM: request_form(Choices([a_choice()])),
    ids.DENIAL: denial(a_request(), '{"button": "v1", "channel": "C", "ts": "1"}'),
    ids.REVOCATION: revocation(a_grant(id="none")),
    ids.EXTENSION: extension_form(an_extendable(a_grant(id="none"))),
    ids.APPROVAL: STATES["approval"],
    ids.BATCH_ANSWER: BATCH_STATES["batch-some"],
    ids.CHANGE_FORM: STATES["change"],
}
LISTENERS = [
    (COMMAND, "command"),
    *((action, "view" if action == ids.CHOOSE else "button") for action in ACTIONS),
    ("request.unheard-of", "button"),
    *((action, "options") for action in OPTIONS),
    *((callback, "modal") for callback in MODALS),
    *((event, "event") for event in EVENTS),
]
ON_HOME = [(action, "home") for action in (ids.ASK, ids.CONNECT, ids.DONE, ids.CANCEL)]
"""Buttons that are pressed on the Home as well, where the way to answer is another."""
OUTSIDERS: dict[str, dict[str, Any]] = {
    "a guest": {"profile": {"is_restricted": True}},
    "a guest of one channel": {"profile": {"is_ultra_restricted": True}},
    "somebody from another company": {"profile": {"is_stranger": True}},
    "a member of another workspace": {"profile": {"team_id": "T0OTHER"}},
    "somebody deactivated": {"profile": {"deleted": True}},
    "a bot": {"profile": {"is_bot": True}},
    "somebody unknown to Slack": {"unknown": True},
    "somebody unknown to the policy": {"user": STRANGER},
    "a payload of another workspace": {"team": "T0OTHER"},
    "a person of another workspace": {"user_team": "T0OTHER"},
    "a payload of nobody": {"user": ""},
    "somebody Slack cannot tell about": {"failing": "internal_error"},
    "somebody while Slack is away": {"failing": ClientConnectionError()},
    "somebody while we ask too often": {"failing": "ratelimited"},
}


def body_of(desk: Desk, name: str, kind: str, user: str) -> Body:
    bodies: dict[str, Callable[[], Body]] = {
        "command": lambda: desk.command_body(user, "mine"),
        "view": lambda: desk.choose_body(user, VIEWS[ids.FORM], "customers-db/read"),
        "options": lambda: desk.suggest_body(user, ""),
        "modal": lambda: desk.submit_body(user, VIEWS[name]),
        "event": lambda: desk.home_body(user),
        "home": lambda: desk.press_home_body(user, name, "none"),
        "button": lambda: desk.press_body(user, name, "none"),
    }
    return bodies[kind]()


def told(desk: Desk, kind: str, answer: Any) -> str:
    match kind:
        case "command":
            return words(answer["blocks"])
        case "options":
            assert answer == {"options": []}
            return "nothing is offered."
        case "modal":
            (sentence,) = answer["errors"].values()
            return sentence
        case "view":
            return words(desk.slack.view["blocks"])
        case "event" | "home":
            return words(desk.slack.called("views.publish")[-1]["view"]["blocks"])
        case _:
            (sentence,) = desk.slack.whispers
            return sentence


FIRST_OF_KIND = {kind: name for name, kind in reversed([*LISTENERS, *ON_HOME])}
"""One middleware stands before all listeners and sees only how a payload is built: that is what differs by kind."""
TRIED = [
    *((name, kind, "a guest") for name, kind in [*LISTENERS, *ON_HOME]),
    *((name, kind, who) for kind, name in FIRST_OF_KIND.items() for who in OUTSIDERS if who != "a guest"),
]


@pytest.mark.parametrize(("name", "kind", "who"), TRIED)
def test_no_listener_answers_to_an_outsider(desk: Desk, name: str, kind: str, who: str) -> None:
    outsider = OUTSIDERS[who]
    user = outsider.get("user", KIM)
    desk.slack.join(user, **outsider.get("profile", {}))
    if outsider.get("unknown"):
        del desk.slack.people[user]
    if "failing" in outsider:
        desk.slack.failing["users.info"] = outsider["failing"]
    body = body_of(desk, name, kind, user)
    if "team" in outsider:
        body = body | ({"team_id": "T0OTHER"} if kind in ("command", "event") else {"team": {"id": "T0OTHER"}})
    if "user_team" in outsider:
        body = body | {"user": {"id": user, "team_id": "T0OTHER"}, "user_id": user}

    answer = desk.send(body)

    assert told(desk, kind, answer).endswith(".")
    (event,) = desk.world.events("attempt.refused")
    assert f'"actor":"slack:{user}"' in event.entry.replace(" ", "")
    assert desk.slack.called("views.open") == []


def test_every_listener_of_the_app_is_asked(desk: Desk) -> None:
    assert len(desk.app._async_listeners) == len(LISTENERS)


def test_a_member_is_remembered_for_a_minute_and_asked_anew_to_decide(
    desk: Desk, world: World, slack: FakeSlack
) -> None:
    request = world.ask()
    desk.command(LEA, "mine")
    desk.command(LEA, "mine")
    assert len(slack.called("users.info")) == 1

    slack.join(LEA, deleted=True)
    desk.press(LEA, ids.APPROVE, world.button(request))

    assert len(slack.called("users.info")) == 2
    assert slack.whispers[-1].startswith("Countersign is for full members of this workspace")
    assert world.requests()[0].status == RequestStatus.PENDING


def test_who_left_a_moment_ago_denies_nothing(desk: Desk, world: World, slack: FakeSlack) -> None:
    desk.press(LEA, ids.DENY, world.button(world.ask()))
    slack.join(LEA, deleted=True)

    answer = desk.submit(LEA, slack.view, comment="No.")

    assert answer["errors"][ids.COMMENT].startswith("Countersign is for full members of this workspace")
    assert world.requests()[0].status == RequestStatus.PENDING


def test_who_left_a_moment_ago_revokes_nothing(desk: Desk, world: World, slack: FakeSlack) -> None:
    desk.press(SAM, ids.REVOKE, world.open().id)
    slack.join(SAM, is_restricted=True)

    answer = desk.submit(SAM, slack.view, reason="Stolen.")

    assert answer["errors"][ids.REASON].startswith("Countersign is for full members of this workspace")
    assert world.grants()[0].status == GrantStatus.ACTIVE


def test_who_left_a_moment_ago_is_shown_no_way_in(desk: Desk, world: World, slack: FakeSlack) -> None:
    grant = world.open()
    desk.command(ANN, "mine")
    slack.join(ANN, deleted=True)

    desk.press(ANN, ids.CONNECT, grant.id)

    assert words(slack.view["blocks"]).startswith("Countersign is for full members of this workspace")
    assert world.messages(MessageKind.REVEAL) == []


def test_nobody_decides_while_slack_cannot_tell_who_it_is(desk: Desk, world: World, slack: FakeSlack) -> None:
    request = world.ask()
    desk.command(LEA, "mine")
    slack.failing["users.info"] = TimeoutError()

    desk.press(LEA, ids.APPROVE, world.button(request))

    assert slack.whispers[-1].startswith("Slack could not tell just now who you are")
    assert world.requests()[0].status == RequestStatus.PENDING


def test_slack_that_does_not_answer_in_time_is_not_waited_for(
    desk: Desk, slack: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: Any, **__: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("bot.directory.PATIENCE", 0.01)
    monkeypatch.setattr(AsyncWebClient, "users_info", never)

    answer = desk.command(LEA, "mine")

    assert words(answer["blocks"]).startswith("Slack could not tell just now who you are")


def test_the_directory_forgets_after_a_minute_and_at_once_what_is_no_longer_true(slack: FakeSlack) -> None:
    moment = [0.0]
    directory = Directory(AsyncWebClient("xoxb-test"), now=lambda: moment[0])

    async def ask(**how: bool) -> str:
        return (await directory.member(ANN, **how)).id

    assert asyncio.run(ask()) == ANN
    slack.join(ANN, deleted=True)
    assert asyncio.run(ask()) == ANN
    with pytest.raises(NotAMember):
        asyncio.run(ask(fresh=True))
    with pytest.raises(NotAMember):
        asyncio.run(ask())
    slack.join(ANN)
    assert asyncio.run(ask()) == ANN
    moment[0] += REMEMBERED
    asyncio.run(ask())
    assert len(slack.called("users.info")) == 5


@pytest.mark.parametrize("action", [ids.APPROVE, ids.DENY])
def test_an_approver_who_is_refused_as_a_guest_is_named_as_one_no_more(desk: Desk, world: World, action: str) -> None:
    request = world.ask()
    slack_says(world)
    desk.slack.join(KIM, is_restricted=True)

    desk.press(KIM, action, world.button(request))

    assert deciding(world) == {"lea"}


@pytest.mark.parametrize("failure", ["internal_error", ClientConnectionError()])
def test_while_slack_does_not_say_who_presses_approvers_stay_named(
    desk: Desk, world: World, failure: str | Exception
) -> None:
    request = world.ask()
    slack_says(world)
    desk.slack.failing["users.info"] = failure

    desk.press(KIM, ids.APPROVE, world.button(request))

    assert deciding(world) == {"kim", "lea"}
