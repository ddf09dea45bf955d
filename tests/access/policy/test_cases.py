"""A policy is tried before it is trusted: cases, properties, what no case touches, and the trace of one request."""

from datetime import timedelta
from pathlib import Path

import pytest

from access.catalog import Entitlement, Policy
from access.errors import PolicyError
from access.ids import Person
from access.policy.cases import Case, read_cases, try_cases
from access.policy.coverage import coverage
from access.policy.load import load_policy
from access.policy.properties import Property, try_property
from access.policy.simulate import in_words, simulate
from countersign.providers import ProviderClasses
from tests.access.policy.example import ask, changed, policy
from tests.access.policy.test_decide import FOR_OTHERS

TWO_STAGES = changed("[{any_of: [leads], quorum: 1}]", "[{any_of: [leads]}, {any_of: [security]}]")
ANN_READS = "{name: ann reads, ask: {by: ann, entitlement: customers-db/read}, expect: {decision: allowed}}"


def tried(cases: str, loaded: Policy | None = None) -> list[Case]:
    shape, document = read_cases(f"cases:\n{cases}", "access.tests.yml")
    return list(try_cases(loaded or policy(), shape, document))


def one(ask: str, expect: str, loaded: Policy | None = None) -> tuple[str, ...]:
    (case,) = tried(f"  - {{name: one, ask: {{{ask}}}, expect: {{{expect}}}}}", loaded)
    return case.failures


def test_a_case_may_be_about_who_receives_what_another_asks() -> None:
    for_others = policy(FOR_OTHERS)
    asked = "by: sam, for: ann, entitlement: customers-db/read"
    assert one(asked, "decision: allowed, stages: [[kim, lea]]", for_others) == ()
    assert one(asked, "decision: denied, because: no_rule") == ()


READS = "by: ann, entitlement: customers-db/read"


@pytest.mark.parametrize(
    "expect",
    [
        "decision: allowed",
        "decision: allowed, rule: customers-read, level: medium, channel: C0APPROVE, longest: 3h, lapses_after: 8h",
        "decision: allowed, stages: [[sam, kim, lea]]",
    ],
)
def test_a_case_holds_where_the_policy_answers_so(expect: str) -> None:
    assert one(READS, expect) == ()


@pytest.mark.parametrize(
    ("asks", "expect", "failure"),
    [
        (READS, "decision: denied", "it is allowed, by rule customers-read"),
        (READS, "decision: denied, because: no_rule", "it is allowed, by rule customers-read"),
        (READS, "decision: allowed, rule: orders-fix", "`rule` is customers-read, not orders-fix"),
        (READS, "decision: allowed, level: high", "`level` is medium, not high"),
        (READS, "decision: allowed, longest: 2h", "`longest` is 3 h, not 2 h"),
        (READS, "decision: allowed, lapses_after: 1h", "`lapses_after` is 8 h, not 1 h"),
        (READS, "decision: allowed, stages: [[lea, kim]]", "stage 1 asks kim, lea, sam, not kim, lea"),
        (READS, "decision: allowed, stages: [[lea, kim, sam], [sam]]", "it has 1 stage, not 2"),
        (f"{READS}, time: 4h", "decision: allowed", "it is denied, because too_long"),
        (f"{READS}, reason: why", "decision: denied, because: no_reason",
         "it is denied because reason_too_short, not because no_reason"),
    ],
)  # fmt: skip
def test_what_differs_from_a_case_is_said(asks: str, expect: str, failure: str) -> None:
    assert one(asks, expect) == (failure,)


def test_a_case_says_whom_each_stage_asks() -> None:
    assert one(READS, "decision: allowed, stages: [[lea, kim], [sam]]", policy(TWO_STAGES)) == (), (
        "sam, whom the second stage needs, is not asked by the first"
    )


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("", None, "the file is empty; docs/policy.md shows how cases begin"),
        ("cases: []\n", 1, "`cases` must not be empty"),
        (f"cases:\n  - {ANN_READS}\n  - {{name: x}}\n", 3, "an entry of `cases` needs `ask`"),
        (f"cases:\n  - {ANN_READS}\nproperties:\n  - {{}}\n", 4,
         "an entry of `properties`: say one of `approvals`, `answerable` and `never`"),
        (f"at: 2026-11-02\ncases: [{ANN_READS}]\n", 1, "`at`: needs its zone, like 2026-11-02T10:00+01:00"),
        (f"at: noon\ncases: [{ANN_READS}]\n", 1,
         "`at`: must be a moment with its zone, like 2026-11-02T10:00+01:00, not “noon”"),
        (f"cases: [{ANN_READS.replace('allowed', 'denied, because: norule')}]\n", 1,
         "`because`: unknown reason `norule`; did you mean `no_rule`?"),
        (f"cases: [{ANN_READS.replace('allowed', 'denied, rule: x')}]\n", 1,
         "`expect`: what is denied has no terms; say `because` alone"),
        (f"cases: [{ANN_READS.replace('allowed', 'allowed, because: no_rule')}]\n", 1,
         "`expect`: `because` is of what is denied"),
        ("cases: [a, b\n", 2, "this is not YAML"),
        ("cases: &a [*a]\n", 1, "anchors and aliases"),
    ],
)  # fmt: skip
def test_a_file_of_cases_is_read_as_strictly_as_the_policy(text: str, line: int | None, sentence: str) -> None:
    with pytest.raises(PolicyError) as refused:
        read_cases(text, "access.tests.yml")
    assert sentence in refused.value.sentence
    assert refused.value.line == line


