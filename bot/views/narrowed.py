"""Less time than was asked for: what was asked, what an approver made of it, and what an old card says."""

from access.durations import format_duration
from access.ids import short
from access.messages.facts import CardFacts
from access.models import Request, RequestVersion, Verdict, VersionOrigin
from bot.views.blocks import Block, Rendered, at, code, context, escaped, header, section


def narrowed(request: Request, time: str) -> str:
    """`2 h, narrowed to 30 min by lea`, or the same of two ends; the time alone where what was asked stands."""
    if request.narrowed_from is None:
        return time
    new = f"an end {time}" if request.until is not None and request.asked_until is None else time
    return f"{_asked(request)}, narrowed to {new} by {_narrower(request)}"


def told(facts: CardFacts) -> list[Block]:
    """To who asked: how much of it has an approval. A rule that has changed since has voided that."""
    request = facts.request
    if request.narrowed_from is None:
        return []
    voted = any(one.reviewer == request.narrowed_by and one.verdict == Verdict.APPROVE for one in facts.reviews)
    did = f"{_narrower(request)} {'approved' if voted else 'narrowed it to'}"
    if request.until is None:
        length = format_duration(request.duration) if request.duration else "less"
        return [section(f"*{did} {length} of the {_asked(request)} that you asked for.*")]
    it = "it until " if voted else ""
    until = "it until " if request.asked_until is not None else ""
    return [section(f"*{did} {it}{at(request.until)}; you asked for {until}{_asked(request)}.*")]


def superseded(facts: CardFacts) -> Rendered:
    """The card of an older version: what made another of it."""
    request = facts.request
    words = f"{_what_happened(facts.successor)} since this was posted, so this card is void. {_NEW_CARD}"
    blocks = [header("Void"), section(words), context(f"Request {code(short(request.id))}")]
    return Rendered(text=f"Void: an older card of request {short(request.id)}", blocks=blocks)


_NEW_CARD = "A new card has the current terms."


def _what_happened(successor: RequestVersion | None) -> str:
    if successor is None or successor.origin == VersionOrigin.RULE:
        return "The rule has changed"
    who = escaped(successor.made_by or "Another person")
    return f"{who} has {'changed the request' if successor.origin == VersionOrigin.EDITED else 'narrowed the time'}"


def _narrower(request: Request) -> str:
    return escaped(request.narrowed_by or "an approver")


def _asked(request: Request) -> str:
    if request.asked_until is not None:
        return at(request.asked_until)
    return format_duration(request.asked_duration) if request.asked_duration else "more time"
