"""What another policy changes: nothing is said of another way to say the same, and no widening is left out."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from access.catalog import Entitlement, Group, PersonEntry, Policy, Reminder, Rule, Stage
from access.ids import Person, SlackChannel, SlackUser
from access.policy.differences import differences
from tests.access.policy.example import changed, policy

LEADS = "leads: {people: [lea, kim, sam]}"


def said(text: str, before: Policy | None = None) -> list[tuple[str, bool]]:
    return [(one.sentence, one.is_wider) for one in differences(before or policy(), policy(text))]


CHANGES: list[tuple[str, str, list[tuple[str, bool]]]] = [
    ("max: 30m", "max: 1h", [
        ("payroll/read can be had for up to 1 h instead of 30 min, by rule `payroll-read`", True)]),
    ("max: 30m", "max: 10m", [
        ("payroll/read can be had for up to 10 min instead of 30 min, by rule `payroll-read`", False)]),
    ("stages: [{any_of: [leads]}]", "stages: [{any_of: [leads, security], quorum: 2}]", [
        ("payroll/read needs 2 approvals instead of 1, by rule `payroll-read`", False)]),
    ("stages: [{any_of: [leads]}]", "stages: [{any_of: [leads]}]\n    escalate: [{after: 15m, to: engineers}]", [
        ("after 15 min without an answer ann can approve payroll/read too", True)]),
    ("security: {people: [sam]}", "security: {people: [sam, kim]}", [("kim is in the security team now", True)]),
    ("ann: {slack: U0ANN,", "ann: {slack: U0ANNE,", [("ann is the Slack account U0ANNE now, and not U0ANN", True)]),
    ("grants: [support_read]", "grants: [everything]", [
        ("customers-db/read opens something else on its target: `grants` changed", True)]),
    ("entitlements: [payroll/read]}", "entitlements: [payroll/read]}\n    on_behalf: {groups: [engineers]}", [
        ("ann and lea can ask for payroll/read for others now", True)]),
    ("digest: {", "limits: {extensions: 3}\ndigest: {", [
        ("open access can be extended 3 times instead of 1", True)]),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "lines"), CHANGES)
def test_a_change_is_one_line_in_words_that_says_whether_more_can_be_had(
    old: str, new: str, lines: list[tuple[str, bool]]
) -> None:
    assert said(changed(old, new)) == lines


def test_the_same_said_in_another_way_is_no_difference() -> None:
    text = changed(LEADS, "leads: {people: [sam, lea, kim]}\n  chiefs: {people: [kim, lea, sam]}")
    text = changed("stages: [{any_of: [leads]}]", "stages: [{any_of: [chiefs]}]", text)
    assert said(f"# who decides\n{text}") == []
    assert differences(policy(), policy()) == ()


def test_who_gains_and_who_loses_is_named_once_for_all_entitlements_and_the_wider_comes_first() -> None:
    lines = said(changed("security: {people: [sam]}", "security: {people: [kim]}"))
    assert [wider for _, wider in lines] == sorted((wider for _, wider in lines), reverse=True)
    assert ("kim is in the security team now", True) in lines
    assert ("sam is no longer in the security team", False) in lines


def test_many_names_are_counted() -> None:
    before = policy()
    people = {
        Person(f"p{n}"): PersonEntry(name=Person(f"p{n}"), slack=SlackUser(f"U0{n}"), names={}) for n in range(15)
    }
    groups = {
        **before.groups,
        "engineers": replace(before.groups["engineers"], people=frozenset({*people, Person("ann")})),
    }
    after = replace(before, people={**before.people, **people}, groups=groups)
    assert any("p0, p1, p10 and 12 more can ask for " in one.sentence for one in differences(before, after))


def test_an_entitlement_that_is_new_or_removed_is_said_so() -> None:
    more = "Changes orders.}\n      drop: {title: Drop, grants: [all]}"
    new = changed(
        "entitlements: [payroll/read]",
        "entitlements: [payroll/read, customers-db/drop]",
        changed("Changes orders.}", more),
    )
    assert ("new: customers-db/drop, for which kim, lea and sam can ask", True) in said(new)
    assert ("removed: customers-db/drop, for which kim, lea and sam could ask", False) in [
        (one.sentence, one.is_wider) for one in differences(policy(new), policy())
    ]


# The tiny evaluator beside, written apart: what a person can have, as plain values.
NAMES = [Person(one) for one in "abcd"]
GROUPS = ["g1", "g2", "g3"]
ROLES = [Entitlement("customers-db", "read"), Entitlement("customers-db", "fix-orders"), Entitlement("payroll", "read")]


def have(one: Policy, person: Person, entitlement: Entitlement) -> Any:
    for rule in one.rules:
        who = set().union(*(one.groups[group].people for group in rule.groups))
        if entitlement not in rule.entitlements or person not in who:
            continue
        resource = one.resources[entitlement.resource]
        level = one.levels[resource.roles[entitlement.role].level]
        stages, mine = [], set[str]()
        for stage in rule.stages:
            names = [resource.owner if name == "owner" else name for name in (*stage.any_of, *stage.all_of)]
            mine |= set(names)
            sets = [frozenset(one.groups[name].people - {person}) for name in names]
            several = len(sets) > 1 and stage.all_of
            stages.append((stage.quorum if stage.any_of else len(sets),
                           sorted(map(sorted, sets)) if several else [sorted(frozenset().union(*sets))]))  # fmt: skip
        ends = min(rule.lapses_after or level.request_ttl, level.request_ttl)
        later: dict[Person, timedelta] = {}
        for step in rule.reminders:
            if step.group in mine or step.after >= ends:
                continue
            for other in one.groups[step.group].people - {person}:
                later.setdefault(other, step.after)
        asked = [set().union(*sets) for _, sets in stages]
        fresh = {one: after for one, after in later.items() if not all(one in people for people in asked)}
        return min(rule.max or level.max, level.max), stages, sorted(fresh.items())
    return None


def may_ask(one: Policy, asks: Person, receives: Person, entitlement: Entitlement) -> bool:
    for rule in one.rules:
        for_whom = set().union(*(one.groups[group].people for group in rule.groups))
        if entitlement in rule.entitlements and receives in for_whom:
            return asks == receives or any(asks in one.groups[group].people for group in rule.on_behalf)
    return False


def completes(had: Any, waited: timedelta, able: Iterable[Person]) -> bool:
    """Whether these people alone can complete the chain after so long, each at one place."""
    places: list[set[Person]] = []
    for wanted, sets in had[1]:
        more = {one for one, after in had[2] if after <= waited} if len(sets) == 1 else set[Person]()
        places += [{*one, *more} for one in sets] * (wanted if len(sets) == 1 else 1)
    return any(
        len(set(chosen)) == len(chosen)
        for chosen in product(*([one for one in place if one in able] for place in places))
    )


def is_more(old: Policy, new: Policy, person: Person, entitlement: Entitlement) -> bool:
    before, now = have(old, person, entitlement), have(new, person, entitlement)
    if now is None:
        return False
    if before is None or now[0] > before[0]:
        return True
    moments = [timedelta(0), *(after for _, after in now[2])]
    crowds = [set(crowd) for size in range(len(NAMES) + 1) for crowd in combinations(NAMES, size)]
    return any(
        completes(now, moment, crowd) and not completes(before, moment, crowd)
        for moment, crowd in product(moments, crowds)
    )


def worlds() -> st.SearchStrategy[Policy]:
    some = st.lists(st.sampled_from(GROUPS), min_size=1, max_size=2, unique=True)
    hours = st.sampled_from([timedelta(hours=1), timedelta(hours=2), None])
    stage = st.one_of(
        st.builds(
            lambda names, wanted: Stage(any_of=tuple(names), quorum=wanted),
            st.one_of(some, st.just(["owner"])),
            st.integers(1, 2),
        ),
        some.map(lambda names: Stage(all_of=tuple(names))),
    )
    stages = st.lists(stage, min_size=1, max_size=2)

    @st.composite
    def world(draw: st.DrawFn) -> Policy:
        base = policy()
        people = {one: PersonEntry(name=one, slack=SlackUser(f"U0{one}"), names={}) for one in NAMES}
        groups = {
            name: Group(name=name, people=draw(st.frozensets(st.sampled_from(NAMES), max_size=3))) for name in GROUPS
        }
        rules = list[Rule]()
        for number, entitlement in enumerate(ROLES):
            if not draw(st.booleans()):
                continue
            called = draw(st.lists(st.sampled_from(GROUPS), max_size=2))
            steps = [Reminder(after=timedelta(minutes=15 * at), group=one) for at, one in enumerate(called, start=1)]
            chain = tuple(draw(stages))
            if any(one.all_of for one in chain):
                steps = []
            rules.append(
                Rule(id=f"r{number}", groups=tuple(draw(some)), entitlements=(entitlement,), max=draw(hours),
                     channel=SlackChannel("C0"), stages=chain, reminders=tuple(steps),
                     on_behalf=tuple(draw(st.lists(st.sampled_from(GROUPS), max_size=1))))
            )  # fmt: skip
        resources = {name: replace(one, owner=draw(st.sampled_from(GROUPS))) for name, one in base.resources.items()}
        security = replace(base.security, group="g1")
        same = Group(name="team", people=frozenset({NAMES[0]}))
        return replace(
            base, people=people, groups={**groups, "team": same}, rules=tuple(rules), resources=resources,
            security=replace(security, group="team"),
        )  # fmt: skip

    return world()


@settings(max_examples=300, deadline=None)
@given(worlds(), worlds())
def test_there_are_differences_if_and_only_if_somebody_can_have_something_else(old: Policy, new: Policy) -> None:
    found = differences(old, new)
    pairs, asking = list(product(NAMES, ROLES)), list(product(NAMES, NAMES, ROLES))

    same = all(have(old, *pair) == have(new, *pair) for pair in pairs)
    same = same and all(may_ask(old, *one) == may_ask(new, *one) for one in asking)
    assert (found == ()) == same, found
    more = any(may_ask(new, *one) and not may_ask(old, *one) for one in asking)
    if more or any(is_more(old, new, *pair) for pair in pairs):
        assert any(one.is_wider for one in found), found


@settings(max_examples=50, deadline=None)
@given(worlds())
def test_a_policy_with_more_people_who_may_ask_is_wider_and_back_again_narrower(one: Policy) -> None:
    more = replace(
        one, rules=tuple(replace(rule, groups=tuple(dict.fromkeys([*rule.groups, "team"]))) for rule in one.rules)
    )
    there, back = differences(one, more), differences(more, one)
    assert all(line.is_wider for line in there)
    assert not any(line.is_wider for line in back)
