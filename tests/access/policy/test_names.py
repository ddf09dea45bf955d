"""What targets call people: by resource, or else by provider, and never two by one name on one target."""

import pytest

from access.ids import Person
from access.policy.load import check
from tests.access.policy.example import POLICY, PROVIDERS, changed, policy

ONE_TARGET = changed("{dsn: {file: /run/payroll}", "{dsn: {env: CUSTOMERS_DSN}")
ANN, LEA = "ann: {slack: U0ANN, names: {postgres: ann.a}}", "lea: {slack: U0LEA}"


def named(ann: str, lea: str, text: str = POLICY, canary: str = "") -> str:
    text = changed(ANN, f"ann: {{slack: U0ANN, names: {ann}}}", text)
    text = changed(LEA, f"lea: {{slack: U0LEA, names: {lea}}}", text)
    return changed("digest: {", f"{canary}\ndigest: {{", text) if canary else text


def sentences(text: str) -> list[str]:
    return [problem.sentence for problem in check(text, file="f", providers=PROVIDERS)[1]]


def test_a_name_for_a_resource_goes_before_the_one_for_its_provider() -> None:
    loaded = policy(named("{postgres: ann.a, payroll: ann_r}", "{payroll: lea.p}"))
    ann, lea = loaded.people[Person("ann")], loaded.people[Person("lea")]

    called = {name: (ann.principal(one), lea.principal(one)) for name, one in loaded.resources.items()}
    assert called == {"customers-db": ("ann.a", "lea"), "payroll": ("ann_r", "lea.p")}


def test_a_canary_is_called_by_resource_too() -> None:
    canary = "canary: {entitlements: [payroll/nothing], names: {postgres: bird, payroll: nobody}}"
    text = changed(
        "read: {title: Read salaries", "nothing: {title: Nothing, grants: [none]}\n      read: {title: Read salaries"
    )
    loaded = policy(named("{postgres: ann.a}", "{}", text, canary))

    assert loaded.canary is not None
    called = {name: loaded.canary.principal(one) for name, one in loaded.resources.items()}
    assert called == {"customers-db": "bird", "payroll": "nobody"}


ALIKE = "would both be `x` on payroll; each needs a name of their own"


@pytest.mark.parametrize(
    ("ann", "lea", "sentence"),
    [
        ("{payroll: x}", "{payroll: x}", f"`lea` and `ann` {ALIKE}"),
        ("{payroll: x}", "{postgres: x}", f"`ann` and `lea` {ALIKE}"),
        ("{postgres: x}", "{payroll: x}", f"`lea` and `ann` {ALIKE}"),
        ("{payroll: lea}", "{}", f"`ann` and `lea` {ALIKE.replace('`x`', '`lea`')}"),
    ],
)
def test_two_people_never_have_one_name_on_a_target(ann: str, lea: str, sentence: str) -> None:
    assert sentences(named(ann, lea)) == [sentence]


@pytest.mark.parametrize(
    ("ann", "lea", "sentence"),
    [
        ("{payroll: x}", "{customers-db: x}", "`ann` on payroll and `lea` on customers-db"),
        ("{payroll: x}", "{postgres: x, payroll: y}", "`ann` on payroll and `lea` on customers-db"),
    ],
)
def test_nor_by_two_resources_of_one_target(ann: str, lea: str, sentence: str) -> None:
    assert sentences(named(ann, lea)) == [], "these are two targets"
    assert sentences(named(ann, lea, ONE_TARGET)) == [
        f"{sentence} would both be `x`, and both are at one target; each needs a name of their own"
    ]


def test_two_clusters_may_know_different_people_by_one_name() -> None:
    assert sentences(named("{payroll: ann_r}", "{payroll: ann}")) == []


@pytest.mark.parametrize(
    ("ann", "canary", "sentence"),
    [
        ("{payroll: canary}", "{}", "the canary"),
        ("{payroll: bird}", "{payroll: bird}", "the canary"),
        ("{}", "{payroll: ann}", "`ann`"),
    ],
)
def test_nobody_receives_what_the_canary_is_granted(ann: str, canary: str, sentence: str) -> None:
    text = changed(
        "read: {title: Read salaries", "nothing: {title: Nothing, grants: [none]}\n      read: {title: Read salaries"
    )
    found = sentences(named(ann, "{}", text, f"canary: {{entitlements: [payroll/nothing], names: {canary}}}"))

    assert len(found) == 1
    assert sentence in found[0]
    assert "on payroll; each needs a name of their own" in found[0]
