"""Version 1 of what a request is bound to, by the fingerprints that the version before made."""

from datetime import timedelta
from typing import Any

import pytest

from access.ids import GrantId, RequestId
from access.policy import facts_v1
from access.policy.load import load_policy
from tests.access.policy.example import NOW, ask, policy, terms_of
from tests.cast import POLICY as CAST
from workers.providers.postgres import Postgres

REQUEST = RequestId("01kaq9z0000000000000000aa1")
MADE_BEFORE: dict[str, tuple[int, dict[str, Any], str]] = {
    "plain": (1, {}, "6569a8f0a30c71d68fafb674bd003e896155e15f6193c55ade3ec1fe6bc98c81"),
    "of version 3": (3, {}, "d5d1f4555582688505238970e30094d4029d14e26763db609952c95c95df5685"),
    "until, and later": (
        1, {"duration": None, "until": NOW + timedelta(hours=3), "starts_at": NOW + timedelta(hours=1)},
        "d3d424e218575f7977fc65a6f4df63ccd3d6c6b3bd8390e3158d9826fe6da6b9",
    ),
    "an extension": (
        1, {"extends": GrantId("01kaq9z0000000000000000aa2")},
        "234153de48718d87227d3bbef1f54c2603b065e6d94d68730e60ca64e6429cba",
    ),
}  # fmt: skip
ON_POSTGRES = {
    "": "3850309ca5fd401682cc3715c67df588628c10ec2b23778f51ae2f72bad7180c",
    ", mode: login": "3850309ca5fd401682cc3715c67df588628c10ec2b23778f51ae2f72bad7180c",
    ", mode: membership": "f386b2953a3b87f38a297d750e7fce99c0e41e05ab0f0cfa4e1e34b82a319cf6",
}


@pytest.mark.parametrize("which", MADE_BEFORE)
def test_the_formula_is_that_of_the_version_before(which: str) -> None:
    version, asked, made_before = MADE_BEFORE[which]
    columns = facts_v1.columns(REQUEST, version, ask(**asked), terms_of(policy(), ask(**asked)))
    assert columns["fingerprint"] == made_before
    assert columns["settings"] == {"dsn": {"env": "CUSTOMERS_DSN", "file": None}, "database": "shop", "port": 5432}


@pytest.mark.parametrize("mode", ON_POSTGRES)
def test_the_formula_is_that_of_the_version_before_on_postgres_too(mode: str) -> None:
    settings = f"provider: postgres\n    settings: {{dsn: {{env: DSN}}, database: shop{mode}}}"
    text = CAST.replace("provider: fake\n    settings: {server: one}", settings)
    text = text.replace("power: look", "grants: [a]").replace("power: mend", "grants: [b]")
    terms = terms_of(load_policy(text, file="access.yml", providers={"postgres": Postgres}), ask())
    assert facts_v1.columns(REQUEST, 1, ask(), terms)["fingerprint"] == ON_POSTGRES[mode]


SAID, EVERYTHING = {"dsn": {"env": "DSN"}}, {"dsn": {"env": "DSN", "file": None}, "mode": "login", "port": 5432}


@pytest.mark.parametrize(
    "stored",
    [
        {"dsn": {"env": "DSN", "file": None}, "mode": "login", "port": 5432},
        {"dsn": {"env": "DSN", "file": None}, "port": 5432},
        {"dsn": {"env": "DSN"}},
    ],
)
def test_an_option_that_was_added_since_and_is_not_said_means_the_same(stored: dict[str, Any]) -> None:
    assert facts_v1.means(stored, SAID, EVERYTHING)


@pytest.mark.parametrize(
    ("stored", "said", "everything"),
    [
        ({"port": 5433}, SAID, EVERYTHING),
        ({"dsn": {"env": "OTHER", "file": None}}, SAID, EVERYTHING),
        ({"dsn": {"file": "DSN", "env": None}}, SAID, EVERYTHING),
        ({"dsn": {"env": "DSN"}, "gone": 1}, SAID, EVERYTHING),
        ({"dsn": {"env": "DSN"}}, SAID | {"mode": "membership"}, EVERYTHING | {"mode": "membership"}),
        ({"dsn": {"env": "DSN"}, "port": True}, SAID, EVERYTHING | {"port": 1}),
        ({"dsn": "DSN"}, SAID, EVERYTHING),
        ({"grants": ["a"]}, {"grants": ["a", "b"]}, {"grants": ["a", "b"]}),
        ({"grants": ["b", "a"]}, {"grants": ["a", "b"]}, {"grants": ["a", "b"]}),
        ({}, SAID, EVERYTHING),
    ],
    ids=range(10),
)
def test_whatever_else_differs_means_something_else(stored: Any, said: Any, everything: Any) -> None:
    assert not facts_v1.means(stored, said, everything)


def test_lists_of_things_with_options_mean_the_same_too() -> None:
    assert facts_v1.means({"rules": [{"table": "a"}]}, {"rules": [{"table": "a"}]},
                          {"rules": [{"table": "a", "mask": False}]})  # fmt: skip
