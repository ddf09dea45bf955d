"""The direct messages to who asked: what became of the request, and that the access is over."""

from datetime import timedelta

from access.approvers import Asked, NextStep
from access.ids import short
from access.messages.facts import CardFacts
from access.models import Grant, GrantStatus, Request, RequestStatus
from bot import ids
from bot.views.asked import asked_people, is_one_answer, reminded
from bot.views.blocks import (
    Block,
    Element,
    Rendered,
    View,
    actions,
    at,
    button,
    channel,
    code,
    context,
    header,
    line,
    linked,
    mention,
    note,
    section,
    sentence,
    span,
    title,
)
from bot.views.chain import chain_lines, has_stages
from bot.views.mine import to_use
from bot.views.modals import done
from bot.views.narrowed import told
from bot.views.progress import headline, progress
from bot.views.review import comments, decision, of_its_request, state_of, time_given
from bot.views.undelivered import not_asked_yet, unasked

_UNANSWERABLE = (
    "The security team has been told. If they name another approver in the access policy, your request goes on by "
    "itself; else it lapses, and you can ask again."
)


def answer(facts: CardFacts, of_access: str | None = None) -> Rendered:
    """What became of a request, with the holder's buttons while it is open. `of_access`: where an extension leads."""
    request = facts.request
    state = "Waiting" if request.status == RequestStatus.PENDING else state_of(facts)
    footer = context(f"Request {code(short(request.id))}")
    blocks = [header(state), *what(request), *told(facts), *_became(facts, of_access), footer]
    return Rendered(text=f"{state}: {request.entitlement}, request {short(request.id)}", blocks=blocks)


def asked(facts: CardFacts) -> Rendered:
    """At once after asking: who is asked now."""
    if facts.never_asked is not None:
        return unasked(facts)
    request = facts.request
    identifier = short(request.id)
    more = "more time with " if request.extends else ""
    said = "Asked for more time" if request.extends else "Asked"
    people = asked_now(facts, usually=facts.usually)
    whom = f":* {asked_people(people)}" if people.approvers else ".*"
    decides = "they decide" if len(people.approvers) == 1 else "one decides"
    decides = decides if is_one_answer(people) else "it is decided"
    step = f"{reminded(facts.next, facts.approvers)}, and " if facts.next else ""
    then = f"I'll message you when {decides}; unanswered, {step}it lapses {at(request.lapses_at)}."
    return Rendered(
        text=f"Asked for {more}{request.entitlement}, request {identifier}",
        blocks=[
            section(f"*{said} in {channel(request.channel)}{whom} {then}"),
            *what(request),
            context(f"Request {code(identifier)}. To take it back: {code(f'/access cancel {identifier}')}"),
        ],
    )


def asked_now(facts: CardFacts, *, usually: timedelta | None = None, step: NextStep | None = None) -> Asked:
    """Whom it asks, and who comes after them."""
    left = [stage for stage in facts.chain if stage.missing]
    return Asked(
        approvers=tuple(facts.approvers), usually=usually, next=step, missing=left[0].missing if left else 1,
        then=left[1].people if len(left) > 1 else (),
    )  # fmt: skip


def asked_in_modal(facts: CardFacts) -> View:
    """The same in the form that was sent."""
    return done("Not asked yet" if facts.never_asked else "Asked", asked(facts).blocks)


def ended(facts: CardFacts) -> Rendered:
    """That it is over, and how that was proven."""
    assert facts.grant is not None, "only a grant ends"
    request, grant = facts.request, facts.grant
    state, *proof = progress(grant)
    return Rendered(
        text=f"{headline(grant)}: {request.entitlement}, request {short(request.id)}",
        blocks=[state, line(*_title(request)), *proof, context(f"Request {code(short(request.id))}")],
    )


def warning(facts: CardFacts) -> Rendered:
    """Some time before the end; afterwards, what became of it."""
    assert facts.grant is not None, "only a grant ends"
    request, grant = facts.request, facts.grant
    identifier = short(request.id)
    if grant.status != GrantStatus.ACTIVE or grant.expires_at is None:
        state = headline(grant)
        words = line(span(f"{state}: ", bold=True), *_title(request))
        return Rendered(text=f"{state}: {request.entitlement}, request {identifier}", blocks=[words])
    what = f"{request.entitlement}, request {identifier}"
    if facts.version <= grant.extensions:
        words = line(span("Extended: ", bold=True), *_title(request))
        return Rendered(text=f"Extended: {what}", blocks=[words, section(f"It now ends {at(grant.expires_at)}.")])
    blocks = [
        section(f"*Ends {at(grant.expires_at)}*"),
        line(*_title(request)),
        *([note(f"When time is up: {request.end_means}")] if request.end_means else []),
        actions(
            *(
                [button("Extend", action=ids.EXTEND, value=grant.id, label=f"Extend {what}")]
                if facts.extendable
                else []
            ),
            button("I'm done", action=ids.DONE, value=grant.id, label=f"I'm done with {what}"),
        ),
    ]
    return Rendered(text=f"Ends soon: {what}", blocks=blocks)


