"""The fingerprint binds a request to what was shown: any other fact is another fingerprint."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, cast

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from access.errors import NotFound
from access.ids import RequestId, ulid
from access.policy.facts import asked
from access.policy.fingerprint import Button, button_value, fingerprint, parse_button
from access.policy.load import load_policy
from access.ports import Provider
from tests.access.policy.example import NOW, POLICY, Postgres, ask, changed, policy, terms_of

REQUEST = RequestId(ulid(NOW))
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def of(text: str | None = None, **more: Any) -> dict[str, object]:
    asking = ask(**more)
    terms = terms_of(policy(text) if text else policy(), asking)
    return asked(REQUEST, 1, asking, terms)


def test_every_fact_of_the_design_is_in_it() -> None:
    assert of() == {
        "request": REQUEST, "version": 1, "requester": "ann", "subject": "ann", "principal": "ann.a",
        "resource": "customers-db", "role": "read", "provider": "postgres",
        "settings": {"dsn": {"env": "CUSTOMERS_DSN"}, "database": "shop"},
        "definition": {"grants": ["support_read"]}, "scope": {}, "start": None,
        "duration_s": 7200, "until": None, "reason": "INC-12 a refund is stuck", "ticket": None,
        "level": "medium", "rule": "customers-read", "channel": "C0APPROVE",
        "stages": [{"any_of": ["leads"], "quorum": 1}], "extends": None,
    }  # fmt: skip


FACTS = of()


@given(name=st.sampled_from(sorted(FACTS)), other=PLAIN)
def test_any_other_value_of_any_fact_changes_it(name: str, other: object) -> None:
    assume(canonically(FACTS[name]) != canonically(other))
    assert fingerprint(FACTS | {name: other}) != fingerprint(FACTS)


def canonically(value: object) -> str:
    return fingerprint({"": value})


@given(data=st.data(), values=st.dictionaries(st.text(), PLAIN, max_size=6))
def test_the_order_of_keys_does_not_matter(data: st.DataObject, values: dict[str, object]) -> None:
    shuffled = dict(data.draw(st.permutations(list(values.items()))))
    assert fingerprint(shuffled) == fingerprint(values)


POLICY_CHANGES = [
    ("grants: [support_read]", "grants: [support_read, support_write]"),
    ("database: shop", "database: shop2"),
    ("{env: CUSTOMERS_DSN}", "{env: OTHER_DSN}"),
    ("postgres: ann.a", "postgres: ann.b"),
    ("id: customers-read", "id: customers-reading"),
    ("stages: [{any_of: [leads], quorum: 1}]", "stages: [{any_of: [leads, security], quorum: 1}]"),
    ("C0APPROVE\n      stages: [{any_of: [leads], quorum", "C0OTHER\n      stages: [{any_of: [leads], quorum"),
    ("title: Read customers, grants", "title: Read customers, level: high, grants"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), POLICY_CHANGES)
def test_a_changed_rule_or_role_changes_it(old: str, new: str) -> None:
    text = changed(old, new, changed("max: 3h", "max: 2h"))
    assert fingerprint(of(text)) != fingerprint(of())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("leads: {people: [lea, kim, sam]}", "leads: {people: [lea, sam]}"),
        ("max: 3h", "max: 2h"),
        ("grants: [orders_fix]", "grants: [orders_all]"),
        ("title: Payroll", "title: Pay"),
        ("any_of: [leads], quorum: 1", "any_of: [leads]"),
        ("description: Shows customers.", "description: Shows who our customers are."),
        (", description: Shows customers.", ""),
    ],
)
def test_an_unrelated_change_of_the_policy_leaves_it_alone(old: str, new: str) -> None:
    assert fingerprint(of(changed(old, new))) == fingerprint(of())


@pytest.mark.parametrize(
    "asked_for",
    [{"scope": {"tables": ["orders"]}}, {"ticket": "INC-12"}, {"extends": "01kaq9z0000000000000000aa2"},
     {"starts_at": NOW + timedelta(hours=1)}],
    ids=["scope", "ticket", "extends", "start"],
)  # fmt: skip
def test_whatever_else_was_asked_is_a_fact(asked_for: dict[str, Any]) -> None:
    assert fingerprint(of(**asked_for)) != fingerprint(of())


def test_facts_read_back_from_json_are_the_same_facts() -> None:
    said = of(starts_at=NOW + timedelta(hours=1), duration=None, until=NOW + timedelta(hours=3))
    assert json.loads(json.dumps(said)) == said
    assert (said["start"], said["until"]) == ("2026-03-02T11:00:00.000000Z", "2026-03-02T13:00:00.000000Z")


class PostgresLater(Postgres):
    """As an upgrade may bring it: with an option more in each of its models."""

    class Settings(Postgres.Settings):
        application: str = "countersign"

    class Role(Postgres.Role):
        read_only: bool = False


def test_an_option_that_an_upgrade_adds_changes_no_facts_until_the_policy_says_it() -> None:
    later = cast("Mapping[str, type[Provider]]", {"postgres": PostgresLater})
    for text, same in ((POLICY, True), (changed("database: shop", "database: shop, application: x"), False)):
        loaded = load_policy(text, file="access.yml", providers=later)
        assert (asked(REQUEST, 1, ask(), terms_of(loaded, ask())) == of()) is same


def test_when_it_was_asked_is_not_a_fact_so_that_it_can_be_asked_again_at_the_click() -> None:
    assert fingerprint(of(at=NOW + timedelta(minutes=5))) == fingerprint(of())


def test_what_cleaning_takes_out_of_a_reason_makes_no_difference() -> None:
    assert fingerprint(of(reason="INC-12 a refund\u200b is stuck ")) == fingerprint(of())


def test_a_moment_has_one_form_in_every_zone() -> None:
    amsterdam = timezone(timedelta(hours=1))
    assert canonically(NOW) == canonically(NOW.astimezone(amsterdam))
    assert canonically(NOW) != canonically(NOW + timedelta(microseconds=1))


@pytest.mark.parametrize("value", [0.5, float("nan"), datetime(2026, 1, 1), object(), {1: "x"}, b"x"])  # noqa: DTZ001
def test_what_has_no_one_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        canonically(value)


def test_a_button_carries_an_id_a_version_and_the_beginning_of_the_fingerprint() -> None:
    digest = fingerprint(of())
    value = button_value(REQUEST, 12, digest)
    assert value == f"v1.{REQUEST}.12.{digest[:16]}"
    button = parse_button(value)
    assert button == Button(request_id=REQUEST, version=12, fingerprint=digest[:16])
    assert button.fits(digest)
    assert not button.fits(fingerprint(of(reason="another reason altogether")))


GOOD = button_value(REQUEST, 1, "0123456789abcdef" * 4)


@pytest.mark.parametrize(
    "value",
    [
        "", "v1", GOOD + "\n", GOOD + "0", GOOD[:-1], " " + GOOD, GOOD.upper(), GOOD.replace("v1", "v2"),
        GOOD.replace(".1.", ".0."), GOOD.replace(".1.", ".-1."), GOOD.replace(".1.", ".1e9."),
        GOOD.replace(".1.", ".٣."), GOOD.replace(".1.", "." + "9" * 5000 + "."), GOOD.replace(REQUEST, "../etc"),
        GOOD * 1000,
    ],
    ids=range(15),
)  # fmt: skip
def test_a_button_that_we_did_not_write_finds_nothing(value: str) -> None:
    with pytest.raises(NotFound):
        parse_button(value)


def test_a_request_at_another_version_has_another_fingerprint() -> None:
    asking = ask()
    terms = terms_of(policy(), asking)
    one, two = (asked(REQUEST, version, asking, terms) for version in (1, 2))
    assert fingerprint(one) != fingerprint(two)
    until = replace(terms, duration=None, until=datetime(2026, 3, 2, 12, tzinfo=UTC))
    assert fingerprint(asked(REQUEST, 1, asking, until)) != fingerprint(one)
