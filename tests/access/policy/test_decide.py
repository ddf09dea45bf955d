"""What the policy answers: the terms, or a refusal that says why, with every step on the way."""

import itertools
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from access.canonical import canonical
from access.catalog import Entitlement, Policy, Stage
from access.choices import Choices
from access.errors import InvalidInput, NotAnApprover, PolicyRefuses, SelfReview, UnknownPerson
from access.ids import Person
from access.people import People
from access.policy.decide import (
    Allowed,
    Ask,
    Denied,
    decide,
    decide_again,
    may_review,
    render,
)
from access.policy.reasons import Reason, sentence_of
from access.policy.refusals import Refused, RefusedStranger, refusal_of
from tests.access.policy.example import NOW, ask, changed, policy

ANN, LEA, KIM, SAM, EVE = (Person(name) for name in ("ann", "lea", "kim", "sam", "eve"))
READ = Entitlement("customers-db", "read")
FIX = Entitlement("customers-db", "fix-orders")
PAYROLL = Entitlement("payroll", "read")

FOR_OTHERS = changed(
    "entitlements: [customers-db/read]}", "entitlements: [customers-db/read]}\n    on_behalf: {groups: [security]}"
)


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def test_a_ladder_only_shortens_how_long_a_request_waits() -> None:
    steps = "escalate: [{after: 1h, to: leads}, {after: 3h, to: leads}, {after: 7h, then: lapse}]"
    one = "      stages: [{any_of: [leads], quorum: 1}]"
    text = changed(one, f"{one}\n    {steps}")

    terms = allowed(policy(text), ask()).terms
    strict = allowed(
        policy(changed("request_ttl: 8h", "request_ttl: 2h", text.replace("7h", "100m").replace("3h, to", "90m, to"))),
        ask(),
    ).terms

    assert (terms.lapses_after, [one.after for one in terms.reminders]) == (hours(7), [hours(1), hours(3)])
    assert (strict.lapses_after, [one.after for one in strict.reminders]) == (
        timedelta(minutes=100),
        [hours(1), hours(1.5)],
    )


def allowed(loaded: Policy, asking: Ask, **more: Any) -> Allowed:
    decision = decide(loaded, People(loaded, **more), asking)
    assert isinstance(decision, Allowed), decision
    return decision


def denied(loaded: Policy | None = None, **asked: Any) -> Denied:
    known = loaded or policy()
    decision = decide(known, People(known), ask(**asked))
    assert isinstance(decision, Denied), "it may be asked for"
    return decision


def refusal(loaded: Policy | None = None, **asked: Any) -> Refused:
    """As the person is told."""
    return refusal_of(denied(loaded, **asked))


def test_the_terms_are_the_policys_resolved_to_plain_values() -> None:
    terms = allowed(policy(), ask(reason="  INC-12\u200b a refund is stuck \n")).terms
    assert (terms.rule, terms.level, terms.entitlement, terms.provider) == (
        "customers-read", "medium", READ, "postgres",
    )  # fmt: skip
    assert (terms.resource_title, terms.role_title) == ("Customer database", "Read customers")
    assert terms.principal == "ann.a"
    assert terms.settings == {"dsn": {"env": "CUSTOMERS_DSN"}, "database": "shop"}
    assert terms.all_settings == {"dsn": {"env": "CUSTOMERS_DSN", "file": None}, "database": "shop", "port": 5432}
    assert terms.definition == {"grants": ["support_read"]}
    assert (terms.channel, terms.stages) == ("C0APPROVE", (Stage(any_of=("leads",)),))
    assert (terms.longest, terms.duration, terms.until) == (hours(3), hours(2), None)
    assert (terms.lapses_after, terms.alert_after) == (hours(8), timedelta(minutes=10))
    assert terms.reason == "INC-12 a refund is stuck"


def test_the_longest_is_the_tighter_of_rule_and_level() -> None:
    assert allowed(policy(), ask(entitlement=FIX)).terms.longest == hours(2)
    assert allowed(policy(), ask(entitlement=PAYROLL, requester=KIM, duration=hours(0.5))).terms.longest == hours(0.5)