def held(words: str, loaded: Policy | None = None) -> Property:
    shape, _ = read_cases(f"cases: [{ANN_READS}]\nproperties: [{words}]\n", "access.tests.yml")
    return try_property(loaded or policy(), shape.properties[0], 2)


ONLY_ONE = "rule customers-read opens level medium with 1 of 2 approvals"
KIM_MAY = "kim may ask for payroll/read, by rule payroll-read"


@pytest.mark.parametrize(
    ("words", "failures"),
    [
        ("{approvals: {levels: [medium], at_least: 1}}", ()),
        ("{approvals: {levels: [medium], at_least: 2}}", (ONLY_ONE,)),
        ("{approvals: {levels: [midium], at_least: 1}}", ("there is no level midium",)),
        ("{answerable: {levels: [medium, high]}}", ()),
        ("{never: {groups: [security], entitlements: [customers-db/read]}}", ()),
        ("{never: {groups: [leads], entitlements: [payroll/read]}}", (KIM_MAY,)),
        ("{never: {groups: [nobody], entitlements: [payroll/write]}}",
         ("there is no group nobody", "there is no entitlement payroll/write")),
    ],
)  # fmt: skip
def test_a_property_holds_for_everybody_and_everything_or_names_what_breaks_it(
    words: str, failures: tuple[str, ...]
) -> None:
    assert held(words).failures == failures


def test_who_could_ask_and_find_too_few_to_approve_breaks_a_property() -> None:
    alone = policy(changed("      stages: [{any_of: [leads]}]", "      stages: [{any_of: [security]}]"))
    assert held("{answerable: {levels: [high]}}", alone).failures == (
        "rule payroll-read (level high) has too few approvers for sam",
    )


def test_what_no_case_touches_is_named() -> None:
    loaded = policy(TWO_STAGES)
    says = f"  - {{name: two, ask: {{{READS}}}, expect: {{decision: allowed, stages: [[lea, kim]"
    nothing, first = (coverage(loaded, tried(text, loaded)) for text in (f"  - {ANN_READS}", f"{says}]}}}}"))
    assert nothing.untouched[:2] == ("stage 1 of rule customers-read", "stage 2 of rule customers-read")
    assert first.untouched[0] == "stage 2 of rule customers-read"
    assert "rule orders-fix" in nothing.untouched
    all_of_it = coverage(loaded, tried(f"{says}, [sam]]}}}}", loaded))
    assert (all_of_it.parts, all_of_it.percent) == (7, 42)


def test_a_simulation_says_of_each_person_why_they_are_not_asked() -> None:
    first, second = simulate(policy(TWO_STAGES), ask()).stages
    assert (first.people, second.people) == (("kim", "lea"), ("sam",))
    assert first.others == {
        "ann": "asks", "eve": "is not in leads",
        "sam": "is needed at a later stage, which no other person could fill, and counts once",
    }  # fmt: skip
    assert set(second.others) == {"ann", "eve", "kim", "lea"}


def test_a_simulation_in_words_is_the_trace_and_each_stage() -> None:
    words = in_words(simulate(policy(), ask())).splitlines()
    assert words[-3:] == ["→ stage 1 of 1: 1 of kim, lea, sam", "    not ann: asks", "    not eve: is not in leads"]
    refused = in_words(simulate(policy(), ask(duration=timedelta(hours=9))))
    assert "✗ time 9 h" in refused
    assert "→" not in refused


def test_the_cases_of_the_example_hold_and_touch_all_of_it() -> None:
    folder = Path(__file__).parents[3]
    file = folder / "access.example.yml"
    loaded = load_policy(file.read_text(encoding="utf-8"), file=str(file), providers=ProviderClasses())
    shape, document = read_cases((folder / "access.tests.example.yml").read_text(encoding="utf-8"), "cases")
    cases = list(try_cases(loaded, shape, document))
    assert [(case.name, case.failures) for case in cases if case.failures] == []
    assert len(cases) >= 40
    assert coverage(loaded, cases).percent == 100


ASKED_TOO = changed(
    "stages: [{any_of: [leads]}]", "stages: [{any_of: [leads]}]\n    escalate: [{after: 15m, to: security}]"
)
LEA_READS = "by: lea, entitlement: payroll/read, time: 10m"


def test_a_case_says_whom_a_step_of_the_ladder_adds_and_the_trace_shows_it() -> None:
    loaded = policy(ASKED_TOO)
    assert one(LEA_READS, "decision: allowed, asked_too: [[sam]]", loaded) == ()
    assert one(LEA_READS, "decision: allowed, asked_too: [[eve]]", loaded) == (
        "after 15 min it asks sam too, not eve",
    )  # fmt: skip
    assert one(LEA_READS, "decision: allowed, asked_too: []", loaded) == ("1 step of `escalate` adds people, not 0",)
    asked = ask(requester=Person("lea"), entitlement=Entitlement("payroll", "read"), duration=timedelta(minutes=10))
    assert "after 15 min: sam of security can decide too" in in_words(simulate(loaded, asked)).splitlines()


def test_a_step_that_adds_people_is_touched_by_a_case_that_says_whom() -> None:
    loaded = policy(ASKED_TOO)
    without = tried(f"  - {{name: lea, ask: {{{LEA_READS}}}, expect: {{decision: allowed}}}}", loaded)
    said = tried(f"  - {{name: lea, ask: {{{LEA_READS}}}, expect: {{decision: allowed, asked_too: [[sam]]}}}}", loaded)
    assert "step after 15 min of rule payroll-read" in coverage(loaded, without).untouched
    assert "step after 15 min of rule payroll-read" not in coverage(loaded, said).untouched
