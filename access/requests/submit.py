"""A person asks: checked by the policy as it is now, written down with its fingerprint, shown to the approvers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from access.actors import Actor
from access.alerts.undelivered import NeverAsked, unreachable
from access.answer_times import recent_answers
from access.approvers import Asked, people_now
from access.approvers import asked as asked_now
from access.catalog import Bundle, Entitlement, PersonEntry, Policy
from access.choices import Choices, Found
from access.core import Core
from access.decisions import keep_asked
from access.errors import InvalidInput
from access.grants.admission import refuse_while_closed
from access.grants.role_rights import RightsNote, note_about
from access.ids import BatchId, RequestId, SlackChannel, SlackUser, ulid
from access.models import MessageKind, Request, RequestStatus
from access.nearest import nearest
from access.people import People
from access.policy.chain import column_of, lacking
from access.policy.chain_now import Chain
from access.policy.decide import Allowed, Ask, Terms, decide, no_approver, render
from access.policy.escalation import facts_of_escalations
from access.policy.facts import whole_seconds
from access.policy.reasons import Reason, sentence_of
from access.policy.refusals import refusal_of
from access.ports import Provider
from access.requests.already import already_asked, refuse_what_is_open
from access.requests.binding import bound
from access.requests.escalation import first_step
from access.requests.pending import refuse_too_many
from access.requests.remind import remind
from access.shared_cards import told_as
from access.store import insert_unless_there
from access.unit_of_work import URGENT, UnitOfWork
from access.words import clean

ENTITLEMENT_LONGEST = 130
"""More than any entitlement has: so much of what was typed goes into the audit log."""


@dataclass(frozen=True)
class Parties:
    """Who asks and who receives, as the policy has them now."""

    asks: PersonEntry
    receives: PersonEntry

    @property
    def is_for_another(self) -> bool:
        return self.asks.slack != self.receives.slack

    def distinct(self) -> tuple[PersonEntry, ...]:
        return (self.asks, self.receives) if self.is_for_another else (self.asks,)


@dataclass(frozen=True, kw_only=True)
class Within:
    """Which one it is of what is asked at once."""

    id: RequestId
    batch: BatchId
    """The id of the first."""
    card: RequestId | None = None
    """Of those that share a card, the first; None: it has its own."""

    @classmethod
    def alone(cls, now: datetime) -> "Within":
        identifier = RequestId(ulid(now))
        return cls(id=identifier, batch=BatchId(identifier))


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What asking for this would mean, before it is asked."""

    rule: str
    level: str
    longest: timedelta
    channel: SlackChannel
    asked: Asked
    reason_min: int
    end_means: str
    rights: RightsNote | None = None
    """What must be known of what the role allows."""
    description: str = ""
    """What the role allows, in plain words."""
    unreachable: NeverAsked | None = None
    """Why the approvers would not be asked yet."""


def submit(
    core: Core,
    *,
    requester: Actor,
    entitlement: str,
    duration: timedelta | None,
    until: datetime | None,
    reason: str,
    source: str,
    starts_at: datetime | None = None,
    subject: SlackUser | None = None,
    unread: InvalidInput | None = None,
) -> Request:
    """Writes a pending request and sees to its card. Raises a Refusal with the fields to mend.

    AlreadyHeld when this is what the person holds now: then it can be extended. `subject`: who receives it, where that
    is another. `unread`: why something of it could not be read or used, told with all else that is wrong.
    """
    asked_for = clean(entitlement).text[:ENTITLEMENT_LONGEST]
    with core.refusals_recorded(requester, "request.submit", asked_for):
        policy = core.policy.current()
        person = core.person(requester, policy)
        now = core.clock.now()
        if starts_at is not None and starts_at <= now:
            unread = unread or InvalidInput("start", "That start has already passed. Leave it out to begin at once.")
        receiver = receiver_of(policy, person, subject)
        parties = Parties(person, receiver)
        ask = Ask(
            requester=person.name, subject=receiver.name, entitlement=parsed(entitlement),
            duration=duration, until=until, reason=reason, at=now, starts_at=starts_at,
        )  # fmt: skip
        people = _people_to_ask(core, policy)
        decision = decide_all(policy, people, ask, unread)
        with core.work(requester) as work:
            refuse_too_many(work, *parties.distinct())
            refuse_while_closed(work.session)
            refuse_what_is_open(work, ask, receiver)
            request = post(work, ask, decision, parties, core.providers, people=people, source=source)
    return request


