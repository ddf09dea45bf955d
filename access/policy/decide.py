"""Decides by the policy whether something may be asked for and on which terms, and says step by step why.

Nothing is raised here: what the policy answers is data, so that it can be kept, compared and tried on another policy.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import JsonValue

from access.catalog import Entitlement, Escalation, Level, Policy, Reminder, Rule, Stage
from access.durations import format_duration
from access.errors import NotAnApprover, SelfReview
from access.ids import GrantId, Person, SlackChannel
from access.nearest import nearest
from access.people import People
from access.policy.chain import lacking
from access.policy.escalation import added_by, with_group
from access.policy.reasons import Reason
from access.words import clean, counted

SHORTEST = timedelta(seconds=5)
REASON_LONGEST = 500
REASON_LINES = 10
AHEAD = timedelta(days=14)
"""How far ahead a start may lie: who is on which team then, nobody can say."""


@dataclass(frozen=True, kw_only=True)
class Ask:
    """What a person asks for, at a moment. Either `duration` or `until`; `reason` as written or as cleaned before."""

    requester: Person
    subject: Person
    entitlement: Entitlement
    duration: timedelta | None
    until: datetime | None
    reason: str
    at: datetime
    starts_at: datetime | None = None
    """Not before this; None, or a moment that has passed: at once."""
    extends: GrantId | None = None
    """Open access that would last until `until` instead."""
    extended: int = 0
    """How often that was done before."""
    open_until: datetime | None = None
    """The end that it has at the moment of asking, which the new one must lie after."""
    scope: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """What of the resource, where a provider can narrow it."""
    ticket: str | None = None
    waited: timedelta = timedelta()
    """For so long there was no answer: whom the steps of the ladder have added by then can decide too."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What would be granted and who must agree: the policy's answer, resolved to plain values."""

    rule: str
    level: str
    entitlement: Entitlement
    resource_title: str
    role_title: str
    provider: str
    principal: str
    """The subject's name on the target."""
    settings: Mapping[str, JsonValue]
    """The target's settings without the provider's defaults; secrets only by reference."""
    definition: Mapping[str, JsonValue]
    """The role in the words of its provider, without defaults."""
    all_settings: Mapping[str, JsonValue]
    all_definition: Mapping[str, JsonValue]
    """The same with the defaults of now: for rows of version 1 (facts_v1.py)."""
    channel: SlackChannel
    stages: tuple[Stage, ...]
    """Who must agree, in this order."""
    longest: timedelta
    duration: timedelta | None
    until: datetime | None
    reason: str
    """Cleaned."""
    lapses_after: timedelta
    reminders: tuple[Reminder, ...]
    """Before it lapses."""
    escalations: tuple[Escalation, ...]
    """Those of them that let more people decide."""
    alert_after: timedelta


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that was looked at on the way to a decision."""

    name: str
    """person, entitlement, rule, extension, start, time, reason or approvers."""
    subject: str
    verdict: bool
    because: str


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """It may be asked for, on these terms."""

    terms: Terms
    trace: tuple[Step, ...]


@dataclass(frozen=True, kw_only=True)
class Denied:
    """It may not, and why."""

    reason_id: Reason
    field: str
    """What the form should point at: entitlement, start, duration or reason."""
    parameters: Mapping[str, Any]
    """What the sentence of the reason needs; plain values that have a canonical form."""
    trace: tuple[Step, ...] = ()
    """For the audit log and the security team: it may name what the requester may not know of."""
    also: tuple["Denied", ...] = ()
    """What is wrong besides, in other fields, so that all of it is told at once."""

    @property
    def step(self) -> str:
        """What it was denied for first: the name of a `Step`."""
        return next((step.name for step in self.trace if not step.verdict), "")


@dataclass
class _Trace:
    steps: list[Step] = field(default_factory=list[Step])

    def add(self, name: str, subject: str, verdict: bool, because: str) -> None:
        self.steps.append(Step(name=name, subject=subject, verdict=verdict, because=because))

    def deny(
        self, name: str, subject: str, because: str, reason: Reason, *, field: str = "entitlement", **parameters: Any
    ) -> Denied:  # fmt: skip
        self.add(name, subject, False, because)
        return Denied(reason_id=reason, field=field, parameters=parameters, trace=tuple(self.steps))


def decide(policy: Policy, people: People, ask: Ask) -> Allowed | Denied:
    """Whether this may be asked for now, by these people, and on which terms.

    What is wrong with what was typed is told together: the start, the time and the reason.
    """
    trace = _Trace()
    rule = _opening_rule(policy, people, ask, trace)
    if isinstance(rule, Denied):
        return rule
    terms = _terms(policy, ask, rule)
    denied = _extension(policy, ask, trace) or _together(
        trace, _start(ask, trace), _time(ask, terms, trace), _reason(terms, _level(policy, ask), trace)
    )
    return denied or _chain(people, ask, terms, trace)


def decide_again(policy: Policy, people: People, ask: Ask) -> Allowed | Denied:
    """Whether what was approved may still be given: by what holds at any time, and not by what only asking must meet.

    Still eligible, within the floors of the level, and with a chain that can be completed. A start, a reason or a count
    that was good enough when it was asked stays so.
    """
    trace = _Trace()
    rule = _opening_rule(policy, people, ask, trace)
    if isinstance(rule, Denied):
        return rule
    terms = _terms(policy, ask, rule)
    return _floors(ask, terms, trace) or _chain(people, ask, terms, trace)


def may_review(people: People, *, reviewer: Person, barred: frozenset[Person], any_of: Iterable[str]) -> None:
    """Raises SelfReview or NotAnApprover. `barred`: who asked and who receives; nobody is an exception."""
    if reviewer in barred:
        raise SelfReview
    if reviewer not in people.approvers(any_of, barred=barred):
        raise NotAnApprover


def render(trace: Iterable[Step]) -> str:
    """One line a step, for people."""
    return "\n".join(f"{'✓' if step.verdict else '✗'} {step.name} {step.subject}: {step.because}" for step in trace)


def _opening_rule(policy: Policy, people: People, ask: Ask, trace: _Trace) -> Rule | Denied:
    return _unknown_people(policy, ask, trace) or _the_one_rule(policy, people, ask, trace)


def _unknown_people(policy: Policy, ask: Ask, trace: _Trace) -> Denied | None:
    for person in dict.fromkeys((ask.requester, ask.subject)):
        if person in policy.people:
            trace.add("person", person, True, "is in the policy")
            continue
        asks = person == ask.requester
        reason = Reason.REQUESTER_NOT_IN_POLICY if asks else Reason.SUBJECT_NOT_IN_POLICY
        return trace.deny("person", person, "is not in the policy", reason, person=person)
    return None


def _the_one_rule(policy: Policy, people: People, ask: Ask, trace: _Trace) -> Rule | Denied:
    wanted = str(ask.entitlement)
    known = policy.entitlement(ask.entitlement) is not None
    trace.add("entitlement", wanted, known, "is in the catalog" if known else "the catalog has no such entitlement")
    named = policy.rules_opening(ask.entitlement)
    matching = [rule for rule in named if _matches(people, rule, ask, trace)]
    if len(matching) == 1:
        return matching[0]
    if not matching:
        rules = counted(len(policy.rules), "rule", "rules")
        whom = " to ask for ".join(dict.fromkeys((ask.requester, ask.subject)))
        because = f"{len(named)} of {rules} for {wanted}, none of them for {whom}"
        mine = [choice.entitlement for choice in policy.requestable_for(ask.requester, ask.subject)]
        reason = Reason.NO_RULE if known else Reason.UNKNOWN_ENTITLEMENT
        about = {"entitlement": wanted, "nearest": nearest(wanted, mine), **_for_another(ask)}
        return trace.deny("rule", "none", because, reason, field="entitlement", **about)
    ids = [rule.id for rule in matching]
    return trace.deny("rule", " and ".join(ids), "exactly one rule may match", Reason.SEVERAL_RULES, rules=ids)


def _matches(people: People, rule: Rule, ask: Ask, trace: _Trace) -> bool:
    """A rule is for those who receive; who asks for another must be in a group of its `on_behalf`."""
    # Who asks for himself receives: one person, one entry.
    for person, of in ({ask.requester: rule.on_behalf} | {ask.subject: rule.groups}).items():
        groups = [name for name in of if person in people.members([name])]
        who = f"{person}, who asks for {ask.subject}," if of is rule.on_behalf else person
        if not groups:
            because = f"is in none of {', '.join(of)}" if of else "may not: the rule lets no person ask for another"
            trace.add("rule", rule.id, False, f"does not match because {who} {because}")
            return False
        trace.add("rule", rule.id, True, f"matches because {who} is in {' and '.join(groups)}")
    return True


def _for_another(ask: Ask) -> dict[str, Any]:
    """Who receives, for a sentence to who asks; nothing where that is one person."""
    return {} if ask.requester == ask.subject else {"receiver": ask.subject}


def _level(policy: Policy, ask: Ask) -> Level:
    known = policy.entitlement(ask.entitlement)
    assert known, "a loaded policy's rules name only what its catalog has"
    return policy.levels[known[1].level]


def _terms(policy: Policy, ask: Ask, rule: Rule) -> Terms:
    known = policy.entitlement(ask.entitlement)
    assert known, "a loaded policy's rules name only what its catalog has"
    resource, role = known
    level = policy.levels[role.level]
    lapses_after = min(rule.lapses_after or level.request_ttl, level.request_ttl)
    stages = tuple(stage.resolved(resource, ask.subject) for stage in rule.stages)
    reminders = tuple(one for one in rule.reminders if one.after < lapses_after)
    return Terms(
        rule=rule.id,
        level=level.name,
        entitlement=ask.entitlement,
        resource_title=resource.title,
        role_title=role.title,
        provider=resource.provider,
        principal=policy.people[ask.subject].principal(resource),
        settings=resource.settings,
        definition=role.definition,
        all_settings=resource.all_settings,
        all_definition=role.all_definition,
        channel=rule.channel,
        stages=stages,
        longest=min(rule.max or level.max, level.max),
        duration=ask.duration,
        until=ask.until,
        reason=clean(ask.reason).text,
        lapses_after=lapses_after,
        reminders=reminders,
        escalations=added_by(reminders, stages),
        alert_after=level.alert_after,
    )


def _extension(policy: Policy, ask: Ask, trace: _Trace) -> Denied | None:
    if ask.extends is None:
        return None
    asked, most = f"number {ask.extended + 1}", policy.extensions
    if ask.extended < most:
        trace.add("extension", asked, True, f"is within {most}, which one access may have")
        return None
    because = f"is over {most}, which one access may have"
    return trace.deny("extension", asked, because, Reason.EXTENDED_TOO_OFTEN, most=most)


def _together(trace: _Trace, *checked: Denied | None) -> Denied | None:
    """The first no, which carries the others."""
    found = [one for one in checked if one is not None]
    return replace(found[0], also=tuple(found[1:]), trace=tuple(trace.steps)) if found else None


def _start(ask: Ask, trace: _Trace) -> Denied | None:
    if ask.starts_at is None:
        return None
    ahead = f"{format_duration(max(ask.starts_at - ask.at, timedelta(0)))} ahead"
    if ask.starts_at - ask.at > AHEAD:
        return trace.deny("start", ahead, "is too far ahead", Reason.START_TOO_FAR_AHEAD, field="start", most=AHEAD)
    trace.add("start", ahead, True, f"is within {format_duration(AHEAD)}")
    return None


def _time(ask: Ask, terms: Terms, trace: _Trace) -> Denied | None:
    span = _span(ask)
    if span is None:
        return _floors(ask, terms, trace)
    asked = format_duration(span)
    if ask.until is not None and ask.open_until is not None and ask.until <= ask.open_until:
        return trace.deny("time", asked, "is no later than its present end", Reason.END_NOT_LATER, field="duration")
    if ask.until is not None and span <= timedelta(0):
        reason = Reason.END_PASSED if _begins(ask) == ask.at else Reason.END_BEFORE_START
        return trace.deny("time", asked, "ends before it begins", reason, field="duration")
    if span < SHORTEST:
        because = "is too short to be of use"
        return trace.deny("time", asked, because, Reason.TOO_SHORT, field="duration", least=SHORTEST)
    return _floors(ask, terms, trace)


def _floors(ask: Ask, terms: Terms, trace: _Trace) -> Denied | None:
    """No longer than rule and level allow: a floor may be tightened after it was asked."""
    span, longest = _span(ask), format_duration(terms.longest)
    if span is None:
        because = "neither or both of the two were given"
        return trace.deny("time", "none", because, Reason.NEITHER_OR_BOTH_TIMES, field="duration")
    by = f"{longest}, the longest by rule {terms.rule} and level {terms.level}"
    if span <= terms.longest:
        trace.add("time", format_duration(span), True, f"is within {by}")
        return None
    return trace.deny(
        "time", format_duration(span), f"is over {by}",
        Reason.TOO_LONG if ask.extends is None else Reason.EXTENSION_TOO_LONG, field="duration",
        entitlement=str(terms.entitlement), longest=terms.longest, asked=span,
    )  # fmt: skip


def _begins(ask: Ask) -> datetime:
    return ask.at if ask.starts_at is None else max(ask.starts_at, ask.at)


def _span(ask: Ask) -> timedelta | None:
    """None where it is said in neither way, or in both."""
    if ask.until is None:
        return ask.duration
    return ask.until - _begins(ask) if ask.duration is None else None


def _reason(terms: Terms, level: Level, trace: _Trace) -> Denied | None:
    length, lines = len(terms.reason), terms.reason.count("\n") + 1
    because = f"level {level.name} wants {level.reason_min} to {REASON_LONGEST} characters in {REASON_LINES} lines"
    long = f"of {counted(length, 'character', 'characters')}"
    if length == 0:
        return trace.deny("reason", long, because, Reason.NO_REASON, field="reason")
    if length < level.reason_min:
        limits = {"least": level.reason_min, "given": length}
        return trace.deny("reason", long, because, Reason.REASON_TOO_SHORT, field="reason", **limits)
    if length > REASON_LONGEST:
        limits = {"most": REASON_LONGEST, "given": length}
        return trace.deny("reason", long, because, Reason.REASON_TOO_LONG, field="reason", **limits)
    if lines > REASON_LINES:
        limits = {"most": REASON_LINES, "given": lines}
        return trace.deny("reason", long, because, Reason.REASON_HAS_TOO_MANY_LINES, field="reason", **limits)
    trace.add("reason", long, True, because)
    return None


def _chain(people: People, ask: Ask, terms: Terms, trace: _Trace) -> Allowed | Denied:
    barred, stages = frozenset({ask.requester, ask.subject}), terms.stages
    for step in terms.escalations:
        if step.after <= ask.waited:
            stages = tuple(with_group(stage, step.group) for stage in stages)
    lacks = lacking(stages, people.able_by_group(stages, barred=barred))
    for number, stage in enumerate(stages, start=1):
        others = sorted(people.approvers(stage.groups, barred=barred))
        if number != lacks:
            trace.add("approvers", _groups(stage), True, f"{stage.wanted} needed of {', '.join(others)}")
            continue
        because = f"{stage.wanted} needed, {len(others)} there besides who asks and who receives"
        if number > 1:
            because += " and who approves before"
        named = people.members(stage.groups) - barred
        if named & people.unable:
            because += f", for Slack does not show {', '.join(sorted(named & people.unable))} as full members"
        reason, parameters = no_approver(terms.entitlement, stages, stage, people, barred, **_for_another(ask))
        return trace.deny("approvers", _groups(stage), because, reason, **parameters)
    return Allowed(terms=terms, trace=tuple(trace.steps))


def _groups(stage: Stage) -> str:
    return (" and " if stage.all_of else ", ").join(stage.groups)


def no_approver(
    entitlement: Entitlement,
    stages: Sequence[Stage],
    lacks: Stage,
    people: People,
    barred: frozenset[Person],
    *,
    receiver: Person | None = None,
) -> tuple[Reason, dict[str, Any]]:
    """Why this cannot be asked for. `lacks`: the stage for which too few distinct persons are left."""
    named = people.members(lacks.groups) - barred
    about = {"entitlement": str(entitlement)}
    whom = {"receiver": receiver} if receiver else {}
    if not named:
        return Reason.NO_APPROVER, about | whom
    if named <= people.unable:
        return Reason.APPROVERS_NOT_IN_SLACK, about | {"named": sorted(named)}
    wanted = sum(stage.wanted for stage in stages)
    return Reason.TOO_FEW_APPROVERS, about | whom | {"wanted": wanted, "groups": [*lacks.groups]}
