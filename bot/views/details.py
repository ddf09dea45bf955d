"""The window behind "Details" on a card: all that is known of a request, for who may see why it was decided."""

from collections.abc import Iterator
from datetime import timedelta

from access.durations import format_duration
from access.messages.facts import CardFacts
from access.models import Request
from access.queries.details import Details
from bot.views.blocks import Block, View, code, context, escaped, note, plain, section, sentence
from bot.views.chain import chain_lines
from bot.views.history import listed
from bot.views.review import how_long, who_asks, why
from bot.views.rights import rights_note
from bot.views.thread import comments_beneath
from bot.views.why import by_policy, could_decide, how_it_ended, votes_cast, waits_for

_COMMENTS, _COMMENT, _MOMENTS = 15, 600, 4
"""A window has room for 100 blocks."""
_SECOND = timedelta(seconds=1)


def details_view(details: Details, facts: CardFacts) -> View:
    """`facts`: those of the card."""
    request = facts.request
    blocks = [
        who_asks(request),
        section(f"*For how long:* {how_long(request)}"),
        why(request),
        *_allows(facts),
        *_at_the_end(details, request),
        *votes_cast(details.why.votes, request),
        *could_decide(details.why.then, most=_MOMENTS),
        *chain_lines(facts.chain),
        *how_it_ended(request),
        *comments_beneath(details.why.thread, most=_COMMENTS, longest=_COMMENT),
        *_before(details, request),
        *by_policy(details.why),
        *(waits_for(details.why.now, request) if details.why.now else ()),
        _ids(facts),
    ]
    return {"type": "modal", "title": plain("Details"), "close": plain("Close"), "blocks": blocks}


def _allows(facts: CardFacts) -> Iterator[Block]:
    """As the policy of now says it, letter by letter."""
    rights = rights_note(facts.rights)
    if not facts.description and not rights:
        return
    yield section("*What the role allows*")
    if facts.description:
        yield sentence(facts.description)
    yield from rights


def _at_the_end(details: Details, request: Request) -> Iterator[Block]:
    yield section("*When time is up*")
    if request.end_means:
        yield sentence(request.end_means)
    yield note(_own_end(details.own_expiry))


def _own_end(grain: timedelta | None) -> str:
    if grain is None:
        return "The target has no end of its own for it: Countersign ends it."
    rounded = f", rounded up to {format_duration(grain)}" if grain > _SECOND else ""
    return f"The target itself ends it too{rounded}, even while Countersign is down."


def _before(details: Details, request: Request) -> Iterator[Block]:
    yield section("*Asked before*")
    own = listed(details.own) or f"{escaped(request.subject)} has not asked for this resource before."
    yield context(own)
    if details.others:
        yield context(f"Others, for the same:\n{listed(details.others)}")


def _ids(facts: CardFacts) -> Block:
    request, grant = facts.request, facts.grant
    said = [f"Request {code(request.id)}, version {request.version}", f"fingerprint {code(request.fingerprint[:16])}"]
    if grant is not None:
        said.append(f"access {code(grant.id)}")
    return context(", ".join(said))
