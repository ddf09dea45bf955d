"""The approval chain: its stages and the votes so far go in; what it waits for, or how it ended, comes out. Pure.

A person counts once in a chain. Of a stage that wants one person for each of its groups, the groups are shared out
among all who have voted as well as they can be, whoever clicked first: see docs/adr/0043-chains.md.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from access.catalog import Stage
from access.ids import Person, SlackUser
from access.models import Review, Verdict
from access.people import Party, is_alike, reviewer_of
from access.ports import Json

Members = Mapping[str, Collection[Person]]
"""Who is in which group now."""


@dataclass(frozen=True, kw_only=True)
class Vote:
    stage: int
    """The one that was waited for, counted from 1."""
    by: Party
    approves: bool
    groups: frozenset[str] = frozenset()
    """Those of the stage that this person was in."""
    at: datetime | None = None
    """When it was cast; None: it is only tried."""


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """For so many more approvals at this stage, of any of these people."""

    stage: int
    people: frozenset[Person]
    missing: int
    kept: frozenset[Person] = frozenset()
    """Who could approve now too, but is needed at a later stage, which no other person could fill."""


@dataclass(frozen=True)
class Approved:
    """Each stage has its approvals; a chain without a stage wants none."""


@dataclass(frozen=True)
class Denied:
    """One of those who were asked said no, which ends it at any stage."""

    by: Party


State = Waiting | Approved | Denied


def state(
    stages: Sequence[Stage], votes: Collection[Vote], *, members: Members | None = None,
    barred: Collection[Person] = (),
) -> State:  # fmt: skip
    """`members`, and `barred`, who may not decide: for who is waited for alone."""
    for vote in votes:
        if not vote.approves:
            return Denied(vote.by)
    counted = _counted(votes)
    for number, stage in enumerate(stages, start=1):
        given = [vote.groups for vote in counted if vote.stage == number]
        filled = _filled(stage, given)
        if filled < stage.wanted:
            free = _free(members or {}, votes, barred)
            able = _able(stage, given, free)
            kept = _kept(stages, counted, free, able, number)
            return Waiting(stage=number, people=able - kept, missing=stage.wanted - filled, kept=kept)
    return Approved()


def lacking(stages: Sequence[Stage], members: Members) -> int | None:
    """The first stage for which too few distinct persons are left, counted from 1; None: all can be filled."""
    return _lacking(stages, (), members)


def lacking_still(
    stages: Sequence[Stage], votes: Collection[Vote], *, members: Members, barred: Collection[Person] = ()
) -> int | None:
    """The same with the votes that were cast: the first stage that too few are left to complete."""
    return _lacking(stages, _counted(votes), _free(members, votes, barred))


def persons(parties: Iterable[Party]) -> list[frozenset[Party]]:
    """Who has a name or an account in common is one person, and who has one in common with that person is too."""
    found: list[frozenset[Party]] = []
    for party in parties:
        same = [person for person in found if any(is_alike(party, other) for other in person)]
        found = [person for person in found if person not in same]
        found.append(frozenset({party}).union(*same))
    return found


def votes_of(reviews: Iterable[Review]) -> list[Vote]:
    return [
        Vote(
            stage=one.stage, by=reviewer_of(one), approves=one.verdict == Verdict.APPROVE,
            groups=frozenset(one.groups), at=one.at,
        )
        for one in reviews
    ]  # fmt: skip


def stages_of(chain: Mapping[str, Any]) -> tuple[Stage, ...]:
    """As the column of a request says it."""
    if "stages" in chain:
        return tuple(_stage(one) for one in cast("list[dict[str, Any]]", chain["stages"]))
    # A canary is approved by the policy itself, and its row names no group.
    return () if not chain["any_of"] and chain["quorum"] == 0 else (_stage(chain),)


def column_of(stages: Sequence[Stage], escalate: Sequence[Json] = ()) -> Json:
    """The reverse of `stages_of`. One stage is said as the version before reads it. `escalate`: who is added later."""
    said = facts_of_stages(stages)
    if not said:
        return {"any_of": [], "quorum": 0}
    chain = said[0] if len(said) == 1 and stages[0].any_of else {"stages": said}
    return chain | ({"escalate": [*escalate]} if escalate else {})


def facts_of_stages(stages: Iterable[Stage]) -> list[Json]:
    """In one order, for the groups of a stage are a set."""
    return [
        {"all_of": sorted(stage.all_of)} if stage.all_of else {"any_of": sorted(stage.any_of), "quorum": stage.quorum}
        for stage in stages
    ]


def _stage(said: Mapping[str, Any]) -> Stage:
    if "all_of" in said:
        return Stage(all_of=tuple(sorted(cast("list[str]", said["all_of"]))))
    return Stage(any_of=tuple(sorted(cast("list[str]", said["any_of"]))), quorum=cast(int, said["quorum"]))


def _counted(votes: Collection[Vote]) -> list[Vote]:
    """A person counts once in a chain: where the first approval was given."""
    return [_first([vote for vote in votes if vote.by in person]) for person in persons(vote.by for vote in votes)]


def _first(theirs: Sequence[Vote]) -> Vote:
    """Of one person, who may have voted by several names: one vote, whatever their order."""
    stage = min(vote.stage for vote in theirs)
    there = [vote for vote in theirs if vote.stage == stage]
    groups = frozenset[str]().union(*(vote.groups for vote in there))
    return Vote(stage=stage, by=min(vote.by for vote in there), approves=True, groups=groups)


def _free(members: Members, votes: Iterable[Vote], barred: Collection[Person]) -> dict[str, frozenset[Person]]:
    """Who of each group has neither voted nor is barred."""
    gone = {vote.by.name for vote in votes} | set(barred)
    return {group: frozenset(people) - gone for group, people in members.items()}


def _able(stage: Stage, given: Sequence[frozenset[str]], free: Mapping[str, frozenset[Person]]) -> frozenset[Person]:
    """Those of whom one more approval would count."""
    everybody = frozenset[Person]().union(*(free.get(group, ()) for group in stage.groups))
    if stage.any_of:
        return everybody
    filled, counts = _filled(stage, given), dict[frozenset[str], bool]()
    for groups in {_groups_of(person, stage, free) for person in everybody}:
        counts[groups] = _filled(stage, [*given, groups]) > filled
    return frozenset(person for person in everybody if counts[_groups_of(person, stage, free)])


def _groups_of(person: Person, stage: Stage, members: Members) -> frozenset[str]:
    return frozenset(group for group in stage.groups if person in members.get(group, ()))


def _filled(stage: Stage, given: Sequence[frozenset[str]]) -> int:
    """How many of the approvals that a stage wants these people have given: the groups of each one go in."""
    if stage.any_of:
        return min(len(given), stage.quorum)
    return len(_shared_out([[n for n, groups in enumerate(given) if group in groups] for group in stage.all_of]))


def _kept(
    stages: Sequence[Stage], counted: Sequence[Vote], free: Mapping[str, frozenset[Person]], able: frozenset[Person],
    number: int,
) -> frozenset[Person]:  # fmt: skip
    left = sum(stage.wanted for stage in stages[number - 1 :])
    tight = [group for stage in stages[number:] for group in stage.groups if len(free.get(group, ())) < left]
    if not tight or _lacking(stages, counted, free) is not None:
        return frozenset()  # none is missing later, or one is in any case
    kept: set[Person] = set()
    for person in able & frozenset[Person]().union(*(free.get(group, ()) for group in tight)):
        groups = _groups_of(person, stages[number - 1], free)
        with_it = [*counted, Vote(stage=number, by=Party(person, SlackUser("")), approves=True, groups=groups)]
        without = {group: frozenset(people) - {person} for group, people in free.items()}
        if _lacking(stages, with_it, without) is not None:
            kept.add(person)
    return frozenset(kept)


def _lacking(stages: Sequence[Stage], counted: Sequence[Vote], free: Members) -> int | None:
    """As `lacking`, with the votes that count already: each of them can only fill its own stage."""
    places: list[Collection[Any]] = []
    taken: dict[Any, int] = {}
    for number, stage in enumerate(stages, start=1):
        given = [vote for vote in counted if vote.stage == number]
        for place in _places(stage):
            here = [vote.by for vote in given if stage.any_of or not vote.groups.isdisjoint(place)]
            places.append([*here, *(person for group in place for person in free.get(group, ()))])
            if not _placed(len(places) - 1, places, taken, set()):
                return number
    return None


def _places(stage: Stage) -> list[tuple[str, ...]]:
    """For each approval that is wanted, the groups that can give it."""
    return [(group,) for group in stage.all_of] if stage.all_of else [stage.any_of] * stage.quorum


def _shared_out(places: Sequence[Collection[Any]]) -> dict[Any, int]:
    """As many places as can be filled, each by another of those who can fill it: who fills which."""
    taken: dict[Any, int] = {}
    for place in range(len(places)):
        _placed(place, places, taken, set())
    return taken


def _placed(place: int, places: Sequence[Collection[Any]], taken: dict[Any, int], seen: set[Any]) -> bool:
    """Finds somebody for one more place: the augmenting paths of bipartite matching.

    1. Who is free takes it,
    2. or who has another place, if somebody else is found for that one.
    """
    for one in places[place]:
        if one in seen:
            continue
        seen.add(one)
        if one not in taken or _placed(taken[one], places, taken, seen):
            taken[one] = place
            return True
    return False
