"""The window behind "Details": for who may see why it was decided, as its people's words, never as markup."""

from typing import Any

import pytest

from access.actors import by_slack
from access.models import Request
from access.requests.comment import Card, Written, keep_comment
from access.requests.remind import Place
from bot import ids
from tests.bot.desk import Desk
from tests.bot.slack import FakeSlack, words
from tests.bot.test_views import walk
from tests.cast import ANN, APPROVALS, BEN, KIM, LEA, SAM
from tests.world import World

HOSTILE = "<!channel> *now* <https://a.example|see>"


def write(world: World, request: Request, said: str) -> None:
    written = Written(place=Place(channel=APPROVALS, ts="30.01"), thread="17.01", words=said)
    assert keep_comment(world.core, by=by_slack(ANN), card=Card(request.id, 1), written=written)


@pytest.mark.parametrize("who", [ANN, KIM, LEA, SAM])
def test_who_has_to_do_with_a_request_sees_its_details(desk: Desk, world: World, slack: FakeSlack, who: str) -> None:
    request = world.ask()
    write(world, request, HOSTILE)

    desk.press(who, ids.DETAILS, request.id)

    shown = words(slack.view["blocks"])
    for said in (
        "1 h, counted from when it opens",
        HOSTILE,
        "rule customers",
        request.id,
        "Asked now",
        "*Votes:* none",
    ):
        assert said in shown
    assert slack.said == []


def test_others_are_told_that_there_is_none(desk: Desk, world: World, slack: FakeSlack) -> None:
    desk.press(BEN, ids.DETAILS, world.ask().id)

    assert slack.called("views.open") == []
    assert len(slack.whispers) == 1
    assert world.refusals() == [("request.details", "NotFound")]


def test_what_people_wrote_is_never_markup_there(desk: Desk, world: World, slack: FakeSlack) -> None:
    request = world.ask()
    write(world, request, HOSTILE)
    desk.press(KIM, ids.DETAILS, request.id)

    holding = [node for node in walk(slack.view["blocks"]) if HOSTILE in str(node.get("text", ""))]
    assert {node["type"] for node in holding} == {"text"}


def test_the_details_of_decided_and_of_unknown_requests_are_answered_too(
    desk: Desk, world: World, slack: FakeSlack
) -> None:
    grant = world.open()
    desk.press(LEA, ids.DETAILS, grant.request_id)
    assert grant.id in words(slack.view["blocks"])

    desk.press(LEA, ids.DETAILS, "none")
    assert len(slack.whispers) == 1


def test_every_card_but_a_void_one_leads_to_its_details() -> None:
    from tests.bot.states import MESSAGES

    cards = {name: _buttons(view.blocks) for name, view in MESSAGES.items() if name.startswith("card-")}
    void = [name for name, found in cards.items() if ids.DETAILS not in found]
    assert len(cards) > 30
    assert all(name.startswith("card-superseded") for name in void)


def _buttons(blocks: Any) -> list[str]:
    return [node["action_id"] for node in walk(blocks) if node.get("type") == "button"]