def test_a_rule_that_is_looser_than_its_level_gains_nothing_by_it() -> None:
    loaded = policy()
    looser = replace(loaded, rules=(replace(loaded.rules[0], max=hours(99)),))
    assert allowed(looser, ask()).terms.longest == hours(8)


def test_every_step_can_be_read() -> None:
    assert render(allowed(policy(), ask()).trace) == (
        "✓ person ann: is in the policy\n"
        "✓ entitlement customers-db/read: is in the catalog\n"
        "✓ rule customers-read: matches because ann is in engineers\n"
        "✓ time 2 h: is within 3 h, the longest by rule customers-read and level medium\n"
        "✓ reason of 24 characters: level medium wants 15 to 500 characters in 10 lines\n"
        "✓ approvers leads: 1 needed of kim, lea, sam"
    )


TIMES = [
    ({"duration": hours(3)}, None),
    ({"duration": None, "until": NOW + hours(3)}, None),
    ({"duration": timedelta(seconds=5)}, None),
    ({"duration": timedelta(seconds=4.9)}, "The shortest access is 5 s."),
    ({"duration": timedelta(0)}, "The shortest access is 5 s."),
    ({"duration": -hours(1)}, "The shortest access is 5 s."),
    ({"duration": hours(3) + timedelta(seconds=1)},
     "The longest access to customers-db/read is 3 h; you asked for 3 h 1 s."),
    ({"duration": None, "until": NOW + hours(4)},
     "The longest access to customers-db/read is 3 h; you asked for 4 h."),
    ({"duration": None, "until": NOW}, "That end has already passed."),
    ({"duration": None, "until": NOW - hours(1)}, "That end has already passed."),
    ({"duration": None},
     "Say how long you need it, like 2h, or until when, like until 17:00: one of the two."),
    ({"duration": hours(1), "until": NOW + hours(1)},
     "Say how long you need it, like 2h, or until when, like until 17:00: one of the two."),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "sentence"), TIMES)
def test_the_time_is_within_the_shortest_and_the_longest(asked: dict[str, Any], sentence: str | None) -> None:
    if sentence is None:
        assert allowed(policy(), ask(**asked)).trace[-1].verdict
        return
    refused = refusal(**asked)
    assert isinstance(refused, InvalidInput)
    assert (refused.field, refused.sentence) == ("duration", sentence)


REASONS = [
    ("x" * 15, None),
    ("x" * 500, None),
    ("\n".join(["xxxx"] * 10), None),
    ("", "Say why you need it: the approver decides by that."),
    (" \n\u200b\u202e\t", "Say why you need it: the approver decides by that."),
    ("x" * 14, "Say more: the reason needs at least 15 characters here, this has 14."),
    ("x" * 14 + "\u2066" * 400, "Say more: the reason needs at least 15 characters here, this has 14."),
    ("x" * 501, "Shorten the reason: it may have 500 characters, this has 501."),
    ("x" * 3000, "Shorten the reason: it may have 500 characters, this has 3,000."),
    ("\n".join(["xxxx"] * 11), "Shorten the reason: it may have 10 lines, this has 11."),
]


@pytest.mark.parametrize(("reason", "sentence"), REASONS, ids=range(len(REASONS)))
def test_a_reason_has_its_length_counted_in_what_can_be_seen(reason: str, sentence: str | None) -> None:
    if sentence is None:
        assert allowed(policy(), ask(reason=reason)).trace[-1].verdict
        return
    refused = refusal(reason=reason)
    assert isinstance(refused, InvalidInput)
    assert (refused.field, refused.sentence) == ("reason", sentence)


def test_all_that_is_wrong_with_what_was_typed_is_told_together() -> None:
    refused = refusal(duration=hours(4), reason="why", starts_at=NOW + timedelta(days=15))

    assert isinstance(refused, InvalidInput)
    assert refused.by_field == {
        "start": "A start lies at most 14 days ahead.",
        "duration": "The longest access to customers-db/read is 3 h; you asked for 4 h.",
        "reason": "Say more: the reason needs at least 15 characters here, this has 3.",
    }
    assert [step.name for step in refused.trace if not step.verdict] == ["start", "time", "reason"]


