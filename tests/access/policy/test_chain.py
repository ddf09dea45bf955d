"""What an approval chain waits for, whatever the votes and their order."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.ids import Person, SlackUser
from access.people import Party
from access.policy.chain import Approved, Denied, Stage, Vote, Waiting, persons, stages_of, state

GROUPS = {
    "leads": [Person("lea"), Person("kim")],
    "security": [Person("sam"), Person("kim")],
    "owners": [Person("ann"), Person("eve")],
}
NAMES = sorted({name for names in GROUPS.values() for name in names})
STAGES = st.lists(
    st.builds(
        lambda groups, quorum: Stage(any_of=tuple(sorted(groups)), quorum=quorum),
        st.sets(st.sampled_from(sorted(GROUPS)), min_size=1), st.integers(1, 3),
    ),
    min_size=1, max_size=3,
)  # fmt: skip
ACCOUNT = {name: SlackUser(f"U0{name.upper()}") for name in NAMES}
PEOPLE = st.sampled_from([Party(name, ACCOUNT[name]) for name in NAMES])
ANYBODY = st.builds(Party, st.sampled_from(NAMES), st.sampled_from(sorted(ACCOUNT.values())))
"""Also names that were given to another account, and accounts that were renamed."""


def approvals(who: st.SearchStrategy[Party]) -> st.SearchStrategy[list[Vote]]:
    return st.lists(st.builds(Vote, stage=st.integers(1, 4), by=who, approves=st.just(True)), max_size=8)


def wanted(stages: Sequence[Stage]) -> int:
    return sum(stage.quorum for stage in stages)


@given(stages=STAGES, votes=approvals(ANYBODY), data=st.data())
def test_the_order_in_which_votes_are_read_does_not_matter(
    stages: list[Stage], votes: list[Vote], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(votes))
    assert state(stages, shuffled, members=GROUPS) == state(stages, votes, members=GROUPS)


@given(
    stages=STAGES,
    votes=approvals(ANYBODY),
    denial=st.builds(Vote, stage=st.integers(1, 3), by=ANYBODY, approves=st.just(False)),
    at=st.integers(0, 8),
)
def test_one_no_at_any_stage_ends_it(stages: list[Stage], votes: list[Vote], denial: Vote, at: int) -> None:
    assert state(stages, [*votes[:at], denial, *votes[at:]]) == Denied(denial.by)


@given(stages=STAGES, votes=approvals(ANYBODY))
def test_never_approved_by_fewer_names_or_accounts_than_the_chain_wants(stages: list[Stage], votes: list[Vote]) -> None:
    names, accounts = {vote.by.name for vote in votes}, {vote.by.account for vote in votes}
    if min(len(names), len(accounts)) < wanted(stages):
        assert isinstance(state(stages, votes), Waiting)


@given(stages=STAGES, votes=approvals(PEOPLE), repeated=st.lists(st.integers(1, 4), max_size=3))
def test_a_person_counts_once_in_a_chain_however_often_they_vote(
    stages: list[Stage], votes: list[Vote], repeated: list[int]
) -> None:
    first = {vote.by: min(one.stage for one in votes if one.by == vote.by) for vote in votes}
    once = [Vote(stage=stage, by=by, approves=True) for by, stage in first.items()]
    again = [Vote(stage=max(stage, first[by]), by=by, approves=True) for by in first for stage in repeated]
    assert state(stages, [*votes, *again]) == state(stages, once)


@given(
    stages=STAGES,
    votes=approvals(PEOPLE),
    more=st.builds(Vote, stage=st.integers(1, 3), by=PEOPLE, approves=st.just(True)),
)
def test_an_approval_by_another_person_never_takes_back_what_is_approved(
    stages: list[Stage], votes: list[Vote], more: Vote
) -> None:
    if isinstance(state(stages, votes), Approved) and more.by not in {vote.by for vote in votes}:
        assert isinstance(state(stages, [*votes, more]), Approved)


@given(stages=STAGES, votes=approvals(PEOPLE), barred=st.sets(st.sampled_from(NAMES)))
def test_the_first_stage_that_lacks_approvals_is_waited_for_and_only_who_can_still_give_one(
    stages: list[Stage], votes: list[Vote], barred: set[Person]
) -> None:
    now = state(stages, votes, members=GROUPS, barred=barred)
    if not isinstance(now, Waiting):
        return
    stage = stages[now.stage - 1]
    asked = {person for group in stage.any_of for person in GROUPS[group]}
    assert now.people == asked - barred - {vote.by.name for vote in votes}
    assert 1 <= now.missing <= stage.quorum
    assert not isinstance(state(stages[: now.stage - 1], votes), Waiting), "those before are complete"
    done = [Vote(stage=now.stage, by=Party(Person(f"p{n}"), SlackUser(f"U{n}")), approves=True)
            for n in range(now.missing)]  # fmt: skip
    after = state(stages, [*votes, *done], members=GROUPS)
    assert isinstance(after, Approved) or (isinstance(after, Waiting) and after.stage > now.stage)


@given(stages=STAGES, votes=approvals(PEOPLE))
def test_an_approval_of_a_later_stage_completes_no_earlier_one(stages: list[Stage], votes: list[Vote]) -> None:
    now = state(stages, votes)
    if isinstance(now, Waiting):
        later = Vote(stage=now.stage + 1, by=Party(Person("zoe"), SlackUser("U0ZOE")), approves=True)
        after = state(stages, [*votes, later])
        assert isinstance(after, Waiting)
        assert (after.stage, after.missing) == (now.stage, now.missing)


@given(parties=st.lists(ANYBODY, max_size=8))
def test_who_shares_a_name_or_an_account_is_one_person(parties: list[Party]) -> None:
    found = persons(parties)
    assert frozenset(parties) == frozenset().union(*found)
    names = [{party.name for party in person} for person in found]
    accounts = [{party.account for party in person} for person in found]
    assert sum(map(len, names)) == len({party.name for party in parties}), "no two persons share a name"
    assert sum(map(len, accounts)) == len({party.account for party in parties}), "no two persons share an account"


def test_a_name_that_was_given_to_another_account_does_not_make_two_approvers_of_one() -> None:
    two = [Stage(any_of=("leads",), quorum=2)]
    renamed = [Party(Person("lea"), SlackUser("U0LEA")), Party(Person("leanne"), SlackUser("U0LEA"))]
    assert isinstance(state(two, [Vote(stage=1, by=by, approves=True) for by in renamed]), Waiting)


def test_a_chain_without_a_stage_wants_no_vote() -> None:
    assert state((), ()) == Approved()
    assert stages_of({"any_of": [], "quorum": 0}) == ()


@pytest.mark.parametrize(("groups", "quorum"), [((), 1), (("leads",), 0), (("leads",), -1)])
def test_a_stage_that_wants_nobody_cannot_be_said(groups: tuple[str, ...], quorum: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        Stage(any_of=groups, quorum=quorum)
    if groups:
        with pytest.raises(ValueError, match="at least one"):
            stages_of({"any_of": list(groups), "quorum": quorum})
