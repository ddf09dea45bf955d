"""The chain of one request at a moment: who may decide, who has, and who comes later."""

from datetime import UTC, datetime, timedelta
from typing import Any

from access.catalog import Escalation, Stage
from access.ids import Person, RequestId, SlackUser, ulid
from access.models import Request, Review, Verdict
from access.people import Party, People
from access.policy.chain import Approved, Denied, Vote, Waiting, column_of, lacking_still, votes_of
from access.policy.chain_now import Chain
from access.policy.escalation import facts_of_escalations
from tests.access.policy.example import changed, policy

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
ANN, LEA, KIM, SAM = (Person(name) for name in ("ann", "lea", "kim", "sam"))
LEADS, SECURITY = Stage(any_of=("leads",)), Stage(any_of=("security",))
PEOPLE = People(policy(changed("security: {people: [sam]}", "security: {people: [sam, eve]}")))


def request(*stages: Stage, subject: Person = ANN) -> Request:
    escalate = facts_of_escalations([Escalation(after=timedelta(hours=1), group="security")])
    values: dict[str, Any] = {
        "id": RequestId(ulid(NOW)), "asked_at": NOW, "chain": column_of(stages, escalate), "requester": ANN,
        "requester_slack": SlackUser("U0ANN"), "subject": subject, "subject_slack": SlackUser(f"U0{subject.upper()}"),
    }  # fmt: skip
    return Request(**values)


def vote(by: Person, *, stage: int = 1, group: str = "leads", approves: bool = True) -> Vote:
    party = Party(by, SlackUser(f"U0{by.upper()}"))
    return Vote(stage=stage, by=party, approves=approves, groups=frozenset({group}), at=NOW)


def test_who_asks_and_who_receives_are_waited_for_at_no_stage() -> None:
    chain = Chain.of(PEOPLE, request(LEADS, SECURITY, subject=SAM), [], NOW)
    assert chain.state() == Waiting(stage=1, people=frozenset({LEA, KIM}), missing=1)
    assert chain.later(1) == {LEA, KIM}
    assert chain.later(2) == {"eve"}


def test_a_vote_that_is_only_tried_counts_beside_those_that_were_cast() -> None:
    chain = Chain.of(PEOPLE, request(LEADS, SECURITY), [vote(LEA)], NOW)
    assert chain.state() == Waiting(stage=2, people=frozenset({SAM, Person("eve")}), missing=1)
    assert chain.state(vote(SAM, stage=2, group="security")) == Approved()
    assert isinstance(chain.state(vote(SAM, stage=2, group="security", approves=False)), Denied)


def test_who_has_voted_comes_at_no_later_stage() -> None:
    chain = Chain.of(PEOPLE, request(LEADS, SECURITY), [vote(SAM)], NOW)
    assert chain.later(2) == {"eve"}


def test_at_the_moment_of_a_step_its_people_can_decide_too() -> None:
    chain = Chain.of(PEOPLE, request(LEADS), [], NOW + timedelta(hours=1))
    assert chain.state() == Waiting(stage=1, people=frozenset({LEA, KIM, SAM, Person("eve")}), missing=1)


def test_a_stored_no_is_read_as_a_no_and_a_stored_approval_with_its_groups_and_moment() -> None:
    values: dict[str, Any] = {
        "stage": 2, "reviewer": LEA, "reviewer_slack": SlackUser("U0LEA"), "groups": ["leads"], "at": NOW,
    }  # fmt: skip
    yes, no = (Review(**values, verdict=verdict) for verdict in (Verdict.APPROVE, Verdict.DENY))
    assert votes_of([yes, no]) == [vote(LEA, stage=2), vote(LEA, stage=2, approves=False)]


def test_a_chain_lacks_people_still_where_those_who_are_left_are_too_few_for_a_stage() -> None:
    members = {"leads": {LEA, KIM}, "security": {KIM}}
    stages = [LEADS, SECURITY]
    assert lacking_still(stages, [vote(LEA)], members=members) is None
    assert lacking_still(stages, [vote(KIM)], members=members) == 2, "Kim counts once, and was the only one of security"
    assert lacking_still(stages, [vote(LEA)], members=members, barred={KIM}) == 2