def returned(grant: Grant) -> Rendered:
    """At once after "I'm done"."""
    if grant.status == GrantStatus.ENDED:
        words = f"*Thank you.* {code(grant.entitlement)} will not be opened."
        return Rendered(text=f"Not opened: {grant.entitlement}", blocks=[section(words)])
    words = f"*Thank you.* {code(grant.entitlement)} is being ended; I'll message you when it is proven gone."
    return Rendered(text=f"Being ended: {grant.entitlement}", blocks=[section(words)])


def looked_at(grant: Grant) -> Rendered:
    """At once after "I removed it by hand"."""
    words = (
        f"*Thank you.* The target of {code(grant.entitlement)} is asked now. If the access is gone, the alert closes "
        "by itself; if it is still there, the alert stays open and says so."
    )
    return Rendered(text=f"Being looked at: {grant.entitlement}", blocks=[section(words)])


def taken_back(request: Request) -> Rendered:
    """At once after a request was cancelled."""
    words = f"Your request {code(short(request.id))} for {code(request.entitlement)} is taken back."
    return Rendered(text=f"Taken back: request {short(request.id)}", blocks=[section(words)])


def holder_buttons(grant: Grant, request: Request, *, extendable: bool) -> list[Block]:
    """What the holder of access can do with it, open or approved for later."""
    buttons = to_use(grant, f"{grant.entitlement}, request {short(request.id)}", extendable=extendable)
    if not buttons:
        return []
    if grant.status != GrantStatus.ACTIVE:
        return [actions(*buttons)]
    return [
        actions(*buttons),
        context(f"To give it back before its end: I'm done, or {code(f'/access done {short(grant.id)}')}."),
    ]


def _became(facts: CardFacts, of_access: str | None) -> list[Block]:
    request = facts.request
    decided = decision(request, facts.reviews)
    match RequestStatus(request.status):
        case RequestStatus.PENDING:
            if has_stages(facts.chain):
                decided = comments(facts.reviews)
            return [*decided, *_waits(facts)]
        case RequestStatus.LAPSED:
            return [*decided, *_lapsed(request)]
        case RequestStatus.CANCELLED:
            if request.decided_because:
                return [*decided, section("*It was cancelled.*"), sentence(request.decided_because)]
            return [*decided, section("You took it back.")]
        case RequestStatus.DENIED:
            return decided
        case RequestStatus.APPROVED:
            return [*decided, *_granted(facts, of_access)]


def _waits(facts: CardFacts) -> list[Block]:
    if facts.never_asked is not None:
        return not_asked_yet(facts)
    if facts.unanswerable:
        return [section("*No one can approve it any more.*"), sentence(facts.unanswerable), section(_UNANSWERABLE)]
    if has_stages(facts.chain):
        return [section("Waiting for an answer."), *chain_lines(facts.chain)]
    people = asked_now(facts, step=facts.next)
    asked = f" Asked: {asked_people(people)}" if people.approvers else ""
    return [section(f"Waiting for an answer.{asked}")]


def _lapsed(request: Request) -> list[Block]:
    if not request.decided_because:
        return [section("No approver answered in time. You can ask again with /access.")]
    again = "Ask the security team whether that is mended, then ask again with /access."
    return [sentence(request.decided_because), section(again)]


def _granted(facts: CardFacts, of_access: str | None) -> list[Block]:
    request, grant = facts.request, facts.grant
    if request.extends and request.until:
        earlier = linked(f"the earlier message{of_its_request(facts)}", of_access)
        use = f"Connect or finish from {earlier}, or with {code('/access mine')}."
        return [section(f"*Now open until {at(request.until)}.* {use}")]
    if grant is None:
        return [section("It is about to be opened.")]
    if not facts.is_the_holders:
        return [*progress(grant), context(f"Only {mention(grant.subject_slack)} can use it and give it back.")]
    means = request.end_means if grant.status == GrantStatus.ACTIVE else ""
    at_the_end = [note(f"When time is up: {means}")] if means else []
    return [*progress(grant), *at_the_end, *holder_buttons(grant, request, extendable=facts.extendable)]


def what(request: Request) -> list[Block]:
    return [line(*_title(request)), section(f"How long: {time_given(request)}")]


def _title(request: Request) -> list[Element]:
    whom = [] if request.subject == request.requester else [span(f", for {request.subject}")]
    what = [title(request.role_title), span(" on "), title(request.resource_title)]
    return [*what, span(" ("), span(request.entitlement, code=True), span(")"), *whom]
