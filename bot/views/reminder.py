"""In the thread of a card: there is no answer yet, and who is called because of it."""

from access.ids import short
from access.requests.remind import ReminderFacts
from bot.views.asked import comes_next
from bot.views.blocks import Rendered, at, code, context, mentions, section


def reminder(facts: ReminderFacts) -> Rendered:
    """Said once, to those who can decide at this moment."""
    request, identifier = facts.request, short(facts.request.id)
    where = "on the card above" if facts.adds else "above"
    who = (
        f"{mentions(facts.named)}: please decide {where}."
        if facts.named
        else "No approver can decide it at the moment."
    )
    called = "Asked too" if facts.adds else "Still waiting"
    state = "Asked too, for there is no answer yet" if facts.adds else "Still waiting"
    return Rendered(
        text=f"{called}: {request.entitlement} for {request.subject}, request {identifier}",
        blocks=[
            section(f"*{state}.* {who}"),
            # Who asked is not mentioned: it would ping somebody who can do nothing about it.
            context(
                f"Asked {at(request.asked_at)}. {_next(facts)}"
                f"Request {code(identifier)} lapses {at(request.lapses_at)}."
            ),
        ],
    )


def _next(facts: ReminderFacts) -> str:
    return f"{comes_next(facts.next, facts.named)} " if facts.next else ""
