"""Whose turn it is in an approval chain: who may approve now, who may only deny, and who comes later."""

from collections.abc import Sequence
from enum import Enum, auto

from access.catalog import Stage
from access.errors import NotAnApprover, NotYourTurn
from access.ids import Person
from access.models import Verdict
from access.policy.chain import Members, Waiting

_NAMED = 3


class Turn(Enum):
    NOW = auto()
    KEPT = auto()
    """Needed at a later stage, which no other person could fill."""
    PASSED = auto()
    """Of a stage that has its approvals, or voted in this one."""
    LATER = auto()
    NEVER = auto()


def turn_of(person: Person, stages: Sequence[Stage], now: Waiting, members: Members) -> Turn:
    """`members`: who of each group of the chain may decide."""
    if person in now.people:
        return Turn.NOW
    if person in now.kept:
        return Turn.KEPT
    asked, later = stages[: now.stage], stages[now.stage :]
    if _inside(person, asked, members):
        return Turn.PASSED
    return Turn.LATER if _inside(person, later, members) else Turn.NEVER


def refuse_out_of_turn(turn: Turn, verdict: Verdict, now: Waiting, stages: Sequence[Stage]) -> None:
    """A deny ends a request at any stage, by anybody whose turn it is or was. Raises NotYourTurn or NotAnApprover."""
    may = (Turn.NOW,) if verdict is Verdict.APPROVE else (Turn.NOW, Turn.KEPT, Turn.PASSED)
    if turn in may:
        return
    first = _named(now)
    match turn:
        case Turn.KEPT:
            raise NotYourTurn(
                f"Only you can approve stage {_only_stage(now, stages)} of this request, and a person counts once, so "
                f"keep your approval for that. {first}"
            )
        case Turn.PASSED:
            raise NotYourTurn(f"Your stage of this request has its approvals. {first} You can still deny it.")
        case Turn.LATER:
            raise NotYourTurn(f"It is not your turn yet. {first} Then the card asks you.")
        case _:
            raise NotAnApprover


def _only_stage(now: Waiting, stages: Sequence[Stage]) -> str:
    return f"{now.stage + 1}" if now.stage + 1 == len(stages) else f"{now.stage + 1} or a later one"


def _named(now: Waiting) -> str:
    who = sorted(now.people)
    if not who:
        return "No other person can approve this stage now."
    shown = [*who[:_NAMED], f"{len(who) - _NAMED} more"] if len(who) > _NAMED else who
    *first, last = shown
    either = f"{', '.join(first)} or {last}" if first else last
    return f"Now {either} can decide."


def _inside(person: Person, stages: Sequence[Stage], members: Members) -> bool:
    return any(person in members.get(group, ()) for stage in stages for group in stage.groups)
