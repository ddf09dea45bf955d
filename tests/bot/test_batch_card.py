"""The card of several requests: every list of people and things that it can have fits into what Slack takes."""

from dataclasses import replace
from typing import Any

import pytest

from access.ids import Person
from access.messages.facts import BatchFacts
from access.models import EndedBy, GrantStatus, RequestStatus, Verdict
from bot.views.answer_to_several import answer_to_several
from bot.views.blocks import Rendered
from sandbox.validator import characters, message_problems, view_problems
from tests.bot.batch_states import UNSEEN, card, longest, part
from tests.bot.facts import RIGHTS, a_grant, a_review, facts, minutes
from tests.bot.narrow_states import BY_LEA
from tests.cast import BEN, KIM, LEA

MANY_RIGHTS = replace(RIGHTS, more=tuple(f"UPDATE on tables in the schema {'s' * 40}{n}" for n in range(40)))
NO: dict[str, Any] = {"status": RequestStatus.DENIED, "decided_at": minutes(3)}


def words(rendered: Rendered) -> str:
    return str(rendered.blocks)


def fits(rendered: Rendered) -> bool:
    return message_problems(rendered.blocks) == [] and characters(rendered.blocks) < 10_000 and len(rendered.text) < 300


def test_where_all_that_roles_allow_would_be_too_long_the_card_says_so_and_still_asks() -> None:
    shown = longest(MANY_RIGHTS)

    assert fits(shown)
    assert "What each role allows is left out" in words(shown)
    assert words(shown).count("more than the security team has accepted") == 10
    assert "Approve all 10" in words(shown)


def test_ten_answers_with_the_longest_words_each_fit() -> None:
    answered = [
        facts(
            part(10 + number, resource="r" * 63, role="r" * 63, role_title="R" * 75, reason="w" * 500, **NO),
            None, a_review(Verdict.DENY, comment=f"{number}" + "w" * 499),
        )
        for number in range(10)
    ]  # fmt: skip
    shown = card(*answered)

    assert fits(shown)
    assert "More was written" in words(shown)


def test_ten_that_were_approved_for_less_fit_into_one_answer() -> None:
    approved: dict[str, Any] = BY_LEA | {"status": RequestStatus.APPROVED, "role": "r" * 63, "role_title": "R" * 75}
    parts = tuple(
        facts(
            part(10 + number, resource="r" * 63, **approved), a_grant(problem="The target does not answer. " * 20),
            a_review(version=2, comment=f"{number}" + "w" * 499), version=2, extendable=True,
        )
        for number in range(10)
    )  # fmt: skip
    behind = [replace(one, grant=a_grant(target_expiry_stale_since=minutes(5), problem="p" * 500)) for one in parts]

    for several in (parts, tuple(behind)):
        shown = answer_to_several(BatchFacts(parts=several, now=minutes(60)))
        assert fits(shown)
        assert words(shown).count("I'm done with") == 10
        assert words(shown).count("of the 2 h that you asked for") == 10


def test_who_asked_for_another_gets_no_button_in_the_answer() -> None:
    given: dict[str, Any] = {"subject": Person("ben"), "subject_slack": BEN, "status": RequestStatus.APPROVED}
    shown = answer_to_several(BatchFacts(parts=(facts(part(1, **given), a_grant(subject_slack=BEN)),), now=minutes(5)))

    assert "Only <@U0BEN> can use it" in words(shown)
    assert not any(block["type"] == "actions" for block in shown.blocks)


def test_what_is_the_same_for_all_is_said_once_and_what_is_not_by_each() -> None:
    other = part(2, role="fix-orders", end_means="Open sessions stay.")
    alike, apart = card(facts(part(1)), facts(part(2))), card(facts(part(1)), facts(other))

    assert words(alike).count("When time is up") == 1
    assert words(apart).count("When time is up") == 2


def test_the_words_of_an_answer_to_all_stand_there_once() -> None:
    said = a_review(comment="Only for INC-12.")
    decided: dict[str, Any] = {"status": RequestStatus.APPROVED, "decided_at": minutes(3)}
    shown = card(facts(part(1, **decided), a_grant(), said), facts(part(2, **decided), a_grant(), said))

    assert words(shown).count("Only for INC-12.") == 1
    assert "'lea wrote'" in words(shown)


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ({"status": RequestStatus.CANCELLED}, "*Taken back*"),
        ({"status": RequestStatus.LAPSED}, "No approver answered in time."),
        ({"status": RequestStatus.CANCELLED, "decided_because": "ann has left."}, "ann has left."),
    ],
)
def test_a_part_that_is_over_without_an_answer_says_why(state: dict[str, Any], sentence: str) -> None:
    shown = card(facts(part(1, decided_at=minutes(3), **state)), facts(part(2)))

    assert sentence in words(shown)
    assert "Access request, 1 of 2 still waiting" in words(shown)


def test_when_all_are_answered_there_is_no_button_left() -> None:
    ended = a_grant(GrantStatus.ENDED, ended_by=EndedBy.RETURNED, ended_by_person=Person("ann"))
    shown = card(
        facts(part(1, status=RequestStatus.APPROVED), ended, a_review()), facts(part(2, status=RequestStatus.LAPSED))
    )

    assert not any(block["type"] == "actions" for block in shown.blocks)
    assert "the access is gone" in words(shown)
    assert shown.text.startswith("Answered, 2 requests: ")


def test_only_those_who_can_decide_are_mentioned_besides_who_asks() -> None:
    shown = words(card(facts(part(1), approvers=[KIM]), facts(part(2), approvers=[LEA])))

    assert all(f"<@{user}>" in shown for user in (KIM, LEA))


def test_slack_takes_the_modal_with_why_not() -> None:
    assert view_problems(UNSEEN) == []


def test_a_card_is_drawn_whatever_the_first_of_its_requests_became() -> None:
    shown = card(facts(part(1, version=2), version=1), facts(part(2)))

    assert "The rule has changed" in words(shown)
    assert "Approve" in words(shown)
