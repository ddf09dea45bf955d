"""Whose turn it is in an approval chain, and what those are told whose turn it is not."""

import pytest

from access.catalog import Stage
from access.errors import NotAnApprover, NotYourTurn
from access.ids import Person
from access.models import Verdict
from access.policy.chain import Waiting
from access.policy.turns import Turn, refuse_out_of_turn, turn_of

LEA, KIM, SAM, EVE, MAX = (Person(name) for name in ("lea", "kim", "sam", "eve", "max"))
STAGES = (Stage(any_of=("leads", "owners")), Stage(any_of=("security",)), Stage(any_of=("board",)))
MEMBERS = {"leads": {LEA}, "owners": {KIM}, "security": {SAM}, "board": {MAX}}


def waiting(stage: int, *people: Person, kept: frozenset[Person] = frozenset()) -> Waiting:
    return Waiting(stage=stage, people=frozenset(people), missing=1, kept=kept)


@pytest.mark.parametrize(
    ("person", "turn"),
    [(LEA, Turn.PASSED), (KIM, Turn.PASSED), (SAM, Turn.NOW), (MAX, Turn.LATER), (EVE, Turn.NEVER)],
)
def test_each_has_a_turn_by_the_stage_of_their_group(person: Person, turn: Turn) -> None:
    assert turn_of(person, STAGES, waiting(2, SAM), MEMBERS) is turn


def test_who_is_of_the_stage_and_cannot_add_to_it_has_had_the_turn() -> None:
    assert turn_of(KIM, STAGES, waiting(1, LEA), MEMBERS) is Turn.PASSED


def test_who_is_kept_for_a_later_stage_is_not_asked_now() -> None:
    assert turn_of(KIM, STAGES, waiting(1, LEA, kept=frozenset({KIM})), MEMBERS) is Turn.KEPT


def test_a_group_that_is_gone_gives_no_turn() -> None:
    assert turn_of(LEA, STAGES, waiting(2, SAM), {"security": {SAM}}) is Turn.NEVER


@pytest.mark.parametrize("turn", [Turn.NOW, Turn.KEPT, Turn.PASSED])
def test_whose_turn_it_is_or_was_can_deny(turn: Turn) -> None:
    refuse_out_of_turn(turn, Verdict.DENY, waiting(2, SAM), STAGES)


def test_only_whose_turn_it_is_can_approve() -> None:
    refuse_out_of_turn(Turn.NOW, Verdict.APPROVE, waiting(2, SAM), STAGES)


def told(turn: Turn, now: Waiting, verdict: Verdict = Verdict.APPROVE) -> str:
    with pytest.raises(NotYourTurn) as refused:
        refuse_out_of_turn(turn, verdict, now, STAGES)
    return str(refused.value)


def test_who_comes_later_can_neither_approve_nor_deny() -> None:
    sentence = "It is not your turn yet. Now sam can decide. Then the card asks you."
    assert told(Turn.LATER, waiting(2, SAM)) == sentence
    assert told(Turn.LATER, waiting(2, SAM), Verdict.DENY) == sentence


def test_who_is_in_no_group_of_the_chain_is_no_approver() -> None:
    for verdict in Verdict:
        with pytest.raises(NotAnApprover):
            refuse_out_of_turn(Turn.NEVER, verdict, waiting(2, SAM), STAGES)


def test_whose_stage_has_its_approvals_is_told_who_can_decide_and_that_a_no_still_counts() -> None:
    assert told(Turn.PASSED, waiting(2, SAM)) == (
        "Your stage of this request has its approvals. Now sam can decide. You can still deny it."
    )


@pytest.mark.parametrize(("number", "named"), [(1, "2 or a later one"), (2, "3")])
def test_who_is_kept_is_told_for_which_stage(number: int, named: str) -> None:
    assert told(Turn.KEPT, waiting(number, LEA)) == (
        f"Only you can approve stage {named} of this request, and a person counts once, so keep your approval for "
        "that. Now lea can decide."
    )


@pytest.mark.parametrize(
    ("people", "sentence"),
    [
        ((), "No other person can approve this stage now."),
        ((SAM,), "Now sam can decide."),
        ((SAM, LEA), "Now lea or sam can decide."),
        ((SAM, LEA, KIM), "Now kim, lea or sam can decide."),
        ((SAM, LEA, KIM, MAX), "Now kim, lea, max or 1 more can decide."),
        ((SAM, LEA, KIM, MAX, EVE), "Now eve, kim, lea or 2 more can decide."),
    ],
)
def test_at_most_three_are_named_of_those_who_can_decide(people: tuple[Person, ...], sentence: str) -> None:
    assert told(Turn.LATER, waiting(1, *people)) == f"It is not your turn yet. {sentence} Then the card asks you."
