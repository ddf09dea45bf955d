"""Views: pure, valid for Slack, readable by everybody, and the same as when somebody last looked."""

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from access.choices import Choices
from access.models import AlertKind
from bot.views.alert import alert_card
from bot.views.blocks import Rendered
from bot.views.form import MOST_OPTIONS, suggestions
from sandbox.block_kit import HOME
from sandbox.validator import characters, message_problems, suggestion_problems, view_problems
from tests.bot import golden
from tests.bot.facts import a_choice, an_alert
from tests.bot.states import ALL, HOMES, LONGEST_NAME, LONGEST_REASON, MESSAGES, MODALS, REQUESTS
from tests.cast import KIM, LEA
from workers.handlers import QUEUES


@pytest.mark.parametrize("name", ALL)
def test_a_view_is_what_it_was_when_somebody_last_looked(name: str) -> None:
    view = ALL[name]
    golden.check(name, {"text": view.text, "blocks": view.blocks} if isinstance(view, Rendered) else view)


def test_where_it_decides_what_lands_no_golden_file_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("UPDATE_SNAPSHOTS", "1")
    kept = {file: file.read_bytes() for file in golden.FOLDER.iterdir()}

    with pytest.raises(AssertionError, match="not with CI=true"):
        golden.check(next(iter(ALL)), "something else")
    assert {file: file.read_bytes() for file in golden.FOLDER.iterdir()} == kept


def test_every_golden_file_belongs_to_a_view() -> None:
    assert {file.stem for file in golden.FOLDER.glob("*.json")} == set(ALL)


def test_slack_would_take_every_message() -> None:
    assert {name: problems for name, one in MESSAGES.items() if (problems := message_problems(one.blocks))} == {}
    assert {name: count for name, one in MESSAGES.items() if (count := characters(one.blocks)) >= 10_000} == {}
    assert {name: one.text for name, one in MESSAGES.items() if not 0 < len(one.text) < 300} == {}


def test_slack_would_take_every_modal_and_every_home() -> None:
    assert {name: problems for name, one in MODALS.items() if (problems := view_problems(one))} == {}
    assert {name: problems for name, one in HOMES.items() if (problems := view_problems(one, HOME))} == {}


def test_the_longest_reason_is_never_cut() -> None:
    assert REQUESTS["pending-longest"].request.reason == LONGEST_REASON
    assert LONGEST_REASON in [text["text"] for text in texts(MESSAGES["card-pending-longest"].blocks)]


def test_every_button_says_to_a_screen_reader_what_it_is_about() -> None:
    buttons = nodes(lambda node: node.get("type") == "button")

    assert wrong(buttons, lambda one: len(one["accessibility_label"]) > len(one["text"]["text"])) == []


def test_a_notification_says_the_state() -> None:
    headed = [(name, one) for name, one in MESSAGES.items() if one.blocks[0]["type"] == "header"]
    starts = {name: one.blocks[0]["text"]["text"].partition(" for ")[0] for name, one in headed}

    assert len(starts) > 50
    assert [name for name, one in headed if not one.text.startswith(starts[name])] == []


def test_a_notification_says_which_request_it_is_about() -> None:
    known = ["customers-db/read", "req7xk", LONGEST_NAME]
    of_many = ("mine", "who", "digest", "refusal", "alert-many", "alert-undelivered", "batch-not-all")
    about = {name: one for name, one in MESSAGES.items() if any(each in json.dumps(one.blocks) for each in known)}
    single = {name: one.text for name, one in about.items() if not name.startswith(of_many)}

    assert len(single) > 50
    assert {name: text for name, text in single.items() if not any(each in text for each in known)} == {}


