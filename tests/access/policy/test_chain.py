"""What an approval chain waits for, whatever the votes and their order."""

from collections.abc import Collection, Mapping, Sequence
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.catalog import Stage
from access.ids import Person, SlackUser
from access.people import Party
from access.policy.chain import Approved, Denied, Vote, Waiting, column_of, lacking, persons, stages_of, state

GROUPS = {
    "leads": [Person("lea"), Person("kim")],
    "security": [Person("sam"), Person("kim")],
    "owners": [Person("ann"), Person("eve")],
}
NAMES = sorted({name for names in GROUPS.values() for name in names})
_OF_GROUPS = st.sets(st.sampled_from(sorted(GROUPS)), min_size=1)
STAGES = st.lists(
    st.builds(lambda groups, quorum: Stage(any_of=tuple(sorted(groups)), quorum=quorum), _OF_GROUPS, st.integers(1, 3))
    | st.builds(lambda groups: Stage(all_of=tuple(sorted(groups))), _OF_GROUPS),
    min_size=1, max_size=3,
)  # fmt: skip
ACCOUNT = {name: SlackUser(f"U0{name.upper()}") for name in NAMES}
KIM, LEA = (Party(name, ACCOUNT[name]) for name in GROUPS["leads"][::-1])
PEOPLE = st.sampled_from([Party(name, ACCOUNT[name]) for name in NAMES])
ANYBODY = st.builds(Party, st.sampled_from(NAMES), st.sampled_from(sorted(ACCOUNT.values())))
"""Also names that were given to another account, and accounts that were renamed."""


def approvals(who: st.SearchStrategy[Party]) -> st.SearchStrategy[list[Vote]]:
    return st.lists(st.builds(approval, stage=st.integers(1, 4), by=who), max_size=8)


def approval(stage: int, by: Party) -> Vote:
    return Vote(stage=stage, by=by, approves=True, groups=groups_of(by.name))


def groups_of(person: Person) -> frozenset[str]:
    return frozenset(group for group, people in GROUPS.items() if person in people)


def wanted(stages: Sequence[Stage]) -> int:
    return sum(stage.wanted for stage in stages)


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
    once = [approval(stage, by) for by, stage in first.items()]
    again = [approval(max(stage, first[by]), by) for by in first for stage in repeated]
    assert state(stages, [*votes, *again]) == state(stages, once)


