"""The card of several requests that the same people decide: each in two lines, one reason, and one click for all."""

from collections.abc import Sequence
from typing import Any, cast

from access.ids import SlackUser, short
from access.messages.facts import BatchFacts, CardFacts
from access.models import Request, RequestStatus, Verdict, VersionOrigin
from access.requests.review_several import joined
from access.shared_cards import is_on_shared_card, is_waiting_there
from access.words import counted
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
    mention,
    mentions,
    note,
    person,
    plain,
    quoted,
    span,
    title,
)
from bot.views.blocks import mrkdwn as markup
from bot.views.chain import chain_lines, for_more
from bot.views.progress import progress
from bot.views.review import how_long, state_of, why
from bot.views.rights import rights_note

_PAST = {
    RequestStatus.PENDING: "still waiting", RequestStatus.APPROVED: "approved", RequestStatus.DENIED: "denied",
    RequestStatus.CANCELLED: "taken back", RequestStatus.LAPSED: "lapsed",
}  # fmt: skip
FITS = 9_500
"""Characters of a message that Slack takes for certain."""
_BRIEF = "What each role allows is left out: with it, this card would be longer than Slack takes."
_COMMENTS_MOST = 5
"""Different words of approvers; of more, the rest is in `/access why`. So much fits with the longest names."""


def batch_card(facts: BatchFacts) -> Rendered:
    full = _card(facts, brief=False)
    return full if size(full.blocks) < FITS else _card(facts, brief=True)


def _card(facts: BatchFacts, *, brief: bool) -> Rendered:
    """`brief`: what the roles allow is left out, for with it no approver would get the card at all."""
    waiting = [one for one in facts.parts if is_waiting_there(one.request, facts.now)]
    shown = next((one for one in facts.parts if is_on_shared_card(one.request)), facts.parts[0]).request
    state, together = _state(facts.parts, waiting), _Together.of(waiting, brief=brief)
    blocks = [
        header(state),
        _asked(shown, len(facts.parts), is_waiting=bool(waiting)),
        *(block for one in facts.parts for block in _part(one, together, is_waiting=one in waiting)),
        *([note(_BRIEF)] if brief else []),
        why(shown),
        *written(facts.parts),
        *_waiting(waiting, together),
        *_revoke(facts.parts),
    ]
    more = f" and {len(facts.parts) - 1} more" if len(facts.parts) > 1 else ""
    what = f"{shown.entitlement}{more} for {shown.subject}, request {short(shown.id)}"
    return Rendered(text=f"{state}: {what}", blocks=blocks)


class _Together:
    """What is the same for all that wait, so that it is said once; of what differs, each part says its own."""

    def __init__(self, chain: list[Block], end_means: str | None, *, brief: bool) -> None:
        self.chain, self.end_means, self.brief = chain, end_means, brief

    @classmethod
    def of(cls, waiting: Sequence[CardFacts], *, brief: bool) -> "_Together":
        chains = [chain_lines(one.chain) for one in waiting]
        means = {one.request.end_means for one in waiting}
        return cls(
            chains[0] if chains and all(chain == chains[0] for chain in chains) else [],
            means.pop() if len(means) == 1 else None,
            brief=brief,
        )

    def own(self, facts: CardFacts) -> list[Element]:
        """Of one that waits, what it has alone."""
        if self.brief:
            return texts([block for block in rights_note(facts.rights) if block["type"] == "section"])
        chain = [] if self.chain else chain_lines(facts.chain)
        means = facts.request.end_means if self.end_means is None else ""
        described = [plain(facts.description)] if facts.description else []
        ends = [plain(f"When time is up: {means}")] if means else []
        return [*described, *ends, *texts(rights_note(facts.rights)), *texts(chain)]


def texts(blocks: Sequence[Block]) -> list[Element]:
    """The texts of these blocks, for the small print of a part."""
    return [text for block in blocks for text in block.get("elements", [block.get("text")]) if "text" in (text or {})]


def _state(parts: Sequence[CardFacts], waiting: Sequence[CardFacts]) -> str:
    if not waiting:
        return f"Answered, {counted(len(parts), 'request', 'requests')}"
    levels = " and ".join(dict.fromkeys(one.request.level for one in waiting))
    some = f"{len(waiting)} of {len(parts)} still waiting" if len(waiting) < len(parts) else f"{len(parts)} at once"
    return f"Access request, {some}, level {levels}"


def _asked(request: Request, number: int, *, is_waiting: bool) -> Block:
    asks = "asks" if is_waiting else "asked"
    if request.subject_slack == request.requester_slack:
        return line(person(request.requester_slack), span(f" {asks} for {number} at once:"))
    gets = person(request.subject_slack), span(f" gets {number} at once:")
    return line(person(request.requester_slack), span(f" {asks} that "), *gets)


def _part(facts: CardFacts, together: _Together, *, is_waiting: bool) -> list[Block]:
    request = facts.request
    what = line(
        span(request.entitlement, code=True), span(" – "), title(request.role_title), span(" on "),
        title(request.resource_title),
    )  # fmt: skip
    identifier = f"id {code(short(request.id))}"
    if is_waiting:
        terms = f"{how_long(request)} · level {escaped(request.level)} · {identifier} · {_history(facts)}"
        return [what, small(markup(terms), *together.own(facts))]
    state = _left(facts) if facts.version < request.version else answered(facts)
    return [what, small(markup(f"{state} · {identifier}"), *became(facts))]


