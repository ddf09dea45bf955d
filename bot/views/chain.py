"""The stages of an approval chain: who approved, whose turn it is, who comes next."""

from collections.abc import Sequence

from access.approvers import StageState
from access.catalog import MANAGER
from access.models import Review
from access.words import counted
from bot.views.blocks import Block, at, context, escaped, mention

_NAMED = 5


def has_stages(chain: Sequence[StageState]) -> bool:
    """Whether there is more to say than who can decide."""
    return len(chain) > 1 or any(stage.wanted > 1 for stage in chain)


def chain_lines(chain: Sequence[StageState]) -> list[Block]:
    """A line for each stage, in their order; none for a chain that one approval completes."""
    if not has_stages(chain):
        return []
    lines = [_line(number, len(chain), stage) for number, stage in enumerate(chain, start=1)]
    return [context("\n".join(lines))]


def groups(stage: StageState) -> str:
    """`payments-leads`, `payments-leads or security`, `payments-leads and security`, `the manager of ann`."""
    named = [_group(name) for name in stage.groups]
    return (" and " if stage.of_each else " or ").join(named)


def for_more(review: Review) -> str:
    """After when it was given: a vote that was carried over to less than it is for."""
    return "" if review.carried_from is None else ", for the longer time"


def _line(number: int, of: int, stage: StageState) -> str:
    where = f"{number} of {of} · " if of > 1 else ""
    how_many = f", {counted(stage.wanted, 'approval', 'approvals')}" if stage.wanted > 1 else ""
    parts = [f"{escaped(one.reviewer)} approved {at(one.at)}{for_more(one)}" for one in stage.approved]
    if stage.is_now:
        parts.append(f"waiting for {_either(stage)}")
    said = ", ".join(parts) or "asked after that"
    line = f"{where}{escaped(groups(stage))}{how_many}: {said}"
    return f"*{line}*" if stage.is_now and not stage.approved and of > 1 else line


def _either(stage: StageState) -> str:
    who = [mention(user) for user in stage.people[:_NAMED]]
    if len(stage.people) > _NAMED:
        who.append(counted(len(stage.people) - _NAMED, "other", "others"))
    if not who:
        return "an approver; none can decide at the moment"
    many = f"{stage.missing} of " if 1 < stage.missing < len(stage.people) else ""
    between = " and " if stage.missing >= len(stage.people) else " or "
    *first, last = who
    return f"{many}{', '.join(first)}{between if first else ''}{last}"


def _group(name: str) -> str:
    return f"the manager of {name.removeprefix(f'{MANAGER}:')}" if name.startswith(f"{MANAGER}:") else name
