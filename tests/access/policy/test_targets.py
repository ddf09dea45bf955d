"""What resources share whose settings lead to one target."""

import pytest

from access.policy.load import check
from access.ports import CallLimits
from tests.access.policy.example import POLICY, PROVIDERS, changed, policy

PAYROLL = "    settings: {dsn: {file: /run/payroll}, database: pay}"
CUSTOMERS = "    settings: {dsn: {env: CUSTOMERS_DSN}, database: shop}"
ONE_TARGET = changed("{dsn: {file: /run/payroll}", "{dsn: {env: CUSTOMERS_DSN}")
SAME = PAYROLL.replace("{file: /run/payroll}", "{env: CUSTOMERS_DSN}")


def limited(customers: str, payroll: str, text: str = ONE_TARGET, there: str = SAME) -> str:
    text = changed(CUSTOMERS, f"{CUSTOMERS}\n    limits: {customers}" if customers else CUSTOMERS, text)
    return changed(there, f"{there}\n    limits: {payroll}" if payroll else there, text)


def sentences(text: str) -> list[str]:
    return [problem.at("f") for problem in check(text, file="f", providers=PROVIDERS)[1]]


def test_resources_that_one_account_reaches_are_at_one_target_whatever_their_database() -> None:
    loaded, apart = policy(ONE_TARGET), policy()

    assert [one.id for one in loaded.at("postgres:env:CUSTOMERS_DSN")] == ["customers-db", "payroll"]
    assert [one.id for one in apart.at("postgres:env:CUSTOMERS_DSN")] == ["customers-db"]
    assert [one.id for one in apart.at("postgres:file:/run/payroll")] == ["payroll"]


def test_a_target_is_found_by_one_of_its_resources_too() -> None:
    assert policy(ONE_TARGET).at("payroll") == policy(ONE_TARGET).at("postgres:env:CUSTOMERS_DSN")
    assert policy().at("gone") == policy().at("postgres:env:GONE") == ()


def test_a_resource_says_what_its_target_bears() -> None:
    loaded = policy(limited("{concurrency: 4, per_second: 5}", "{concurrency: 2}", POLICY, PAYROLL))

    limits = {name: resource.limits for name, resource in loaded.resources.items()}
    assert limits == {
        "customers-db": CallLimits(concurrency=4, per_second=5), "payroll": CallLimits(concurrency=2),
    }  # fmt: skip


@pytest.mark.parametrize("other", ["{concurrency: 5, per_second: 5}", "{concurrency: 4}"])
def test_two_resources_at_one_target_that_say_different_limits_are_an_error_that_names_both(other: str) -> None:
    assert sentences(limited("{concurrency: 4, per_second: 5}", other)) == [
        "f:34: `payroll` and `customers-db` (line 24) are at one target and say different `limits`; say the same, or "
        "say them at one of the two"
    ]


@pytest.mark.parametrize("other", ["{per_second: 5, concurrency: 4}", ""])
def test_limits_that_are_said_once_or_alike_are_no_error(other: str) -> None:
    assert sentences(limited("{concurrency: 4, per_second: 5}", other)) == []


def test_resources_at_two_targets_may_say_different_limits() -> None:
    assert sentences(limited("{concurrency: 4}", "{concurrency: 5}", POLICY, PAYROLL)) == []


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("{concurrency: 0}", "`concurrency`: input should be greater than or equal to 1"),
        ("{concurrency: 257}", "`concurrency`: input should be less than or equal to 256"),
        ("{per_second: 0}", "`per_second`: input should be greater than or equal to 1"),
        ("{per_second: fast}", "`per_second` must be a whole number"),
        ("{per_minute: 5}", "unknown word `per_minute`; `limits` may have `concurrency`, `per_second`"),
        ("", "`limits` needs a value"),
    ],
)
def test_limits_that_cannot_be_kept_are_an_error(said: str, sentence: str) -> None:
    text = changed(CUSTOMERS, f"{CUSTOMERS}\n    limits: {said}")
    assert [one.partition(": ")[2] for one in sentences(text)] == [sentence]
