"""Which votes still carry a request when its access starts, by the policy of then."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from access.catalog import Escalation, Stage
from access.grants.votes import lost, objection
from access.ids import RequestId, ulid
from access.models import Request, Review, Verdict
from access.people import People
from access.policy.chain import column_of
from access.policy.escalation import facts_of_escalations
from tests.access.policy.example import changed, policy

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
LEADS = Stage(any_of=("leads",))
WITHOUT_LEA = changed("leads: {people: [lea, kim, sam]}", "leads: {people: [kim, sam]}")


def request(*stages: Stage, subject: str = "ann") -> Request:
    chain = column_of(stages or (LEADS,), facts_of_escalations([Escalation(after=HOUR, group="security")]))
    values: dict[str, Any] = {
        "id": RequestId(ulid(NOW)), "asked_at": NOW, "chain": chain, "requester": "ann", "requester_slack": "U0ANN",
        "subject": subject, "subject_slack": f"U0{subject.upper()}",
    }  # fmt: skip
    return Request(**values)


def vote(name: str, *groups: str, stage: int = 1, after: timedelta = timedelta(0), account: str = "") -> Review:
    values: dict[str, Any] = {
        "stage": stage, "reviewer": name, "reviewer_slack": account or f"U0{name.upper()}",
        "verdict": Verdict.APPROVE, "groups": [*groups], "at": NOW + after,
    }  # fmt: skip
    return Review(**values)


def objected(votes: Sequence[Review], text: str | None = None, asked: Request | None = None) -> str | None:
    return objection(People(policy(text) if text else policy()), asked or request(), votes)


def test_votes_of_those_who_may_still_give_them_carry_a_request() -> None:
    assert objected([vote("lea", "leads")]) is None


def test_a_request_without_a_vote_is_not_carried() -> None:
    assert objected([]) == (
        "This has fewer approvals than its rule wants. Ask again, so that another approver can decide."
    )


def test_who_left_the_group_that_was_asked_no_longer_carries_it() -> None:
    assert objected([vote("lea", "leads")], WITHOUT_LEA) == (
        "lea, who approved this, is no longer one of its approvers. Ask again, so that another approver can decide."
    )


def test_a_name_with_another_account_no_longer_carries_it_and_is_told_so_first() -> None:
    assert objected([vote("lea", "leads", account="U0OTHER")], WITHOUT_LEA) == (
        "lea, who approved this, now has another Slack account in the access policy. "
        "Ask again, so that another approver can decide."
    )


def test_who_receives_carries_nothing_whatever_was_counted() -> None:
    said = objected([vote("lea", "leads")], asked=request(subject="lea"))
    assert said is not None
    assert said.startswith("lea, who approved this, is no longer one of its approvers.")


def test_every_vote_is_judged_the_good_ones_too() -> None:
    people, votes = People(policy(WITHOUT_LEA)), [vote("kim", "leads"), vote("lea", "leads")]
    assert list(lost(people, request(), votes)) == [
        (votes[0], None), (votes[1], "is no longer one of its approvers"),
    ]  # fmt: skip


def test_a_vote_at_a_stage_that_the_chain_does_not_have_carries_nothing() -> None:
    assert [because for _, because in lost(People(policy()), request(), [vote("lea", "leads", stage=2)])] == [
        "is no longer one of its approvers"
    ]


def test_a_vote_at_the_last_stage_counts_as_one_at_any_other() -> None:
    both = request(LEADS, Stage(any_of=("security",)))
    assert objected([vote("lea", "leads"), vote("sam", "security", stage=2)], asked=both) is None


def test_the_group_of_a_step_carries_votes_from_its_moment_on_and_none_before() -> None:
    without_sam = changed("leads: {people: [lea, kim, sam]}", "leads: {people: [lea, kim]}")
    assert objected([vote("sam", "security", after=HOUR)], without_sam) is None
    early = objected([vote("sam", "security", after=HOUR - timedelta(milliseconds=1))], without_sam)
    assert early is not None
    assert early.startswith("sam, who approved this, is no longer one of its approvers.")


def test_who_left_one_of_two_groups_fills_the_other_alone() -> None:
    """Sam approved for both. By now he is in security alone, and Kim, of the leads, does not fill it twice."""
    each = request(Stage(all_of=("leads", "security")))
    votes = [vote("sam", "leads", "security"), vote("kim", "leads")]
    assert objected(votes, asked=each) is None
    apart = changed("leads: {people: [lea, kim, sam]}", "leads: {people: [lea, kim]}")
    assert objected(votes, apart, asked=each) is None
    elsewhere = changed("security: {people: [sam]}", "security: {people: [eve]}")
    assert objected(votes, elsewhere, asked=each) == (
        "This has fewer approvals than its rule wants. Ask again, so that another approver can decide."
    )
