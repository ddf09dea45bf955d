"""What is typed finds the best first, and says how much there is."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.choices import Choice, Choices


def choice(entitlement: str, resource_title: str, role_title: str) -> Choice:
    resource, role = entitlement.split("/")
    return Choice(
        resource_id=resource, resource_title=resource_title, role=role, role_title=role_title, level="low",
        longest=timedelta(hours=1),
    )  # fmt: skip


CHOICES = Choices(
    [
        choice("crm-db/read", "Customer relations", "Look at accounts"),
        choice("orders/fix", "Orders (Straße)", "Correct the status of an order"),
        choice("orders/read", "Orders (Straße)", "Read orders"),
        choice("reader/api", "The reader", "Call the API"),
        choice("threads/x_ray", "Threads", "Spread the news"),
    ]
)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("", ["crm-db/read", "orders/fix", "orders/read", "reader/api", "threads/x_ray"]),
        ("read", ["crm-db/read", "orders/read", "reader/api", "threads/x_ray"]),
        ("  READ  ", ["crm-db/read", "orders/read", "reader/api", "threads/x_ray"]),
        ("reader", ["reader/api"]),
        ("ord", ["orders/fix", "orders/read"]),
        ("orders/r", ["orders/read"]),
        ("status", ["orders/fix"]),
        ("order correct", ["orders/fix"]),
        ("db", ["crm-db/read"]),
        ("crm-d", ["crm-db/read"]),
        ("ray", ["threads/x_ray"]),
        ("strasse", ["orders/fix", "orders/read"]),
        ("the", ["reader/api", "orders/fix", "threads/x_ray"]),
        ("an order", ["orders/fix"]),
        ("\u200bread\u202e orders", ["orders/read"]),
        ("nowhere", []),
        ("read nowhere", []),
    ],
)
def test_what_begins_as_typed_comes_first_then_words_then_anything(typed: str, found: list[str]) -> None:
    assert [one.entitlement for one in CHOICES.search(typed, most=100).best] == found


def test_no_more_than_wanted_but_all_are_counted() -> None:
    found = CHOICES.search("read", most=2)

    assert ([one.entitlement for one in found.best], found.total) == (["crm-db/read", "orders/read"], 4)


@given(typed=st.text(max_size=40))
def test_whatever_is_typed_finds_only_what_has_all_of_it(typed: str) -> None:
    found = CHOICES.search(typed, most=100)

    assert found.total == len(found.best) == len(set(found.best))
    assert set(found.best) <= set(CHOICES)
