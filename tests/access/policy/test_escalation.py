"""Whom the steps of a ladder let decide, by the clock alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from access.catalog import Escalation, Reminder, Stage
from access.ids import Person, RequestId, SlackUser, ulid
from access.models import Request
from access.people import Party
from access.policy.chain import Vote, column_of
from access.policy.escalation import (
    added_by,
    asked_since,
    escalations_of,
    facts_of_escalations,
    stages_at,
    waited,
    with_group,
)

ASKED = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
HOUR, MOMENT = timedelta(hours=1), timedelta(milliseconds=1)
LEADS, SECURITY = Stage(any_of=("leads",)), Stage(any_of=("security",))
BY_SECURITY = [Escalation(after=HOUR, group="security"), Escalation(after=2 * HOUR, group="board")]


def request(*stages: Stage, **other: Any) -> Request:
    values: dict[str, Any] = {"id": RequestId(ulid(ASKED)), "asked_at": ASKED}
    chain = column_of(stages or (LEADS,), facts_of_escalations(BY_SECURITY))
    return Request(**{"chain": chain, **values, **other})


def approval(name: str, at: datetime | None, *, stage: int = 1, group: str = "leads") -> Vote:
    by = Party(Person(name), SlackUser(f"U0{name.upper()}"))
    return Vote(stage=stage, by=by, approves=True, groups=frozenset({group}), at=at)


def asked_groups(asked: Request, at: datetime, *votes: Vote) -> list[tuple[str, ...]]:
    return [stage.groups for stage in stages_at(asked, votes, at)]


def test_a_step_lets_its_group_decide_from_its_moment_on() -> None:
    asked = request()
    assert asked_groups(asked, ASKED) == [("leads",)]
    assert asked_groups(asked, ASKED + HOUR - MOMENT) == [("leads",)]
    assert asked_groups(asked, ASKED + HOUR) == [("leads", "security")]
    assert asked_groups(asked, ASKED + 2 * HOUR) == [("leads", "security", "board")]


def test_a_stage_that_had_its_approvals_before_the_step_stays_as_it_was() -> None:
    asked, after = request(LEADS, Stage(any_of=("owners",))), ASKED + HOUR
    assert asked_groups(asked, after) == [("leads", "security"), ("owners", "security")]
    assert asked_groups(asked, after, approval("lea", after - MOMENT)) == [("leads",), ("owners", "security")]


def test_an_approval_at_the_moment_of_the_step_or_later_came_after_it() -> None:
    asked, after = request(LEADS, Stage(any_of=("owners",))), ASKED + HOUR
    for at in (after, after + MOMENT, None):  # None: it is only tried
        assert asked_groups(asked, after, approval("lea", at))[0] == ("leads", "security")


def test_what_was_decided_before_a_step_is_not_changed_by_it() -> None:
    after = ASKED + 2 * HOUR
    assert asked_groups(request(), after, approval("lea", ASKED)) == [("leads",)]
    assert asked_groups(request(), after, approval("lea", ASKED + HOUR)) == [("leads", "security")]


def test_steps_count_from_the_time_in_the_id_where_the_column_says_earlier() -> None:
    earlier, later = ASKED - HOUR, ASKED + HOUR
    assert asked_since(request(asked_at=earlier)) == ASKED
    assert asked_since(request(asked_at=later)) == later
    assert asked_groups(request(asked_at=earlier), ASKED) == [("leads",)]


def test_an_id_that_carries_no_time_leaves_what_the_column_says() -> None:
    assert asked_since(request(id=RequestId("r1"))) == ASKED


def test_the_wait_is_counted_from_when_it_was_asked_and_is_never_negative() -> None:
    assert waited(request(), ASKED + HOUR) == HOUR
    assert waited(request(), ASKED - HOUR) == timedelta()


def test_a_stage_that_wants_one_of_each_group_takes_no_other_group() -> None:
    each = Stage(all_of=("leads", "security"))
    assert with_group(each, "board") is each
    assert with_group(Stage(any_of=("leads",), quorum=2), "board") == Stage(any_of=("leads", "board"), quorum=2)


def test_a_group_that_is_among_the_approvers_is_only_reminded_and_another_is_added_once_and_at_its_first_step() -> None:
    steps = [Reminder(after=after * HOUR, group=group) for after, group in ((1, "leads"), (2, "board"), (3, "board"))]
    assert added_by(steps, [LEADS, SECURITY]) == (Escalation(after=2 * HOUR, group="board"),)


def test_the_steps_are_read_back_from_the_column_as_they_were() -> None:
    column = column_of([LEADS], facts_of_escalations(BY_SECURITY))
    assert column["escalate"] == [{"after_s": 3600, "group": "security"}, {"after_s": 7200, "group": "board"}]
    assert escalations_of(column) == tuple(BY_SECURITY)


@pytest.mark.parametrize("stages", [(LEADS,), (LEADS, SECURITY)])
def test_a_chain_without_steps_says_none(stages: tuple[Stage, ...]) -> None:
    assert "escalate" not in column_of(stages)
    assert escalations_of(column_of(stages)) == ()