def test_a_level_without_reason_min_still_wants_a_reason() -> None:
    assert allowed(policy(), ask(entitlement=FIX, reason="x")).terms.reason == "x"
    assert refusal(entitlement=FIX, reason=" ").field == "reason"


@pytest.mark.parametrize(
    ("requester", "entitlement", "sentence"),
    [
        (ANN, Entitlement("customers-db", "raed"),
         "There is no customers-db/raed that you may ask for. Did you mean customers-db/read?"),
        (ANN, Entitlement("nothing", "x"), "There is no nothing/x that you may ask for."),
        # What exists for others, and a misspelling of it, are answered as what does not exist.
        (ANN, PAYROLL, "There is no payroll/read that you may ask for."),
        (ANN, Entitlement("payroll", "raed"), "There is no payroll/raed that you may ask for."),
        (EVE, READ, "There is no customers-db/read that you may ask for."),
    ],
)  # fmt: skip
def test_what_a_person_may_not_ask_for_is_answered_like_what_does_not_exist(
    requester: Person, entitlement: Entitlement, sentence: str
) -> None:
    refused = refusal(requester=requester, entitlement=entitlement)
    assert isinstance(refused, PolicyRefuses)
    assert (refused.field, refused.sentence) == ("entitlement", sentence)


def test_the_trace_of_a_refusal_tells_security_what_the_requester_is_not_told() -> None:
    assert render(refusal(entitlement=PAYROLL).trace) == (
        "✓ person ann: is in the policy\n"
        "✓ entitlement payroll/read: is in the catalog\n"
        "✗ rule payroll-read: does not match because ann is in none of leads\n"
        "✗ rule none: 1 of 3 rules for payroll/read, none of them for ann"
    )


def test_somebody_who_is_not_in_the_policy_is_refused() -> None:
    refused = refusal(requester=Person("mallory"))
    assert isinstance(refused, UnknownPerson)
    assert refused.sentence == RefusedStranger().sentence
    assert [(step.name, step.verdict) for step in refused.trace] == [("person", False)]
    assert refusal(subject=Person("mallory")).sentence == "mallory is not in the access policy."


def test_asking_for_another_needs_a_rule_that_lets_who_asks_and_is_for_who_receives() -> None:
    """It was enough to be in the groups of the rule; who asks need not be in them at all."""
    for_others = policy(FOR_OTHERS)
    assert allowed(for_others, ask(requester=SAM, subject=ANN)).terms.principal == "ann.a"
    assert isinstance(refusal(requester=LEA, subject=ANN), PolicyRefuses)
    assert isinstance(refusal(for_others, requester=LEA, subject=ANN), PolicyRefuses)
    assert isinstance(refusal(for_others, requester=SAM, subject=EVE), PolicyRefuses)
    assert refusal(for_others, requester=SAM).sentence == refusal(requester=SAM).sentence  # not for himself


def test_who_may_not_be_asked_for_is_said_as_what_does_not_exist() -> None:
    for_others = policy(FOR_OTHERS)
    sentence = "There is no customers-db/read that you may ask for on behalf of {}."
    assert refusal(for_others, requester=SAM, subject=EVE).sentence == sentence.format("eve")
    assert refusal(for_others, requester=LEA, subject=ANN).sentence == sentence.format("ann")
    wrong = Entitlement("customers-db", "raed")
    assert refusal(for_others, requester=SAM, subject=ANN, entitlement=wrong).sentence == (
        "There is no customers-db/raed that you may ask for on behalf of ann. Did you mean customers-db/read?"
    )


def test_the_trace_says_by_which_group_one_asks_for_another() -> None:
    trace = render(allowed(policy(FOR_OTHERS), ask(requester=SAM, subject=ANN)).trace)
    assert "✓ rule customers-read: matches because sam, who asks for ann, is in security" in trace
    assert "✓ rule customers-read: matches because ann is in engineers" in trace
    assert "sam" not in trace.partition("approvers")[2]


