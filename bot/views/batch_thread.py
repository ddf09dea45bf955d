"""In the thread of a card of several requests: some still wait, or others are asked from now on."""

from collections.abc import Sequence

from access.ids import SlackUser
from access.requests.remind import BatchReminderFacts, ReminderFacts
from bot.views.asked import comes_next
from bot.views.blocks import Rendered, at, code, context, mentions, section
from bot.views.chain import chain_lines


def batch_reminder(facts: BatchReminderFacts) -> Rendered:
    """Said once, to those who can decide at this moment."""
    first, parts = facts.parts[0], facts.parts
    where = "on the card above" if first.adds else "above"
    who = f"{mentions(_named(parts))}: please decide {where}." if _named(parts) else (
        "No approver can decide them at the moment."
    )  # fmt: skip
    called = "Asked too" if first.adds else "Still waiting"
    state = "Asked too, for there is no answer yet" if first.adds else "Still waiting"
    follows = f"{comes_next(first.next, first.named)} " if first.next else ""
    return Rendered(
        text=_text(called, parts),
        blocks=[
            section(f"*{state}.* {who}\n{_which(parts)}"),
            context(f"Asked {at(first.request.asked_at)}. {follows}{_lapses(parts)}"),
        ],
    )


def batch_next_stage(facts: BatchReminderFacts) -> Rendered:
    """Said once, to those whose turn it is at this moment."""
    parts = tuple(one for one in facts.parts if _is_past_the_first(one)) or facts.parts
    who = f"{mentions(_named(parts))}: it is your turn, please decide above." if _named(parts) else (
        "No approver of this stage can decide at the moment."
    )  # fmt: skip
    chains = [chain_lines(one.chain) for one in parts]
    same = chains[0] if all(chain == chains[0] for chain in chains) else []
    return Rendered(
        text=_text("Next stage", parts),
        blocks=[section(f"*Next stage.* {who}\n{_which(parts)}"), *same, context(_lapses(parts))],
    )


def _is_past_the_first(part: ReminderFacts) -> bool:
    return any(stage.is_now for stage in part.chain[1:])


def _named(parts: Sequence[ReminderFacts]) -> list[SlackUser]:
    return [*dict.fromkeys(user for one in parts for user in one.named)]


def _which(parts: Sequence[ReminderFacts]) -> str:
    return ", ".join(code(one.request.entitlement) for one in parts)


def _text(called: str, parts: Sequence[ReminderFacts]) -> str:
    request = parts[0].request
    more = f" and {len(parts) - 1} more" if len(parts) > 1 else ""
    return f"{called}: {request.entitlement}{more} for {request.subject}"


def _lapses(parts: Sequence[ReminderFacts]) -> str:
    return f"Lapses {at(min(one.request.lapses_at for one in parts))}."
