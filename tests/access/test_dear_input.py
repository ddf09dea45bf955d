"""However much is typed, what is done for it among thousands of entitlements is bounded. Counted, not timed."""

import difflib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access import durations
from access.catalog import Entitlement
from access.choices import Choice, Choices
from access.durations import parse_duration, parse_start, parse_wall_time, parse_when
from access.errors import InvalidInput
from access.nearest import nearest
from access.policy import line
from access.policy.line import parse_line

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ZONE = ZoneInfo("UTC")
MANY = [Entitlement(f"orders-{number}", f"role-{role}") for number in range(500) for role in range(10)]
NAMES = [str(one) for one in MANY]
REQUESTABLE = dict.fromkeys(MANY, timedelta(hours=2))


class Counted(str):
    """Counts how often something is looked for in it."""

    looks = 0

    def __contains__(self, part: str) -> bool:
        Counted.looks += 1
        return super().__contains__(part)


@pytest.fixture
def choices(monkeypatch: pytest.MonkeyPatch) -> Choices:
    monkeypatch.setattr(Counted, "looks", 0)
    made = Choices(
        Choice(
            resource_id=one.resource, resource_title="Orders", role=one.role, role_title="Read orders", level="low",
            longest=timedelta(hours=1),
        )
        for one in MANY
    )  # fmt: skip
    made._keys = [replace(key, text=Counted(key.text), words=Counted(key.words)) for key in made._keys]
    return made


@pytest.mark.parametrize(
    "typed",
    ["e " * 2000, " ".join("orders"[: 1 + number % 6] for number in range(2000)), "o r d e s - l 0 1 2 3 4 5 /" * 80],
)
def test_a_thousand_words_are_not_looked_for_at_a_key_stroke(choices: Choices, typed: str) -> None:
    choices.search(typed, most=100)

    assert Counted.looks <= 25 * len(MANY)


def test_no_more_is_cleaned_than_a_title_can_hold(choices: Choices) -> None:
    assert choices.search("read" + " " * 150 + "nowhere", most=100).total == len(MANY)


@pytest.mark.parametrize("word", ["ordrs-17/role-3", "orders-17/rloe-3", "orders", "x" * 150, "role-" * 30])
def test_few_of_many_names_are_compared_letter_by_letter(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    compared = list[str]()

    class Counting(difflib.SequenceMatcher):
        def set_seq1(self, a: Sequence[str]) -> None:
            compared.append("".join(a))
            super().set_seq1(a)

    monkeypatch.setattr(difflib, "SequenceMatcher", Counting)
    nearest(word, NAMES)

    assert len([one for one in compared if one]) <= 32


@given(st.sampled_from(NAMES), st.integers(0, 12), st.sampled_from(["", "x", "-"]))
def test_the_nearest_of_many_is_about_as_near_as_by_comparing_all(name: str, place: int, instead: str) -> None:
    typed = name[:place] + instead + name[place + 1 :]
    found, best = nearest(typed, [*NAMES[:600], name]), get_close_matches(typed, {*NAMES[:600], name}, n=1)

    def likeness(one: str | None) -> float:
        return difflib.SequenceMatcher(None, one or "", typed).ratio()

    assert likeness(found) >= 0.9 * likeness(best[0] if best else None)


def test_a_text_that_is_too_long_for_a_time_is_not_normalised(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of its letters becomes eighteen."""
    normalised = list[str]()

    def counted(form: str, text: str) -> str:
        normalised.append(text)
        return text

    monkeypatch.setattr(durations.unicodedata, "normalize", counted)
    for read in (
        parse_duration,
        parse_wall_time,
        lambda text: parse_when(text, now=NOW, zone=ZONE),
        lambda text: parse_start(text, now=NOW, zone=ZONE),
    ):
        with pytest.raises(ValueError, match="written"):
            read("\ufdfa" * 100_000)

    assert sum(map(len, normalised)) == 0


def test_a_line_that_no_message_can_hold_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    cleaned = list[str]()
    monkeypatch.setattr(line, "clean", cleaned.append)

    with pytest.raises(InvalidInput, match="longer than 4000 characters"):
        parse_line(
            "orders-1/role-1 1h " + "why " * 1000,
            requestable=REQUESTABLE,
            now=NOW,
            zone=ZONE,
        )

    assert cleaned == []


def test_only_the_first_words_of_a_line_are_looked_at_for_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    found = list[str]()

    class Words:
        def finditer(self, text: str):
            for match in REAL.finditer(text):
                found.append(match[0])
                yield match

    REAL = line._WORD  # noqa: N806
    monkeypatch.setattr(line, "_WORD", Words())
    parse_line("orders-1/role-1 1h " + "from a " * 500, requestable=REQUESTABLE, now=NOW, zone=ZONE)

    assert len(found) <= 100
