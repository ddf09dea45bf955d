"""Several at once and bundles: by the form and by the line, with what is refused named before anything is asked."""

from pathlib import Path

import pytest

from access.store import Database
from bot import ids
from tests.access.requests.test_batch import FIX, LOGS, READ, SECRET, SEVERAL
from tests.bot.desk import Desk
from tests.bot.slack import FakeSlack, words
from tests.cast import ANN, EVE
from tests.world import World

TYPED = {ids.DURATION: "1h", ids.REASON: "INC-12 stuck refunds"}


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World.make(database, tmp_path, SEVERAL)


def asked(world: World) -> set[str]:
    return {one.entitlement for one in world.requests()}


def test_the_form_asks_for_several_and_names_each(desk: Desk, world: World, slack: FakeSlack) -> None:
    desk.command(ANN)
    answer = desk.submit(ANN, slack.view, **TYPED, **{ids.ENTITLEMENT: READ, ids.ALSO: f"{LOGS},{FIX}"})

    assert asked(world) == {READ, LOGS, FIX}
    shown = words(answer["view"]["blocks"])
    assert all(name in shown for name in (READ, LOGS, FIX, "<#C0LOGS>", "<#C0PAYAPPR>"))
    assert shown.count("Asked in <#C0PAYAPPR>") == 1, "for both that stand on its card"


def test_the_form_has_bundles_first_and_shows_each_part_of_one(desk: Desk, slack: FakeSlack) -> None:
    desk.command(ANN)
    (what,) = [block for block in slack.view["blocks"] if block.get("block_id") == ids.ENTITLEMENT]
    group = what["element"]["option_groups"][0]
    assert [option["value"] for option in group["options"]] == ["bundle:incident", "bundle:everything"]

    desk.choose(ANN, slack.view, "bundle:everything")

    shown = words(slack.view["blocks"])
    assert f"`{READ}` *Will be asked in <#C0PAYAPPR>:* <@U0KIM> and <@U0LEA>." in shown
    assert f"`{LOGS}` *Will be asked in <#C0LOGS>:* <@U0SAM>." in shown
    assert f"`{SECRET}` *can't be asked for:*" in shown
    assert "There is no logs/all that you may ask for." in shown


def test_a_part_that_is_refused_is_named_and_the_rest_is_asked_when_it_is_sent_once_more(
    desk: Desk, world: World, slack: FakeSlack
) -> None:
    desk.command(ANN)
    chosen = TYPED | {ids.ENTITLEMENT: "bundle:everything"}
    answer = desk.submit(ANN, slack.view, **chosen)

    form = answer["view"]
    assert (answer["response_action"], form["submit"]["text"]) == ("update", "Ask for the rest")
    assert "Nothing is asked yet. This will not be asked:" in words(form["blocks"])
    assert "logs/all: There is no logs/all that you may ask for." in words(form["blocks"])
    assert asked(world) == set()

    answer = desk.submit(ANN, form, **chosen)

    assert asked(world) == {READ, LOGS}
    assert "*Not asked:*" in words(answer["view"]["blocks"])
    assert "logs/all: There is no logs/all that you may ask for." in words(answer["view"]["blocks"])


def test_what_is_refused_anew_is_shown_before_the_rest_is_asked(desk: Desk, world: World, slack: FakeSlack) -> None:
    desk.command(ANN)
    chosen = TYPED | {ids.ENTITLEMENT: "bundle:everything"}
    form = desk.submit(ANN, slack.view, **chosen)["view"]

    answer = desk.submit(ANN, form, **chosen | {ids.DURATION: "2h"})

    assert "logs/read: The longest access to logs/read is 1 h; you asked for 2 h." in words(answer["view"]["blocks"])
    assert asked(world) == set()


def test_a_mistake_in_a_field_of_all_stands_under_it(desk: Desk, world: World, slack: FakeSlack) -> None:
    desk.command(ANN)
    answer = desk.submit(ANN, slack.view, **TYPED | {ids.ENTITLEMENT: "bundle:incident", ids.REASON: "why"})

    assert set(answer["errors"]) == {ids.REASON}
    assert asked(world) == set()


def test_a_form_of_the_version_before_is_read_still(desk: Desk, world: World, slack: FakeSlack) -> None:
    """It was opened before the upgrade, and has neither the menu for more nor that for whom."""
    desk.command(ANN)
    old = slack.view | {"blocks": [one for one in slack.view["blocks"] if one.get("block_id") != ids.ALSO]}

    desk.submit(ANN, old, **TYPED, **{ids.ENTITLEMENT: READ})

    assert asked(world) == {READ}


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("customers-db/read,logs/read 1h INC-12, stuck refunds a, b/c", {READ, LOGS}),
        ("customers-db/read, logs/read 1h INC-12, stuck refunds a, b/c", {READ, LOGS}),
        ("customers-db/read , Logs/read 1h INC-12, stuck refunds a, b/c", {READ, LOGS}),
        ("customers-db/read, 1h INC-12, stuck refunds a, b/c", {READ}),
        ("incident 1h INC-12, stuck refunds a, b/c", {READ, LOGS}),
        ("Incident 1h INC-12, stuck refunds a, b/c", {READ, LOGS}),
    ],
)
def test_the_line_names_several_or_a_bundle(desk: Desk, world: World, line: str, names: set[str]) -> None:
    desk.command(ANN, line)

    assert asked(world) == names
    assert {one.reason for one in world.requests()} == {"INC-12, stuck refunds a, b/c"}


@pytest.mark.parametrize(
    ("line", "sentences"),
    [
        (
            "everything 1h INC-12 stuck refunds",
            ["Nothing was asked", "logs/all: There is no logs/all", "write /access customers-db/read,logs/read with"],
        ),
        ("customers-db/read,logs/all 1h INC-12 stuck refunds", ["I don't know logs/all; did you mean"]),
        ("customers-db/read,logs/read 2h INC-12 stuck refunds", ["logs/read: The longest access to logs/read is 1 h"]),
        ("incident", ["Say for how long and why: /access incident 1h INC-12 stuck refunds"]),
        ("incident 2x why", ["The time after incident can't be used", "/access incident 1h"]),
        ("incident 9h why", ["Say more: the reason needs at least 10 characters here, this has 3."]),
    ],
)
def test_a_line_of_several_that_is_wrong_asks_for_none(
    desk: Desk, world: World, line: str, sentences: list[str]
) -> None:
    desk.command(ANN, line)

    (whisper,) = desk.slack.whispers
    for sentence in sentences:
        assert sentence in whisper
    assert asked(world) == set()


def test_a_bundle_is_no_word_of_the_command_to_who_may_ask_for_none_of_it(desk: Desk, slack: FakeSlack) -> None:
    desk.command(EVE, "incident 1h INC-12 stuck refunds")

    assert "There is nothing that you may ask for." in slack.whispers[0]


def test_among_more_than_a_menu_holds_a_bundle_is_found_by_its_words(desk: Desk) -> None:
    answer = desk.suggest(ANN, "incid")

    assert [option["value"] for option in answer["option_groups"][0]["options"]] == ["bundle:incident"]
