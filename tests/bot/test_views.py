"""Views: pure, valid for Slack, readable by everybody, and the same as when somebody last looked."""

import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest

from access.choices import Choices
from bot.views.blocks import Message
from bot.views.form import MOST_OPTIONS, suggestions
from sandbox.block_kit import HOME
from sandbox.validator import characters, message_problems, suggestion_problems, view_problems
from tests.bot import golden
from tests.bot.facts import a_choice
from tests.bot.states import ALL, HOMES, LONGEST_NAME, LONGEST_REASON, MESSAGES, MODALS, REQUESTS
from tests.cast import KIM, LEA


@pytest.mark.parametrize("name", ALL)
def test_a_view_is_what_it_was_when_somebody_last_looked(name: str) -> None:
    view = ALL[name]
    golden.check(name, {"text": view.text, "blocks": view.blocks} if isinstance(view, Message) else view)


def test_every_golden_file_belongs_to_a_view() -> None:
    assert {file.stem for file in golden.FOLDER.glob("*.json")} == set(ALL)


@pytest.mark.parametrize("name", MESSAGES)
def test_slack_would_take_every_message(name: str) -> None:
    message = MESSAGES[name]
    assert [str(problem) for problem in message_problems(message.blocks)] == []
    assert characters(message.blocks) < 10_000
    assert 0 < len(message.text) < 300


@pytest.mark.parametrize("name", MODALS)
def test_slack_would_take_every_modal(name: str) -> None:
    assert [str(problem) for problem in view_problems(MODALS[name])] == []


@pytest.mark.parametrize("name", HOMES)
def test_slack_would_take_every_home(name: str) -> None:
    assert [str(problem) for problem in view_problems(HOMES[name], HOME)] == []


def test_the_longest_reason_is_never_cut() -> None:
    assert REQUESTS["pending-longest"].request.reason == LONGEST_REASON
    assert LONGEST_REASON in [text["text"] for text in texts(MESSAGES["card-pending-longest"].blocks)]


@pytest.mark.parametrize("name", ALL)
def test_every_button_says_to_a_screen_reader_what_it_is_about(name: str) -> None:
    view = ALL[name]
    for button in walk(view.blocks if isinstance(view, Message) else view):
        if button.get("type") == "button":
            assert len(button["accessibility_label"]) > len(button["text"]["text"])


@pytest.mark.parametrize("name", MESSAGES)
def test_a_notification_says_the_state_and_which_request_it_is_about(name: str) -> None:
    message = MESSAGES[name]
    shown = json.dumps(message.blocks)
    for heading in [block["text"]["text"] for block in message.blocks[:1] if block["type"] == "header"]:
        assert message.text.startswith(heading.partition(" for ")[0])
    about = ["customers-db/read", "req7xk", LONGEST_NAME]
    if not name.startswith(("mine", "digest", "refusal", "alert-many")) and any(one in shown for one in about):
        assert any(one in message.text for one in about)


@pytest.mark.parametrize("name", ALL)
def test_nothing_is_said_by_a_picture_an_emoji_or_a_colour_alone(name: str) -> None:
    view = ALL[name]
    for node in walk(view.blocks if isinstance(view, Message) else view):
        if node.get("type") == "image":
            assert node["alt_text"].strip()
        if isinstance(node.get("text"), str):
            assert [letter for letter in node["text"] if unicodedata.category(letter) == "So"] == []
        if node.get("style") in ("primary", "danger"):
            assert re.match(r"[A-Z][a-z]", node["text"]["text"])


@pytest.mark.parametrize("name", ALL)
def test_at_most_one_button_of_a_row_stands_out(name: str) -> None:
    view = ALL[name]
    for node in walk(view.blocks if isinstance(view, Message) else view):
        if node.get("type") == "actions":
            assert [element.get("style") for element in node["elements"]].count("primary") <= 1


@pytest.mark.parametrize("name", ALL)
def test_markup_is_always_verbatim_and_letters_never_become_emoji(name: str) -> None:
    view = ALL[name]
    for text in walk(view.blocks if isinstance(view, Message) else view):
        if text.get("type") == "mrkdwn":
            assert text["verbatim"] is True
        if text.get("type") == "plain_text":
            assert text["emoji"] is False


def test_a_date_carries_a_fallback_for_those_who_cannot_read_it() -> None:
    for message in MESSAGES.values():
        for text in walk(message.blocks):
            if "<!date^" in str(text.get("text")):
                assert " UTC>" in str(text["text"])


@pytest.mark.parametrize("view", [MESSAGES["mine"].blocks, HOMES["home"]], ids=["mine", "home"])
def test_each_thing_in_a_list_has_an_id_of_its_own(view: Any) -> None:
    listed = re.findall(r" – id `(\w+)`", str(view))
    assert len(listed) >= 4
    assert len(set(listed)) == len(listed)


def test_a_reminder_pings_nobody_but_those_who_can_decide() -> None:
    assert set(re.findall(r"<@(\w+)>", str(MESSAGES["reminder"].blocks))) == {KIM, LEA}


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