@given(
    stages=STAGES,
    votes=approvals(PEOPLE),
    more=st.builds(approval, stage=st.integers(1, 3), by=PEOPLE),
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
    asked = {person for group in stage.groups for person in GROUPS[group]} - barred - {vote.by.name for vote in votes}
    able = now.people | now.kept
    assert able <= asked if stage.all_of else able == asked
    assert now.people.isdisjoint(now.kept)
    assert 1 <= now.missing <= stage.wanted
    assert not isinstance(state(stages[: now.stage - 1], votes), Waiting), "those before are complete"
    everybody = (Party(Person(f"p{n}"), SlackUser(f"U{n}")) for n in range(now.missing))
    done = [Vote(stage=now.stage, by=by, approves=True, groups=frozenset(stage.groups)) for by in everybody]
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


def can_be_completed(stages: Sequence[Stage], members: Mapping[str, Collection[Person]]) -> bool:
    """By trying everybody in every place."""
    places = [
        {person for group in groups for person in members[group]}
        for stage in stages
        for groups in ([[group] for group in stage.all_of] if stage.all_of else [stage.any_of] * stage.quorum)
    ]
    everybody = sorted({person for place in places for person in place})
    return any(
        all(person in place for person, place in zip(order, places, strict=True))
        for order in permutations(everybody, len(places))
    )


def without(barred: Collection[Person]) -> dict[str, list[Person]]:
    return {group: [person for person in people if person not in barred] for group, people in GROUPS.items()}


@given(stages=STAGES, barred=st.sets(st.sampled_from(NAMES)))
def test_the_stage_that_too_few_are_left_for_is_the_first_that_cannot_be_completed(
    stages: list[Stage], barred: set[Person]
) -> None:
    members = without(barred)
    first = next((n for n in range(1, len(stages) + 1) if not can_be_completed(stages[:n], members)), None)
    assert lacking(stages, members) == first


@given(stages=STAGES, barred=st.sets(st.sampled_from(NAMES), max_size=2), data=st.data())
def test_a_chain_that_can_be_completed_is_by_whomever_it_asks_in_whatever_order_they_answer(
    stages: list[Stage], barred: set[Person], data: st.DataObject
) -> None:
    members, votes = without(barred), list[Vote]()
    if lacking(stages, members) is not None:
        return
    while isinstance(now := state(stages, votes, members=members, barred=barred), Waiting):
        assert now.people, "whoever is needed later is kept, and somebody is always left to ask"
        who = data.draw(st.sampled_from(sorted(now.people)))
        votes.append(approval(now.stage, Party(who, ACCOUNT[who])))
    assert now == Approved()
    assert len(votes) == wanted(stages), "nobody was asked in vain"


@given(stages=STAGES, barred=st.sets(st.sampled_from(NAMES), max_size=2), votes=approvals(PEOPLE))
def test_only_who_is_needed_later_is_kept_from_approving_now(
    stages: list[Stage], barred: set[Person], votes: list[Vote]
) -> None:
    now = state(stages, votes, members=GROUPS, barred=barred)
    for person in now.kept if isinstance(now, Waiting) else ():
        assert isinstance(now, Waiting)
        later = {member for stage in stages[now.stage :] for group in stage.groups for member in GROUPS[group]}
        assert person in later


@pytest.mark.parametrize("first", ["lea", "kim"])
def test_who_is_in_two_groups_fills_the_one_that_is_left_whoever_clicked_first(first: str) -> None:
    each = [Stage(all_of=("leads", "security"))]
    order = sorted(["lea", "kim"], key=lambda name: name != first)
    votes = [approval(1, Party(Person(name), ACCOUNT[Person(name)])) for name in order]

    now = state(each, votes[:1], members=GROUPS)
    assert isinstance(now, Waiting)
    assert {"lea", "kim"} - {first} <= now.people
    assert state(each, votes, members=GROUPS) == Approved()


def test_a_second_of_one_group_does_not_stand_for_the_other() -> None:
    each, members = [Stage(all_of=("leads", "security"))], GROUPS | {"leads": [Person("lea"), Person("ann")]}
    lea, ann = (Vote(stage=1, by=Party(Person(name), ACCOUNT[Person(name)]), approves=True,
                     groups=frozenset({"leads"})) for name in ("lea", "ann"))  # fmt: skip

    now = state(each, [lea], members=members)
    assert isinstance(now, Waiting)
    assert now.people == {"sam", "kim"}, "another lead would approve in vain"
    assert isinstance(state(each, [lea, ann], members=members), Waiting)


def test_who_alone_can_fill_a_later_stage_is_not_asked_before() -> None:
    stages = [Stage(any_of=("leads", "security")), Stage(any_of=("security",))]
    now = state(stages, (), members=GROUPS | {"security": [Person("kim")]})
    assert now == Waiting(stage=1, people=frozenset({Person("lea")}), missing=1, kept=frozenset({Person("kim")}))


@given(stages=STAGES | st.just([]))
def test_a_chain_is_read_back_from_its_column_as_it_was(stages: list[Stage]) -> None:
    assert stages_of(column_of(stages)) == tuple(stages)


def test_one_stage_is_written_as_the_version_before_reads_it() -> None:
    assert column_of([Stage(any_of=("security", "leads"))]) == {"any_of": ["leads", "security"], "quorum": 1}


def test_a_row_that_names_no_group_and_wants_an_approval_is_not_approved_by_itself() -> None:
    """Only a canary's row names no group, and it wants none."""
    assert stages_of({"any_of": [], "quorum": 0}) == ()
    with pytest.raises(ValueError, match="at least one"):
        stages_of({"any_of": [], "quorum": 1})


def test_as_many_are_missing_as_have_not_approved_yet() -> None:
    two = [Stage(any_of=("leads", "security"), quorum=2)]
    for votes, missing in (([], 2), ([approval(1, LEA)], 1)):
        now = state(two, votes, members=GROUPS)
        assert isinstance(now, Waiting)
        assert now.missing == missing


def test_no_person_is_kept_for_a_stage_that_cannot_be_completed_in_any_case() -> None:
    stages = [Stage(any_of=("leads",)), Stage(any_of=("security",), quorum=3)]
    assert lacking(stages, GROUPS) == 2
    now = state(stages, [], members=GROUPS)
    assert now == Waiting(stage=1, people=frozenset({LEA.name, KIM.name}), missing=1)


def test_a_vote_at_another_stage_adds_no_group_to_the_one_that_counts() -> None:
    """Kim voted for the leads, and joined security after that."""
    leads, security = frozenset({"leads"}), frozenset({"security"})
    votes = [
        Vote(stage=1, by=KIM, approves=True, groups=leads), Vote(stage=1, by=LEA, approves=True, groups=leads),
        Vote(stage=2, by=KIM, approves=True, groups=security),
    ]  # fmt: skip
    now = state([Stage(all_of=("leads", "security"))], votes, members=GROUPS)
    assert isinstance(now, Waiting)
    assert (now.stage, now.missing) == (1, 1)