def test_what_one_may_ask_for_another_is_not_what_one_may_ask_for_oneself() -> None:
    loaded = policy(FOR_OTHERS)

    def names(choices: Choices) -> list[str]:
        return [choice.entitlement for choice in choices]

    assert names(loaded.requestable_for(SAM, ANN)) == ["customers-db/read"]
    assert names(loaded.requestable_for(SAM, KIM)) == []
    assert names(loaded.requestable(SAM)) == ["payroll/read"]
    assert names(loaded.requestable_by(SAM)) == ["customers-db/read", "payroll/read"]
    assert loaded.requestable_by(ANN) is loaded.requestable(ANN)
    assert [loaded.asks_for_others(person) for person in (SAM, LEA)] == [True, False]


def test_two_rules_are_refused_even_where_loading_would_have_seen_them() -> None:
    loaded = policy()
    doubled = replace(loaded, rules=(*loaded.rules, replace(loaded.rules[0], id="again")))
    refused = refusal(doubled)
    assert isinstance(refused, PolicyRefuses)
    assert refused.sentence == (
        "More than one rule of the access policy answers this (customers-read and again). "
        "Ask the security team to mend it."
    )


def test_what_nobody_else_can_approve_cannot_be_asked_for() -> None:
    only_lea = policy(changed("leads: {people: [lea, kim, sam]}", "leads: {people: [lea]}"))
    assert allowed(only_lea, ask()).trace[-1].because == "1 needed of lea"
    refused = refusal(only_lea, requester=LEA)
    assert isinstance(refused, PolicyRefuses)
    assert refused.sentence == (
        "No other person can approve customers-db/read for you, so it can't be asked for. "
        "Ask the security team to name another approver in the policy."
    )
    for_others = policy(changed("leads: {people: [lea, kim, sam]}", "leads: {people: [lea]}", FOR_OTHERS))
    refused = refusal(for_others, requester=SAM, subject=LEA)
    assert refused.trace[-1].name == "approvers"
    assert refused.sentence.startswith("No other person can approve customers-db/read for lea, so")


def test_too_few_besides_both_is_said_of_both() -> None:
    for_others = changed("stages: [{any_of: [leads], quorum: 1}]", "stages: [{any_of: [leads], quorum: 2}]", FOR_OTHERS)
    refused = refusal(policy(for_others), requester=SAM, subject=LEA)
    assert "there are too few besides you and lea in leads" in refused.sentence


UNSHOWN = [
    ({LEA}, "lea, who would approve it, as a full member"),
    ({LEA, KIM}, "kim and lea, who would approve it, as full members"),
    ({LEA, KIM, SAM}, "kim, lea and sam, who would approve it, as full members"),
]


@pytest.mark.parametrize(("leads", "shown"), UNSHOWN)
def test_what_no_approver_can_answer_now_cannot_be_asked_for_and_it_says_who(leads: set[Person], shown: str) -> None:
    loaded = policy(changed("leads: {people: [lea, kim, sam]}", f"leads: {{people: [{', '.join(sorted(leads))}]}}"))
    decision = decide(loaded, People(loaded, unable=frozenset(leads)), ask())
    assert isinstance(decision, Denied)
    assert refusal_of(decision).sentence == (
        f"customers-db/read can't be asked for now: Slack does not show {shown} of this workspace. "
        "Ask the security team to name another approver in the policy."
    )
    assert "1 needed, 0 there" in decision.trace[-1].because


def test_one_approver_who_can_answer_is_enough_to_ask() -> None:
    trace = allowed(policy(), ask(), unable=frozenset({LEA, KIM})).trace
    assert trace[-1].because == "1 needed of sam"


def test_neither_requester_nor_subject_is_ever_eligible() -> None:
    loaded, people = policy(), People(policy())
    for rule, requester, subject in itertools.product(loaded.rules, loaded.people, loaded.people):
        barred = frozenset({requester, subject})
        for reviewer in loaded.people:
            groups = [group for stage in rule.stages for group in stage.groups]
            allowed = reviewer in people.approvers(groups, barred=barred)
            assert not (allowed and reviewer in barred)
            if allowed:
                may_review(people, reviewer=reviewer, barred=barred, any_of=groups)
                continue
            expected = SelfReview if reviewer in barred else NotAnApprover
            with pytest.raises(expected):
                may_review(people, reviewer=reviewer, barred=barred, any_of=groups)


