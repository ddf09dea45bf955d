"""One text for one meaning."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.canonical import canonical
from access.models import GrantStatus

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
)
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_what_it_looks_like() -> None:
    value = {"b": [1, True, None], "a": "é\n", "at": NOON, "for": timedelta(hours=1), "state": GrantStatus.ACTIVE}

    assert canonical(value) == (
        '{"a":"é\\n","at":"2026-11-23T12:00:00.000000Z","b":[1,true,null],"for":3600000000,"state":"active"}'
    )


@given(VALUES)
def test_it_says_what_was_meant_and_saying_it_again_changes_nothing(value: object) -> None:
    assert json.loads(canonical(value)) == value
    assert canonical(json.loads(canonical(value))) == canonical(value)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers()))
def test_the_order_of_keys_means_nothing(value: dict[str, int]) -> None:
    assert canonical(dict(reversed(value.items()))) == canonical(value)


def test_the_zone_of_a_time_means_nothing() -> None:
    assert canonical(NOON.astimezone(timezone(timedelta(hours=5)))) == canonical(NOON)


def test_a_tuple_is_a_list() -> None:
    assert canonical((1, (2,))) == canonical([1, [2]])


@pytest.mark.parametrize(
    "value",
    [
        0.1, float("nan"), Decimal(1), b"bytes", {1, 2}, object(), {1: "a number as key"}, {None: 1},
        datetime(2026, 1, 1),  # noqa: DTZ001 -- naive on purpose
        "\ud800", {"\udfff": 1},
    ],
)  # fmt: skip
def test_what_has_more_than_one_spelling_or_none_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        canonical(value)
    with pytest.raises(TypeError):
        canonical([{"deep": value}])
