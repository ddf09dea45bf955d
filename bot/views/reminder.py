"""In the thread of a card: nobody has answered yet."""

from access.ids import short
from access.requests.remind import ReminderFacts
from bot.views.asked import comes_next
from bot.views.blocks import Rendered, at, code, context, mentions, section


def reminder(facts: ReminderFacts) -> Rendered:
    """Said once, to those who can decide at this moment."""
    request, identifier = facts.request, short(facts.request.id)
    who = (
        f"{mentions(facts.named)}: please decide above." if facts.named else "No approver can decide it at the moment."
    )
    return Rendered(
        text=f"Still waiting: {request.entitlement} for {request.subject}, request {identifier}",
        blocks=[
            section(f"*Still waiting.* {who}"),
            # Who asked is not mentioned: it would ping somebody who can do nothing about it.
            context(
                f"Asked {at(request.asked_at)}. {_next(facts)}"
                f"Request {code(identifier)} lapses {at(request.lapses_at)}."
            ),
        ],
    )


def _next(facts: ReminderFacts) -> str:
    return f"{comes_next(facts.next, facts.named)} " if facts.next else ""