def test_a_person_in_two_groups_counts_once() -> None:
    assert People(policy()).approvers(("leads", "security"), barred=frozenset({LEA})) == {KIM, SAM}


def test_a_group_that_is_gone_has_nobody() -> None:
    assert People(policy()).approvers(("gone",), barred=frozenset()) == frozenset()


def test_security_is_who_is_in_its_group() -> None:
    assert People(policy()).security() == {SAM}


READ_LEAVES_ONLY_LEA = changed("leads: {people: [lea, kim, sam]}", "leads: {people: [lea]}")
READ_WANTS_THREE = changed(
    "      stages: [{any_of: [leads], quorum: 1}]", "      stages: [{any_of: [leads], quorum: 3}]"
)
OPEN_UNTIL = {"duration": None, "until": NOW + hours(1), "extends": "01kaq9z0000000000000000aa1"}
EVERY_REASON: dict[Reason, dict[str, Any]] = {
    Reason.REQUESTER_NOT_IN_POLICY: {"requester": Person("mallory")},
    Reason.SUBJECT_NOT_IN_POLICY: {"subject": Person("mallory")},
    Reason.UNKNOWN_ENTITLEMENT: {"entitlement": Entitlement("customers-db", "raed")},
    Reason.NO_RULE: {"entitlement": PAYROLL},
    Reason.SEVERAL_RULES: {"loaded": replace(policy(), rules=policy().rules[:1] * 2)},
    Reason.EXTENDED_TOO_OFTEN: {**OPEN_UNTIL, "extended": 99},
    Reason.START_TOO_FAR_AHEAD: {"starts_at": NOW + timedelta(days=15)},
    Reason.NEITHER_OR_BOTH_TIMES: {"duration": None},
    Reason.END_NOT_LATER: {**OPEN_UNTIL, "open_until": NOW + hours(1)},
    Reason.END_PASSED: {"duration": None, "until": NOW},
    Reason.END_BEFORE_START: {"duration": None, "until": NOW + hours(1), "starts_at": NOW + hours(2)},
    Reason.TOO_SHORT: {"duration": timedelta(seconds=4)},
    Reason.TOO_LONG: {"duration": hours(4)},
    Reason.EXTENSION_TOO_LONG: {**OPEN_UNTIL, "until": NOW + hours(4)},
    Reason.NO_REASON: {"reason": " "},
    Reason.REASON_TOO_SHORT: {"reason": "why"},
    Reason.REASON_TOO_LONG: {"reason": "x" * 501},
    Reason.REASON_HAS_TOO_MANY_LINES: {"reason": "\n".join(["xxxx"] * 11)},
    Reason.NO_APPROVER: {"loaded": policy(READ_LEAVES_ONLY_LEA), "requester": LEA},
    Reason.APPROVERS_NOT_IN_SLACK: {"unable": frozenset({LEA, KIM, SAM})},
    Reason.TOO_FEW_APPROVERS: {"loaded": policy(READ_WANTS_THREE), "requester": LEA},
}  # fmt: skip


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_reached_and_is_a_plain_word_with_plain_values(reason: Reason) -> None:
    asked = dict(EVERY_REASON[reason])
    loaded, unable = asked.pop("loaded", policy()), asked.pop("unable", frozenset())
    decision = decide(loaded, People(loaded, unable), ask(**asked))

    assert isinstance(decision, Denied)
    assert decision.reason_id == reason
    assert re.fullmatch(r"[a-z]+(_[a-z]+)+", decision.reason_id)
    assert canonical(dict(decision.parameters))
    assert decision.field in ("entitlement", "start", "duration", "reason")
    assert refusal_of(decision).sentence == sentence_of(decision.reason_id, decision.parameters)
    assert sentence_of(decision.reason_id, decision.parameters).endswith((".", "?"))


ONLY_WHEN_ASKED = {
    "a start far ahead": {"starts_at": NOW + timedelta(days=15)},
    "a short reason": {"reason": "why"},
    "a reason of many lines": {"reason": "\n".join(["xxxx"] * 11)},
    "a short time": {"duration": timedelta(seconds=4)},
    "the most extensions": {**OPEN_UNTIL, "extended": 99},
}