def small(*elements: Element) -> Block:
    return {"type": "context", "elements": list(elements)}


def _left(facts: CardFacts) -> str:
    """What has made a newer version of it, which is answered elsewhere."""
    after = facts.successor
    made = "*The rule has changed*"
    if after is not None and after.made_by and after.origin != VersionOrigin.RULE:
        did = "changed it" if after.origin == VersionOrigin.EDITED else "narrowed its time"
        made = f"*{escaped(after.made_by)} has {did}*"
    return f"{made}, so it goes on with a card of its own"


def answered(facts: CardFacts) -> str:
    """Who decided it, and when; else what became of it, after those who had approved."""
    said = [
        f"{'*Approved*' if one.verdict == Verdict.APPROVE else '*Denied*'} by {mention(one.reviewer_slack)} "
        f"{at(one.at)}{for_more(one)}"
        for one in facts.reviews
    ]
    is_said = said and facts.request.status in (RequestStatus.APPROVED, RequestStatus.DENIED)
    return ". ".join(said if is_said else [*said, f"*{escaped(state_of(facts))}*"])


def size(blocks: Sequence[Block]) -> int:
    """All characters that are shown."""
    return sum(map(_characters, blocks))


def _characters(node: Any) -> int:
    if isinstance(node, dict):
        values = cast("dict[str, Any]", node)
        text = values.get("text")
        return (len(text) if isinstance(text, str) else 0) + sum(map(_characters, values.values()))
    return sum(map(_characters, cast("list[Any]", node))) if isinstance(node, list) else 0


def became(facts: CardFacts) -> list[Element]:
    request = facts.request
    if facts.version < request.version:
        return []
    if facts.grant is not None:
        return texts([block for block in progress(facts.grant) if block["type"] == "section"])
    if request.status == RequestStatus.LAPSED:
        return [plain(request.decided_because or "No approver answered in time.")]
    return [plain(request.decided_because)] if request.decided_because else []


def _history(facts: CardFacts) -> str:
    """The last one alone: the card lists several, and must stay short."""
    if not facts.history:
        return f"{escaped(facts.request.subject)} has never asked for this resource"
    past = facts.history[0]
    return f"last asked here {at(past.asked_at)}: {code(past.role)}, {_PAST[RequestStatus(past.status)]}"


def written(parts: Sequence[CardFacts]) -> list[Block]:
    """What was written with an answer, once, and about which of them unless it was about all."""
    about: dict[tuple[str, str], list[str]] = {}
    for one in parts:
        for review in one.reviews:
            if review.comment and one.version == one.request.version:
                about.setdefault((review.reviewer, review.comment), []).append(one.request.entitlement)
    shown = [
        quoted(f"{reviewer} wrote{_of(names, len(parts))}", comment)
        for (reviewer, comment), names in [*about.items()][:_COMMENTS_MOST]
    ]
    more = len(about) - _COMMENTS_MOST
    return [*shown, context(f"More was written; {code('/access why')} with an id shows it.")] if more > 0 else shown


def _of(names: Sequence[str], of: int) -> str:
    return "" if len(names) == of else f" about {' and '.join(names)}" if len(names) < 3 else f" about {len(names)}"


def _waiting(waiting: Sequence[CardFacts], together: _Together) -> list[Block]:
    if not waiting:
        return []
    requests, first = [one.request for one in waiting], waiting[0]
    able = [*dict.fromkeys(user for one in waiting for user in one.approvers)]
    follows = f"{comes_next(first.next, first.approvers)} " if first.next else ""
    return [
        *([note(f"When time is up: {together.end_means}")] if together.end_means else []),
        *together.chain,
        context(
            f"Can decide: {mentions(able) or 'no approver at the moment'}. {follows}"
            f"Lapses {at(min(one.lapses_at for one in requests))}."
        ),
        _buttons(requests),
        *_looking(waiting),
    ]


def _buttons(requests: Sequence[Request]) -> Block:
    """Their values say of each that waits what is shown of it: what has changed since is not decided by them."""
    value, which = joined(requests), ", ".join(f"request {short(one.id)}" for one in requests)
    every = "Approve" if len(requests) == 1 else f"Approve all {len(requests)}"
    return actions(
        button(every, action=ids.BATCH_APPROVE, value=value, label=f"{every}: {which}", style="primary"),
        button("Some of it…", action=ids.BATCH_SOME, value=value, label=f"Choose which you answer: {which}"),
        button("Deny…", action=ids.BATCH_DENY, value=value, label=f"Deny all or some of {which}", style="danger"),
        button("I'm looking", action=ids.BATCH_CLAIM, value=value, label=f"I'm looking, or not any more: {which}"),
    )


def _looking(waiting: Sequence[CardFacts]) -> list[Block]:
    found: dict[SlackUser, CardFacts] = {}
    for one in waiting:
        if one.claimant is not None:
            found.setdefault(one.claimant, one)
    return [
        context(f"{mention(user)} is looking, since {at(one.request.claimed_at)}. Others can still decide.")
        for user, one in found.items()
        if one.request.claimed_at is not None
    ]


def _revoke(parts: Sequence[CardFacts]) -> list[Block]:
    if not any(one.grant is not None and one.grant.ended_at is None for one in parts):
        return []
    return [context(f"Only the security team can revoke one of them, with {code('/access revoke')} and its id.")]