def post(
    work: UnitOfWork, ask: Ask, decision: Allowed, parties: Parties, providers: Mapping[str, type[Provider]], *,
    people: People, source: str, within: Within | None = None,
) -> Request:  # fmt: skip
    """Writes down what the policy lets this person ask, with all that must be told of it. Raises AlreadyOpen.

    `people`: by whom it was decided. `within`: where it is one of several that are asked at once.
    """
    within = within or Within.alone(work.now)
    request = _request(work, ask, decision.terms, parties, providers, within=within)
    if not insert_unless_there(work.session, request):
        raise already_asked(ask)  # by the same person at the same moment
    trace = render(decision.trace).splitlines()
    work.record("request.created", request.id, source=source, trace=trace, **_told(request))
    keep_asked(work, people, request)
    kind, subject = told_as(request, MessageKind.REVIEW)
    work.tell(kind, subject, request.channel, urgency=URGENT)  # on a shared card, the same message once more
    if parties.is_for_another:
        work.tell(MessageKind.ASKED_FOR, request.id, parties.receives.slack, urgency=URGENT)
    for reminder in decision.terms.reminders:
        remind(work, request, reminder)
    work.request_changed(request)
    return request


def decide_all(policy: Policy, people: People, ask: Ask, unread: InvalidInput | None) -> Allowed:
    """As the policy decides, but first of all what could not be read. Raises a Refusal with all fields to mend."""
    decision = decide(policy, people, ask)
    if isinstance(decision, Allowed):
        if unread is not None:
            raise unread
        return decision
    refusal = refusal_of(decision)
    if unread is None or not isinstance(refusal, InvalidInput):
        raise refusal
    also = [*unread.also, *(one for one in (refusal, *refusal.also) if one.field != unread.field)]
    raise InvalidInput(unread.field, unread.sentence, also=also)


def requestable(core: Core, *, requester: Actor) -> Choices:
    """What this person may ask for now, for whomever."""
    policy = core.policy.current()
    return policy.requestable_by(core.person(requester, policy).name)


def bundles(core: Core, *, requester: Actor) -> tuple[Bundle, ...]:
    """Those of which this person may ask for a part."""
    policy = core.policy.current()
    return policy.bundles_by(core.person(requester, policy).name)


def asks_for_others(core: Core, *, requester: Actor) -> bool:
    policy = core.policy.current()
    return policy.asks_for_others(core.person(requester, policy).name)


def receiver_of(policy: Policy, requester: PersonEntry, account: SlackUser | None) -> PersonEntry:
    """Of whom the policy knows: nothing is ever given to a stranger. Raises InvalidInput."""
    if account is None:
        return requester
    found = policy.person_by_slack(account)
    if found is None:
        raise InvalidInput(
            "subject", "The access policy does not know that person. The security team can add them to it."
        )
    return found


def suggest(core: Core, *, requester: Actor, typed: str, most: int) -> Found:
    """The best of what this person may ask for and has begun to type."""
    return requestable(core, requester=requester).search(typed, most=most)


