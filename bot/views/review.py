"""The card in the approvers' channel: what is asked, by whom, why; then what was decided and how it ended."""

from collections.abc import Sequence

from access.durations import format_duration
from access.ids import short
from access.messages.facts import CardFacts
from access.models import Grant, GrantStatus, Request, RequestStatus, Review, Verdict
from access.policy.fingerprint import button_value
from bot import ids
from bot.views.asked import comes_next
from bot.views.blocks import (
    Block,
    Element,
    Rendered,
    actions,
    at,
    button,
    code,
    context,
    escaped,
    header,
    line,
    linked,
    mention,
    mentions,
    person,
    quoted,
    section,
    sentence,
    span,
    title,
)
from bot.views.chain import chain_lines, for_more, has_stages
from bot.views.history import history
from bot.views.narrowed import narrowed, superseded
from bot.views.progress import begins_later, headline, progress
from bot.views.rights import rights_note

_NO_APPROVER = "no approver at the moment"
_STATES = {
    RequestStatus.PENDING: "Access request",
    RequestStatus.APPROVED: "Approved",
    RequestStatus.DENIED: "Denied",
    RequestStatus.CANCELLED: "Taken back",
    RequestStatus.LAPSED: "Lapsed",
}

_OF_EXTENSIONS = {RequestStatus.PENDING: "Request for more time", RequestStatus.APPROVED: "Extended"}


def review_card(facts: CardFacts, of_access: str | None = None) -> Rendered:
    """The card of one version of a request; for an older version than the present one, that it is void.

    `of_access`: the address of the card to which one of an extension leads.
    """
    request = facts.request
    if facts.version < request.version:
        return superseded(facts)
    state = state_of(facts)
    # Of a telephone a notification is all that is seen: it says how closely to look.
    level = f", level {request.level}" if request.status == RequestStatus.PENDING else ""
    blocks = [header(state), *asked(facts), *_outcome(facts, of_access), actions(*_buttons(facts)), *_footer(facts)]
    text = f"{state}{level}: {request.entitlement} for {request.subject}, request {short(request.id)}"
    return Rendered(text=text, blocks=blocks)


def state_of(facts: CardFacts) -> str:
    """The state of a request or of its grant in a few words."""
    if facts.grant is not None:
        return headline(facts.grant)
    if facts.request.status == RequestStatus.CANCELLED and facts.request.decided_because:
        return "Cancelled"
    states = _STATES | (_OF_EXTENSIONS if facts.request.extends else {})
    return states[RequestStatus(facts.request.status)]


def of_its_request(facts: CardFacts) -> str:
    """Of an extension: by which request the access was opened."""
    return f" of request {short(facts.extends.request_id)}" if facts.extends else ""


def how_long(request: Request) -> str:
    """The time that holds, and where it was narrowed what was asked."""
    if request.duration is not None:
        return _counted_from(request, narrowed(request, format_duration(request.duration)))
    assert request.until is not None, "a request has a duration or an end"
    end = narrowed(request, at(request.until))
    narrowed_to_an_end = request.narrowed_from is not None and request.asked_until is None
    return _counted_from(request, end if narrowed_to_an_end else f"until {end}")


def time_given(request: Request) -> str:
    """The time that holds, alone."""
    if request.duration is not None:
        return _counted_from(request, format_duration(request.duration))
    assert request.until is not None, "a request has a duration or an end"
    return _counted_from(request, f"until {at(request.until)}")


def _counted_from(request: Request, time: str) -> str:
    if request.duration is None or request.starts_at:
        return _from(request, time)
    return f"{time}, counted from when it opens"


def _from(request: Request, time: str) -> str:
    starts = f"from {at(request.starts_at)}" if request.starts_at else ""
    if request.duration is None:
        return f"{starts} {time}".strip()
    return f"{time}, {starts}" if starts else time


def terms(facts: CardFacts) -> Block:
    """For how long and how closely to look, in one line."""
    return section(f"*{_time(facts)} · {escaped(facts.request.level)}*")


def _time(facts: CardFacts) -> str:
    now, request = facts.extends, facts.request
    if request.duration is not None:
        return _from(request, narrowed(request, format_duration(request.duration)))
    if request.extends is None or request.until is None:
        return how_long(request)
    end = f"New end {narrowed(request, at(request.until))}"
    if now is None or now.expires_at is None or request.status != RequestStatus.PENDING:
        return end
    return f"{end} (now {at(now.expires_at)})"


def why(request: Request) -> Block:
    """The reason, as whoever asked wrote it."""
    return quoted(f"Why? {request.requester} wrote", request.reason)


def decision(request: Request, reviews: list[Review]) -> list[Block]:
    """Who decided what about this version, when, and with which words."""
    blocks: list[Block] = []
    for review in reviews:
        if review.version != request.version:
            continue
        done = "Approved" if review.verdict == Verdict.APPROVE else "Denied"
        blocks.append(section(f"{done} by {mention(review.reviewer_slack)} {at(review.at)}{for_more(review)}"))
        blocks += comments([review])
    return blocks


def comments(reviews: Sequence[Review]) -> list[Block]:
    """What those who voted wrote."""
    return [quoted(f"{review.reviewer} wrote", review.comment) for review in reviews if review.comment]