@pytest.mark.parametrize("asked", ONLY_WHEN_ASKED.values(), ids=ONLY_WHEN_ASKED)
def test_what_only_asking_must_meet_is_not_asked_again(asked: dict[str, Any]) -> None:
    assert isinstance(decide(policy(), People(policy()), ask(**asked)), Denied)
    assert isinstance(decide_again(policy(), People(policy()), ask(**asked)), Allowed)


ALWAYS = {
    Reason.REQUESTER_NOT_IN_POLICY, Reason.SUBJECT_NOT_IN_POLICY, Reason.UNKNOWN_ENTITLEMENT, Reason.NO_RULE,
    Reason.SEVERAL_RULES, Reason.NEITHER_OR_BOTH_TIMES, Reason.TOO_LONG, Reason.EXTENSION_TOO_LONG, Reason.NO_APPROVER,
    Reason.TOO_FEW_APPROVERS,
}  # fmt: skip


@pytest.mark.parametrize("reason", sorted(ALWAYS))
def test_who_may_for_how_long_and_by_whom_is_asked_again(reason: Reason) -> None:
    asked = dict(EVERY_REASON[reason])
    loaded = asked.pop("loaded", policy())
    people = People(loaded)
    first, again = decide(loaded, people, ask(**asked)), decide_again(loaded, people, ask(**asked))
    assert isinstance(first, Denied)
    assert isinstance(again, Denied)
    assert (again.reason_id, again.parameters) == (first.reason_id, first.parameters) == (reason, first.parameters)


FAILS_AT = {
    Reason.REQUESTER_NOT_IN_POLICY: "person", Reason.SUBJECT_NOT_IN_POLICY: "person",
    Reason.UNKNOWN_ENTITLEMENT: "entitlement", Reason.START_TOO_FAR_AHEAD: "start",
    Reason.EXTENDED_TOO_OFTEN: "extension",
    **dict.fromkeys((Reason.NO_RULE, Reason.SEVERAL_RULES), "rule"),
    **dict.fromkeys(
        (Reason.NEITHER_OR_BOTH_TIMES, Reason.END_NOT_LATER, Reason.END_PASSED, Reason.END_BEFORE_START,
         Reason.TOO_SHORT, Reason.TOO_LONG, Reason.EXTENSION_TOO_LONG),
        "time",
    ),
    **dict.fromkeys(
        (Reason.NO_REASON, Reason.REASON_TOO_SHORT, Reason.REASON_TOO_LONG, Reason.REASON_HAS_TOO_MANY_LINES), "reason"
    ),
    **dict.fromkeys((Reason.NO_APPROVER, Reason.APPROVERS_NOT_IN_SLACK, Reason.TOO_FEW_APPROVERS), "approvers"),
}  # fmt: skip


@pytest.mark.parametrize("reason", Reason)
def test_a_refusal_names_the_step_that_failed_first(reason: Reason) -> None:
    asked = dict(EVERY_REASON[reason])
    loaded, unable = asked.pop("loaded", policy()), asked.pop("unable", frozenset())
    decision = decide(loaded, People(loaded, unable), ask(**asked))

    assert isinstance(decision, Denied)
    assert decision.step == FAILS_AT[reason]
    assert replace(decision, trace=()).step == "", "what was kept without its steps"


def test_an_access_is_extended_as_often_as_the_policy_says_and_only_to_a_later_end() -> None:
    most = policy().extensions
    extends = {**OPEN_UNTIL, "open_until": NOW + timedelta(minutes=59)}
    assert (
        f"✓ extension number {most}: is within {most}, which one access may have"
        in render(allowed(policy(), ask(**extends, extended=most - 1)).trace).splitlines()
    )
    refused = denied(**extends, extended=most)
    assert refused.reason_id is Reason.EXTENDED_TOO_OFTEN
    assert render(refused.trace[-1:]) == (f"✗ extension number {most + 1}: is over {most}, which one access may have")


def test_a_duration_has_no_end_that_could_be_too_early() -> None:
    assert allowed(policy(), ask(duration=hours(1), open_until=NOW + hours(2))).terms.duration == hours(1)


