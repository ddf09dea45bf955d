"""Several are asked for at once, chosen one by one or as a bundle: one request each, by its own rule; all or nothing.

A bundle decides nothing: each part is asked, approved and refused as if it were asked alone. Those that go the same way
stand on one card (docs/adr/0046).
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from access.actors import Actor
from access.approvers import people_now
from access.catalog import Policy
from access.core import Core
from access.errors import InvalidInput, Refusal
from access.grants.admission import refuse_while_closed
from access.ids import BatchId, Person, RequestId, SlackUser, ulid
from access.models import Request
from access.policy.chain import column_of
from access.policy.decide import Allowed, Ask, Terms
from access.policy.escalation import facts_of_escalations
from access.policy.refusals import PartsRefused, Refused, RefusedInput
from access.requests.already import refuse_what_is_open
from access.requests.pending import refuse_too_many
from access.requests.submit import Parties, Preview, Within, decide_all, parsed, post, preview, receiver_of, submit

MOST = 10
BUNDLE = "bundle:"
"""Before the id of a bundle, among what a person has chosen; no entitlement has a colon."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is the same for all that is asked at once."""

    duration: timedelta | None
    until: datetime | None
    reason: str
    source: str
    starts_at: datetime | None = None
    subject: SlackUser | None = None
    """Who receives it, where that is another."""
    unread: InvalidInput | None = None
    """Why something of it could not be read or used."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What was asked, in the order in which it was chosen."""

    requests: tuple[Request, ...]
    left_out: Mapping[str, str] = field(default_factory=dict[str, str])
    """What was not, and why: the person had been told, and went on."""


def submit_all(
    core: Core, *, requester: Actor, chosen: Sequence[str], wanted: Wanted, told: Collection[str] = ()
) -> Batch:
    """Writes a pending request for each part. Raises PartsRefused where some of them are refused: then none is asked.

    `chosen`: entitlements and bundles. `told`: parts of which the person was told that they are refused; those of them
    that still are, are left out.
    """
    with core.refusals_recorded(requester, "request.submit", None):
        policy = core.policy.current()
        names = parts(policy, core.person(requester, policy).name, chosen or [""])
        if len(names) > MOST:
            raise InvalidInput("entitlement", f"Ask for at most {MOST} at once; this is {len(names)}.")
    if len(names) == 1:
        return Batch(requests=(submit(core, requester=requester, entitlement=names[0], **vars(wanted)),))
    with core.refusals_recorded(requester, "request.submit", None):
        return _submit_several(core, requester, names, wanted, told)


def parts(policy: Policy, requester: Person, chosen: Iterable[str]) -> list[str]:
    """The entitlements, each once, with those of bundles. Raises InvalidInput."""
    found: dict[str, None] = {}
    bundles = {bundle.id: bundle for bundle in policy.bundles_by(requester)}
    for one in chosen:
        if not one.startswith(BUNDLE):
            found[str(parsed(one))] = None
            continue
        bundle = bundles.get(one.removeprefix(BUNDLE))
        if bundle is None:
            raise InvalidInput("entitlement", "There is no such bundle that you may ask for. Please choose again.")
        found |= dict.fromkeys(map(str, bundle.entitlements))
    return list(found)


def previews(
    core: Core, *, requester: Actor, chosen: Sequence[str], subject: SlackUser | None
) -> dict[str, Preview | str]:
    """The terms of each part, or why it cannot be asked for."""
    policy = core.policy.current()
    found: dict[str, Preview | str] = {}
    for name in parts(policy, core.person(requester, policy).name, chosen)[:MOST]:
        try:
            found[name] = preview(core, requester=requester, entitlement=name, subject=subject)
        except Refusal as refused:
            found[name] = refused.sentence
    return found


def _submit_several(core: Core, requester: Actor, names: Sequence[str], wanted: Wanted, told: Collection[str]) -> Batch:
    policy = core.policy.current()
    person = core.person(requester, policy)
    parties, now = Parties(person, receiver_of(policy, person, wanted.subject)), core.clock.now()
    with core.database.read() as session:
        people = people_now(session, policy)
    allowed, refused = dict[str, tuple[Ask, Allowed]](), dict[str, Refusal]()
    for name in names:
        ask = Ask(
            requester=person.name, subject=parties.receives.name, entitlement=parsed(name), duration=wanted.duration,
            until=wanted.until, reason=wanted.reason, at=now, starts_at=wanted.starts_at,
        )  # fmt: skip
        try:
            allowed[name] = ask, decide_all(policy, people, ask, wanted.unread)
        except Refusal as refusal:
            refused[name] = refusal
    with core.work(requester) as work:
        refuse_too_many(work, *parties.distinct(), more=len(allowed))
        refuse_while_closed(work.session)
        for name, (ask, _) in [*allowed.items()]:
            try:
                refuse_what_is_open(work, ask, parties.receives)
            except Refusal as refusal:
                refused[name] = refusal
                del allowed[name]
        _refuse_parts(refused, [*allowed], told)
        withins = _placed([decision.terms for _, decision in allowed.values()], work.now)
        requests = [
            post(work, ask, decision, parties, core.providers, people=people, source=wanted.source, within=within)
            for (ask, decision), within in zip(allowed.values(), withins, strict=True)
        ]
    return Batch(requests=tuple(requests), left_out={name: one.sentence for name, one in refused.items()})


def _placed(terms: Sequence[Terms], now: datetime) -> list[Within]:
    """Those that the same people decide in the same place share a card, named after the first of them."""
    ids = [RequestId(ulid(now)) for _ in terms]
    ways = [_way(one) for one in terms]
    first = dict(reversed([*zip(ways, ids, strict=True)]))
    return [
        Within(id=identifier, batch=BatchId(ids[0]), card=first[way] if ways.count(way) > 1 else None)
        for identifier, way in zip(ids, ways, strict=True)
    ]


def _way(terms: Terms) -> tuple[str, str, str]:
    """Its rule, its channel, and who is asked in which order, then reminded or asked too, as one text."""
    ladder = [(str(one.after), one.group, one.channel) for one in terms.reminders]
    chain = column_of(terms.stages, facts_of_escalations(terms.escalations))
    return terms.rule, terms.channel, json.dumps([chain, ladder, str(terms.lapses_after)], sort_keys=True)


def _refuse_parts(refused: Mapping[str, Refusal], possible: Sequence[str], told: Collection[str]) -> None:
    if not refused or (possible and refused.keys() <= set(told)):
        return
    trace = [step for one in refused.values() if isinstance(one, Refused) for step in one.trace]
    if possible:
        error: RefusedInput = PartsRefused({name: one.sentence for name, one in refused.items()}, possible)
    else:
        error = _all_of_them(refused.values())
    error.trace = tuple(trace)
    raise error


def _all_of_them(refused: Iterable[Refusal]) -> RefusedInput:
    """Each sentence once, under the field that it is about."""
    said: dict[str, dict[str, None]] = {}
    for one in refused:
        fields = one.by_field if isinstance(one, InvalidInput) else {"entitlement": one.sentence}
        for about, sentence in fields.items():
            said.setdefault(about, {})[sentence] = None
    first, *others = (RefusedInput(about, "\n".join(sentences)) for about, sentences in said.items())
    return RefusedInput(first.field, first.sentence, also=others)