def preview(
    core: Core, *, requester: Actor, entitlement: str, lapses_at: datetime | None = None,
    subject: SlackUser | None = None,
) -> Preview:  # fmt: skip
    """The terms for one entitlement. Raises InvalidInput when this person may not ask for it.

    `lapses_at`: of an extension, when it lapses whatever its rule says.
    """
    policy = core.policy.current()
    person = core.person(requester, policy)
    wanted = parsed(entitlement)
    receiver = receiver_of(policy, person, subject)
    other = {} if receiver.slack == person.slack else {"receiver": receiver.name}
    known, rules = policy.entitlement(wanted), policy.rules_between(person.name, receiver.name, wanted)
    if known is None or not rules:
        mine = policy.requestable_for(person.name, receiver.name)
        said = {"entitlement": str(wanted), "nearest": nearest(str(wanted), [one.entitlement for one in mine])} | other
        raise InvalidInput("entitlement", sentence_of(Reason.NO_RULE, said))
    (resource, role), rule = known, rules[0]
    with core.database.read() as session:
        rights = note_about(session, resource.id, role.name)
        blocked = unreachable(session, rule.channel)
        barred = frozenset({person.name, receiver.name})
        answers = recent_answers(session)
        people = people_now(session, policy)
        stages = tuple(stage.resolved(resource, receiver.name) for stage in rule.stages)
        chain = Chain(stages=stages, votes=(), members=people.able_by_group(stages, barred=barred), barred=barred)
        lacks = lacking(stages, chain.members)
        if lacks is not None:
            why = no_approver(wanted, stages, stages[lacks - 1], people, barred, **other)
            raise InvalidInput("entitlement", sentence_of(*why))
        asked = asked_now(people, answers, chain, resource=resource.id)
        first = first_step(people, rule, chain, frozenset(people.names(asked.approvers)))
    if first and (lapses_at is None or core.clock.now() + first.after < lapses_at):
        asked = replace(asked, next=first)
    return Preview(
        rule=rule.id, level=role.level, longest=policy.longest(role, rule), channel=rule.channel,
        asked=asked, reason_min=policy.levels[role.level].reason_min,
        end_means=core.providers[resource.provider].capabilities.of(resource.settings).end_means,
        rights=rights, description=role.description, unreachable=blocked,
    )  # fmt: skip


def decide_now(core: Core, policy: Policy, ask: Ask, unread: InvalidInput | None = None) -> Allowed:
    """The same with those alone who can answer."""
    return decide_all(policy, _people_to_ask(core, policy), ask, unread)


def resolved(ask: Ask, terms: Terms, providers: Mapping[str, type[Provider]]) -> dict[str, Any]:
    """The columns of a request that the policy decides."""
    return {
        "resource": ask.entitlement.resource, "resource_title": terms.resource_title,
        "role": ask.entitlement.role, "role_title": terms.role_title,
        "level": terms.level, "rule": terms.rule, "channel": terms.channel,
        "chain": column_of(terms.stages, facts_of_escalations(terms.escalations)),
        "provider": terms.provider, "principal": terms.principal,
        "settings": dict(terms.settings), "definition": dict(terms.definition),
        "end_means": providers[terms.provider].capabilities.of(terms.settings).end_means,
        "alert_after_s": int(terms.alert_after.total_seconds()),
    }  # fmt: skip


def parsed(entitlement: str) -> Entitlement:
    """Raises InvalidInput with what an entitlement looks like."""
    try:
        return Entitlement.parse(entitlement.strip())
    except ValueError as error:
        sentence = str(error)
        raise InvalidInput("entitlement", sentence[:1].upper() + sentence[1:] + ".") from None


def _people_to_ask(core: Core, policy: Policy) -> People:
    with core.database.read() as session:
        return people_now(session, policy)


def _request(
    work: UnitOfWork, ask: Ask, terms: Terms, parties: Parties, providers: Mapping[str, type[Provider]], *,
    within: Within,
) -> Request:  # fmt: skip
    return Request(
        id=within.id, batch_id=within.batch, card_id=within.card, version=1, status=RequestStatus.PENDING,
        requester=parties.asks.name, requester_slack=parties.asks.slack,
        subject=parties.receives.name, subject_slack=parties.receives.slack,
        duration_s=whole_seconds(terms.duration), until=terms.until, starts_at=ask.starts_at, extends=ask.extends,
        scope=dict(ask.scope), ticket=ask.ticket,
        reason=terms.reason, asked_at=work.now, lapses_at=_lapses_at(ask, terms, work.now),
        **resolved(ask, terms, providers) | bound(work, within.id, 1, ask, terms),
    )  # fmt: skip


def _lapses_at(ask: Ask, terms: Terms, now: datetime) -> datetime:
    """More time can be given until the end there is, and not after it."""
    lapses_at = now + terms.lapses_after
    return lapses_at if ask.open_until is None else min(lapses_at, ask.open_until)


def _told(request: Request) -> dict[str, Any]:
    return {
        "version": request.version, "batch": request.batch_id,
        "requester": request.requester, "subject": request.subject,
        "resource": request.resource, "role": request.role, "level": request.level, "rule": request.rule,
        "duration_s": request.duration_s, "until": request.until, "starts_at": request.starts_at,
        "extends": request.extends, "reason": request.reason,
        "chain": request.chain, "lapses_at": request.lapses_at, "fingerprint": request.fingerprint,
    }  # fmt: skip