@pytest.mark.parametrize(("starts", "ahead"), [(timedelta(days=14), "14 days"), (hours(-1), "0 s")])
def test_a_start_lies_at_most_a_fortnight_ahead_and_one_that_has_passed_is_now(starts: timedelta, ahead: str) -> None:
    trace = render(allowed(policy(), ask(starts_at=NOW + starts)).trace).splitlines()
    assert f"✓ start {ahead} ahead: is within 14 days" in trace


def test_a_time_that_is_not_said_is_none_in_the_trace() -> None:
    refused = denied(duration=None)
    assert "✗ time none: neither or both of the two were given" in render(refused.trace).splitlines()


def test_one_character_and_one_rule_are_said_in_the_singular() -> None:
    reason = render(denied(reason="x").trace)
    assert "✗ reason of 1 character: level medium wants 15 to 500 characters in 10 lines" in reason.splitlines()
    one = replace(policy(), rules=policy().rules[:1])
    assert denied(one, entitlement=FIX).trace[-1].because == (
        "0 of 1 rule for customers-db/fix-orders, none of them for ann"
    )


def test_a_step_of_the_ladder_that_comes_when_the_request_has_lapsed_is_none_of_its_terms() -> None:
    """One rule for two levels: what the one waits for, the other does not."""
    both = changed("entitlements: [customers-db/read]}", "entitlements: [customers-db/read, customers-db/fix-orders]}")
    text = changed("groups: [engineers], entitlements: [customers-db/fix-orders]}",
                   "groups: [security], entitlements: [customers-db/fix-orders]}", both)  # fmt: skip
    text = changed(
        "    max: 3h\n", "    max: 2h\n    escalate: [{after: 119m, to: leads}, {after: 2h, to: leads}]\n", text
    )
    loaded = policy(text)
    minutes = [timedelta(minutes=119), hours(2)]
    assert [one.after for one in allowed(loaded, ask()).terms.reminders] == minutes
    assert [one.after for one in allowed(loaded, ask(entitlement=FIX)).terms.reminders] == minutes[:1]


def test_whom_the_ladder_has_added_by_now_can_make_up_for_approvers_who_are_missing() -> None:
    only_lea = changed("leads: {people: [lea, kim, sam]}", "leads: {people: [lea]}")
    one = "      stages: [{any_of: [leads], quorum: 1}]\n"
    loaded = policy(changed(one, f"{one}    escalate: [{{after: 1h, to: security}}]\n", only_lea))
    assert denied(loaded, requester=LEA, waited=hours(1) - timedelta(seconds=1)).reason_id is Reason.NO_APPROVER
    assert allowed(loaded, ask(requester=LEA, waited=hours(1))).trace[-1].because == "1 needed of sam"


def test_the_trace_says_why_a_stage_lacks_people_and_names_those_whom_slack_does_not_show() -> None:
    one = "stages: [{any_of: [leads], quorum: 1}]"
    both = policy(changed(one, "stages: [{any_of: [leads], quorum: 2}, {any_of: [security], quorum: 2}]"))
    because = "{} needed, {} there besides who asks and who receives"

    def lacks(loaded: Policy, *unable: Person, requester: Person = ANN) -> str:
        decision = decide(loaded, People(loaded, frozenset(unable)), ask(requester=requester))
        assert isinstance(decision, Denied)
        return decision.trace[-1].because

    assert lacks(both) == because.format(2, 1) + " and who approves before"
    assert lacks(policy(READ_LEAVES_ONLY_LEA), requester=LEA) == because.format(1, 0)
    shown = because.format(2, 1) + ", for Slack does not show {} as full members"
    assert lacks(both, KIM, LEA, EVE) == shown.format("kim, lea"), "Eve is no approver"
    assert lacks(both, KIM, LEA, requester=LEA) == shown.format("kim"), "Lea could not approve it in any case"


def test_without_a_time_nothing_is_given_on_an_approval_of_before() -> None:
    """Such a row was never asked for: it would be open for no time or, as it is read elsewhere, for any."""
    for times in ({"duration": None}, {"until": NOW + hours(1)}):
        again = decide_again(policy(), People(policy()), ask(**times))
        assert isinstance(again, Denied)
        assert again.reason_id is Reason.NEITHER_OR_BOTH_TIMES