def test_nothing_is_said_by_a_picture_an_emoji_or_a_colour_alone() -> None:
    words = nodes(lambda node: isinstance(node.get("text"), str))
    coloured = nodes(lambda node: node.get("style") in ("primary", "danger"))

    assert [name for name, view in shown() for node in walk(view) if node.get("type") == "image"] == []
    assert wrong(words, lambda one: all(unicodedata.category(letter) != "So" for letter in one["text"])) == []
    assert wrong(coloured, lambda one: re.match(r"[A-Z][a-z]", one["text"]["text"])) == []


def test_at_most_one_button_of_a_row_stands_out() -> None:
    rows = nodes(lambda node: node.get("type") == "actions")

    assert wrong(rows, lambda row: [one.get("style") for one in row["elements"]].count("primary") <= 1) == []


def test_markup_is_always_verbatim_and_letters_never_become_emoji() -> None:
    assert wrong(nodes(lambda node: node.get("type") == "mrkdwn"), lambda text: text["verbatim"] is True) == []
    assert wrong(nodes(lambda node: node.get("type") == "plain_text"), lambda text: text["emoji"] is False) == []


def test_a_date_carries_a_fallback_for_those_who_cannot_read_it() -> None:
    dated = nodes(lambda node: isinstance(node.get("text"), str) and "<!date^" in node["text"])

    assert wrong(dated, lambda one: " UTC>" in one["text"]) == []


@pytest.mark.parametrize("view", [MESSAGES["mine"].blocks, HOMES["home"]], ids=["mine", "home"])
def test_each_thing_in_a_list_has_an_id_of_its_own(view: Any) -> None:
    listed = re.findall(r" – id `(\w+)`", str(view))
    assert len(listed) >= 4
    assert len(set(listed)) == len(listed)


def test_a_reminder_pings_nobody_but_those_who_can_decide() -> None:
    assert set(re.findall(r"<@(\w+)>", str(MESSAGES["reminder"].blocks))) == {KIM, LEA}


@pytest.mark.parametrize("queue", QUEUES)
def test_the_alert_about_a_queue_says_which_worker_to_start(queue: str) -> None:
    assert f"`countersign worker {queue}`" in str(alert_card(an_alert(AlertKind.QUEUE, subject=queue), None).blocks)


def test_more_choices_than_slack_shows_are_never_cut_off_silently() -> None:
    groups = suggestions(Choices(a_choice(number) for number in range(5_000)).search("", most=MOST_OPTIONS))

    assert sum(len(group["options"]) for group in groups) == MOST_OPTIONS
    assert groups[0]["label"]["text"].startswith("100 of 5,000, type more to narrow")
    assert suggestion_problems({"option_groups": groups}) == []


def test_suggestions_of_the_longest_names_fit() -> None:
    long = {"resource_id": "r" * 63, "resource_title": "T" * 75, "role_title": "t" * 75}
    choices = Choices(a_choice(number, role=f"{number:03}" + "r" * 60, **long) for number in range(300))

    groups = suggestions(choices.search("rrr", most=MOST_OPTIONS))

    assert suggestion_problems({"option_groups": groups}) == []
    assert groups[0]["label"]["text"].startswith("100 of 300, type more to narrow")


Node = dict[str, Any]


def shown() -> list[tuple[str, Any]]:
    return [(name, view.blocks if isinstance(view, Rendered) else view) for name, view in ALL.items()]


def nodes(which: Callable[[Node], bool]) -> list[tuple[str, Node]]:
    """Of all views, each with its view's name. There is one, or whoever looks for it sees nothing."""
    found = [(name, node) for name, view in shown() for node in walk(view) if which(node)]
    assert found, "no view has one"
    return found


def wrong(found: list[tuple[str, Node]], holds: Callable[[Node], object]) -> list[tuple[str, Node]]:
    return [(name, node) for name, node in found if not holds(node)]


def texts(blocks: Any) -> Iterator[dict[str, Any]]:
    return (node for node in walk(blocks) if node.get("type") == "text")


def walk(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, list):
        for child in node:
            yield from walk(child)
    if isinstance(node, dict):
        yield node
        for child in node.values():
            yield from walk(child)