def asked(facts: CardFacts) -> list[Block]:
    """Who asks for what, for how long, and why."""
    return [who_asks(facts.request), terms(facts), why(facts.request)]


def who_asks(request: Request) -> Block:
    asks = "asks" if request.status == RequestStatus.PENDING else "asked"
    wanted = [span(f" {asks} for more time with " if request.extends else f" {asks} for ")]
    if request.subject_slack != request.requester_slack:
        wanted = [span(f" {asks} that "), person(request.subject_slack), span(" gets ")]
    return line(
        person(request.requester_slack), *wanted, title(request.role_title), span(" on "),
        title(request.resource_title), span(" ("), span(request.entitlement, code=True), span(")"),
    )  # fmt: skip


def _outcome(facts: CardFacts, of_access: str | None) -> list[Block]:
    request = facts.request
    decided = decision(request, facts.reviews)
    match RequestStatus(request.status):
        case RequestStatus.PENDING:
            if has_stages(facts.chain):
                decided = comments(facts.reviews)
            return [*decided, *_waiting(facts)]
        case RequestStatus.LAPSED:
            never_asked = request.decided_because
            in_time = section("No approver answered in time. It can be asked for again.")
            return [*decided, sentence(never_asked) if never_asked else in_time]
        case RequestStatus.CANCELLED:
            if request.decided_because:
                cancelled = section(f"*It was cancelled{_decided_at(request)}.*")
                return [*decided, cancelled, sentence(request.decided_because)]
            return [*decided, section(f"{mention(request.requester_slack)} took it back{_decided_at(request)}.")]
        case RequestStatus.DENIED:
            return decided
        case RequestStatus.APPROVED:
            return [*decided, *_granted(facts, of_access)]


def _waiting(facts: CardFacts) -> list[Block]:
    return [context(f"{history(facts)}\n{_who_decides(facts)}".rstrip()), *rights_note(facts.rights),
            *chain_lines(facts.chain)]  # fmt: skip


def _who_decides(facts: CardFacts) -> str:
    """Of a chain each stage has a line that says it."""
    can = "" if has_stages(facts.chain) else f"Can decide: {mentions(facts.approvers) or _NO_APPROVER}. "
    return f"{can}{_next(facts)}".strip()


def _buttons(facts: CardFacts) -> list[Element]:
    request, grant = facts.request, facts.grant
    what = f"request {short(request.id)}, {request.entitlement} for {request.subject}"
    shown = button("Details", action=ids.DETAILS, value=request.id, label=f"Details of {what}")
    if request.status == RequestStatus.PENDING:
        return [*_decisions(request, what), shown]
    if grant is not None and can_be_revoked(grant):
        label = f"Revoke {grant.entitlement} of {grant.subject}, request {short(request.id)}"
        return [button("Revoke", action=ids.REVOKE, value=grant.id, label=label, style="danger"), shown]
    return [shown]


def _decisions(request: Request, what: str) -> list[Element]:
    value = button_value(request.id, request.version, request.fingerprint)
    return [
        button("Approve", action=ids.APPROVE, value=value, label=f"Approve {what}", style="primary"),
        button("Approve…", action=ids.APPROVE_WITH, value=value, label=f"Approve with words or less time, {what}"),
        button("Deny", action=ids.DENY, value=value, label=f"Deny {what}", style="danger"),
        button("I'm looking", action=ids.CLAIM, value=value, label=f"I'm looking at {what}, or not any more"),
    ]


def can_be_revoked(grant: Grant) -> bool:
    return grant.status == GrantStatus.ACTIVE or begins_later(grant)


def _footer(facts: CardFacts) -> list[Block]:
    """Its id, until when it can be decided, and who is at it or can end it."""
    request, grant = facts.request, facts.grant
    said = [f"Request {code(short(request.id))}."]
    if request.status == RequestStatus.PENDING:
        said.append(f"Lapses {at(request.lapses_at)}.")
    elif grant is not None and can_be_revoked(grant):
        command = code(f"/access revoke {short(grant.id)}")
        said.append(f"Only the security team can revoke it, here or with {command}.")
    return [*_claim(facts), context(" ".join(said))]


def _claim(facts: CardFacts) -> list[Block]:
    request = facts.request
    if facts.claimant is None or request.claimed_at is None:
        return []
    return [context(f"{mention(facts.claimant)} is looking, since {at(request.claimed_at)}. Others can still decide.")]


def _next(facts: CardFacts) -> str:
    return comes_next(facts.next, facts.approvers) if facts.next else ""


def _granted(facts: CardFacts, of_access: str | None) -> list[Block]:
    if facts.request.extends and facts.request.until:
        card = linked(f"the card{of_its_request(facts) or ' of the access itself'}", of_access)
        return [section(f"*It was extended until {at(facts.request.until)}.* Its state is on {card}.")]
    if facts.grant is None:
        return [section("It is about to be opened.")]
    return progress(facts.grant)


def for_another(request: Request) -> str:
    """Who receives, where that is not who asks."""
    return f" for {mention(request.subject_slack)}" if request.subject_slack != request.requester_slack else ""


def _decided_at(request: Request) -> str:
    return f" {at(request.decided_at)}" if request.decided_at else ""
