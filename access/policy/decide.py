"""Decides by the policy whether something may be asked for and on which terms, and says step by step why."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import JsonValue

from access.catalog import Entitlement, Level, Policy, Reminder, Rule
from access.durations import format_duration
from access.errors import InvalidInput, NotAnApprover, PolicyRefuses, Refusal, SelfReview, UnknownPerson
from access.ids import GrantId, Person, SlackChannel
from access.nearest import nearest
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
    """The target's settings; secrets only by reference."""
    definition: Mapping[str, JsonValue]
    """The role, as its provider reads it."""
    channel: SlackChannel
    any_of: tuple[str, ...]
    """The groups of approvers."""
    quorum: int
    longest: timedelta
    duration: timedelta | None
    until: datetime | None
    reason: str
    """Cleaned."""
    lapses_after: timedelta
    reminders: tuple[Reminder, ...]
    """Before it lapses."""
    alert_after: timedelta

    def chain(self) -> dict[str, JsonValue]:
        """The approval chain, as it goes into the fingerprint."""
        return {"channel": self.channel, "stages": [{"any_of": [*sorted(self.any_of)], "quorum": self.quorum}]}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that was looked at on the way to a decision."""

    name: str
    """person, entitlement, rule, extension, start, time, reason or approvers."""
    subject: str
    verdict: bool
    because: str


@dataclass(frozen=True, kw_only=True)
class Decision:
    terms: Terms
    trace: tuple[Step, ...]


class Refused(Refusal):
    """The access policy does not allow this."""

    field: str
    """What the form should point at: entitlement, start, duration or reason."""
    trace: tuple[Step, ...] = ()
    """For the audit log and the security team: it may name what the requester may not know of."""
    longest: timedelta | None = None
    """The most there is, where more was asked for."""

    @property
    def step(self) -> str:
        """What it was refused for first: the name of a `Step`."""
        return next((step.name for step in self.trace if not step.verdict), "")


class RefusedInput(Refused, InvalidInput):
    """What you typed cannot be used."""


class RefusedByPolicy(Refused, PolicyRefuses):
    """The access policy does not allow this."""

    field = "entitlement"


class RefusedStranger(Refused, UnknownPerson):
    """You are not in the access policy. Ask the security team to add you."""

    field = "entitlement"


@dataclass
class _Trace:
    steps: list[Step] = field(default_factory=list[Step])

    def add(self, name: str, subject: str, verdict: bool, because: str) -> None:
        self.steps.append(Step(name=name, subject=subject, verdict=verdict, because=because))

    def refuse(self, refusal: Refused, name: str, subject: str, because: str) -> Refused:
        self.add(name, subject, False, because)
        refusal.trace = tuple(self.steps)
        return refusal


def decide(policy: Policy, ask: Ask, *, unable: frozenset[Person] = frozenset()) -> Decision:
    """The terms on which this may be asked for now. Raises a Refused, which carries the trace.

    What is wrong with what was typed is told together: the start, the time and the reason.

    `unable`: who cannot answer though the policy has them do so, when it is asked; at a click it is known who answers.
    """
    trace = _Trace()
    _people(policy, ask, trace)
    rule = _the_one_rule(policy, ask, trace)
    terms = _terms(policy, ask, rule)
    _extension(policy, ask, trace)
    _refuse_together(
        trace,
        lambda: _start(ask, trace),
        lambda: _time(ask, terms, trace),
        lambda: _reason(terms, _level(policy, ask), trace),
    )
    _approvers(policy, ask, terms, trace, unable)
    return Decision(terms=terms, trace=tuple(trace.steps))


def eligible(policy: Policy, any_of: Iterable[str], *, barred: frozenset[Person]) -> frozenset[Person]:
    """Who may approve now: persons, each once, however many groups they are in."""
    return policy.members(any_of) - barred


def may_review(policy: Policy, *, reviewer: Person, barred: frozenset[Person], any_of: Iterable[str]) -> None:
    """Raises SelfReview or NotAnApprover. `barred`: who asked and who receives; nobody is an exception."""
    if reviewer in barred:
        raise SelfReview
    if reviewer not in eligible(policy, any_of, barred=barred):
        raise NotAnApprover


def no_approver(entitlement: Entitlement, named: frozenset[Person]) -> str:
    """Why this cannot be asked for, and what to do. `named`: whom the policy has decide, though none of them can."""
    cure = "Ask the security team to name another approver in the policy."
    if not named:
        return f"No other person can approve {entitlement} for you, so it can't be asked for. {cure}"
    *first, last = sorted(named)
    shown = f"{', '.join(first)} and {last}" if first else last
    members = "full members" if first else "a full member"
    return (
        f"{entitlement} can't be asked for now: Slack does not show {shown}, who would approve it, as {members} of "
        f"this workspace. {cure}"
    )


def is_security(policy: Policy, person: Person) -> bool:
    return person in policy.members([policy.security.group])


def owners(policy: Policy, resource: str) -> frozenset[Person]:
    """Those who answer for a resource; nobody for one that the policy no longer has."""
    known = policy.resources.get(resource)
    return policy.members([known.owner]) if known else frozenset()


def render(trace: Iterable[Step]) -> str:
    """One line a step, for people."""
    return "\n".join(f"{'✓' if step.verdict else '✗'} {step.name} {step.subject}: {step.because}" for step in trace)


def _people(policy: Policy, ask: Ask, trace: _Trace) -> None:
    for person in dict.fromkeys((ask.requester, ask.subject)):
        if person in policy.people:
            trace.add("person", person, True, "is in the policy")
            continue
        sentence = None if person == ask.requester else f"{person} is not in the access policy."
        raise trace.refuse(RefusedStranger(sentence), "person", person, "is not in the policy")


def _the_one_rule(policy: Policy, ask: Ask, trace: _Trace) -> Rule:
    wanted = str(ask.entitlement)
    known = policy.entitlement(ask.entitlement) is not None
    trace.add("entitlement", wanted, known, "is in the catalog" if known else "the catalog has no such entitlement")
    named = [rule for rule in policy.rules if ask.entitlement in rule.entitlements]
    matching = [rule for rule in named if _matches(policy, rule, ask, trace)]
    if len(matching) == 1:
        return matching[0]
    if not matching:
        rules = counted(len(policy.rules), "rule", "rules")
        because = f"{len(named)} of {rules} for {wanted}, none of them for {ask.requester}"
        raise trace.refuse(RefusedByPolicy(_no_such_thing(policy, ask)), "rule", "none", because)
    ids = " and ".join(rule.id for rule in matching)
    sentence = f"More than one rule of the access policy answers this ({ids}). Ask the security team to mend it."
    raise trace.refuse(RefusedByPolicy(sentence), "rule", ids, "exactly one rule may match")


def _matches(policy: Policy, rule: Rule, ask: Ask, trace: _Trace) -> bool:
    """A rule is for those who ask and receive: asking for somebody else needs both in its groups."""
    for person in dict.fromkeys((ask.requester, ask.subject)):
        groups = [name for name in rule.groups if person in policy.members([name])]
        if not groups:
            because = f"does not match because {person} is in none of {', '.join(rule.groups)}"
            trace.add("rule", rule.id, False, because)
            return False
        trace.add("rule", rule.id, True, f"matches because {person} is in {' and '.join(groups)}")
    return True


def _no_such_thing(policy: Policy, ask: Ask) -> str:
    """The same sentence for what does not exist and for what others may ask for: names do not leak."""
    sentence = f"There is no {ask.entitlement} that you may ask for."
    mine = [choice.entitlement for choice in policy.requestable(ask.requester)]
    suggestion = nearest(str(ask.entitlement), mine)
    return f"{sentence} Did you mean {suggestion}?" if suggestion else sentence


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
    return Terms(
        rule=rule.id,
        level=level.name,
        entitlement=ask.entitlement,
        resource_title=resource.title,
        role_title=role.title,
        provider=resource.provider,
        principal=policy.people[ask.subject].principal(resource.provider),
        settings=resource.settings,
        definition=role.definition,
        channel=rule.channel,
        any_of=rule.any_of,
        quorum=max(rule.quorum, level.quorum),
        longest=min(rule.max or level.max, level.max),
        duration=ask.duration,
        until=ask.until,
        reason=clean(ask.reason).text,
        lapses_after=lapses_after,
        reminders=tuple(one for one in rule.reminders if one.after < lapses_after),
        alert_after=level.alert_after,
    )


def _extension(policy: Policy, ask: Ask, trace: _Trace) -> None:
    if ask.extends is None:
        return
    asked, most = f"number {ask.extended + 1}", policy.extensions
    if ask.extended < most:
        trace.add("extension", asked, True, f"is within {most}, which one access may have")
        return
    how_often = f"can be extended {'once' if most == 1 else f'{most} times'} only" if most else "can't be extended"
    refusal = RefusedByPolicy(f"This access {how_often}; when it has ended you can ask for it again.")
    raise trace.refuse(refusal, "extension", asked, f"is over {most}, which one access may have")


def _refuse_together(trace: _Trace, *checks: Callable[[], None]) -> None:
    """Raises the first refusal, which carries the others."""
    refusals: list[RefusedInput] = []
    for check in checks:
        try:
            check()
        except RefusedInput as refused:
            refusals.append(refused)
    if refusals:
        first, *others = refusals
        first.also, first.trace = tuple(others), tuple(trace.steps)
        raise first


def _start(ask: Ask, trace: _Trace) -> None:
    if ask.starts_at is None:
        return
    ahead = format_duration(max(ask.starts_at - ask.at, timedelta(0)))
    if ask.starts_at - ask.at > AHEAD:
        sentence = f"A start lies at most {format_duration(AHEAD)} ahead."
        raise trace.refuse(RefusedInput("start", sentence), "start", f"{ahead} ahead", "is too far ahead")
    trace.add("start", f"{ahead} ahead", True, f"is within {format_duration(AHEAD)}")


def _time(ask: Ask, terms: Terms, trace: _Trace) -> None:
    longest = format_duration(terms.longest)
    begins = ask.at if ask.starts_at is None else max(ask.starts_at, ask.at)
    span = ask.duration if ask.until is None else ask.until - begins
    if span is None or (ask.duration is not None and ask.until is not None):
        sentence = "Say how long you need it, like 2h, or until when, like until 17:00: one of the two."
        raise trace.refuse(RefusedInput("duration", sentence), "time", "none", "neither or both of the two were given")
    asked = format_duration(span)
    if ask.until is not None and ask.open_until is not None and ask.until <= ask.open_until:
        sentence = "It is open until then already; say a later time, or how much longer."
        raise trace.refuse(RefusedInput("duration", sentence), "time", asked, "is no later than its present end")
    if ask.until is not None and span <= timedelta(0):
        sentence = "That end has already passed." if begins == ask.at else "That end is not after the start."
        raise trace.refuse(RefusedInput("duration", sentence), "time", asked, "ends before it begins")
    if span < SHORTEST:
        sentence = f"The shortest access is {format_duration(SHORTEST)}."
        raise trace.refuse(RefusedInput("duration", sentence), "time", asked, "is too short to be of use")
    if span > terms.longest:
        sentence = f"The longest access to {terms.entitlement} is {longest}; you asked for {asked}."
        if ask.extends is not None:
            sentence = f"{longest} from now is the most for {terms.entitlement}; this would be {asked} from now."
        because = f"is over {longest}, the longest by rule {terms.rule} and level {terms.level}"
        refusal = RefusedInput("duration", sentence)
        refusal.longest = terms.longest
        raise trace.refuse(refusal, "time", asked, because)
    trace.add("time", asked, True, f"is within {longest}, the longest by rule {terms.rule} and level {terms.level}")


def _reason(terms: Terms, level: Level, trace: _Trace) -> None:
    length, lines = len(terms.reason), terms.reason.count("\n") + 1
    because = f"level {level.name} wants {level.reason_min} to {REASON_LONGEST} characters in {REASON_LINES} lines"
    long = f"of {counted(length, 'character', 'characters')}"
    sentence = None
    if length == 0:
        sentence = "Say why you need it: the approver decides by that."
    elif length < level.reason_min:
        needed = counted(level.reason_min, "character", "characters")
        sentence = f"Say more: the reason needs at least {needed} here, this has {length}."
    elif length > REASON_LONGEST:
        sentence = f"Shorten the reason: it may have {REASON_LONGEST} characters, this has {length:,}."
    elif lines > REASON_LINES:
        sentence = f"Shorten the reason: it may have {REASON_LINES} lines, this has {lines}."
    if sentence:
        raise trace.refuse(RefusedInput("reason", sentence), "reason", long, because)
    trace.add("reason", long, True, because)


def _approvers(policy: Policy, ask: Ask, terms: Terms, trace: _Trace, unable: frozenset[Person]) -> None:
    barred = frozenset({ask.requester, ask.subject})
    named = eligible(policy, terms.any_of, barred=barred)
    others = sorted(named - unable)
    groups = ", ".join(terms.any_of)
    if len(others) < terms.quorum:
        because = f"{terms.quorum} needed, {len(others)} there besides who asks and who receives"
        if named & unable:
            because += f", for Slack does not show {', '.join(sorted(named & unable))} as full members"
        sentence = no_approver(terms.entitlement, named)
        raise trace.refuse(RefusedByPolicy(sentence), "approvers", groups, because)
    trace.add("approvers", groups, True, f"{terms.quorum} needed of {', '.join(others)}")
