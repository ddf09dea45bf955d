"""In the thread of a card: others are asked from now on."""

from access.ids import short
from access.requests.remind import ReminderFacts
from bot.views.blocks import Rendered, at, code, context, mentions, section
from bot.views.chain import chain_lines


def next_stage(facts: ReminderFacts) -> Rendered:
    """Said once, to those whose turn it is at this moment."""
    request, identifier = facts.request, short(facts.request.id)
    who = f"{mentions(facts.named)}: it is your turn, please decide above." if facts.named else (
        "No approver of this stage can decide at the moment."
    )  # fmt: skip
    return Rendered(
        text=f"Next stage: {request.entitlement} for {request.subject}, request {identifier}",
        blocks=[
            section(f"*Next stage.* {who}"),
            *chain_lines(facts.chain),
            context(f"Request {code(identifier)} lapses {at(request.lapses_at)}."),
        ],
    )
