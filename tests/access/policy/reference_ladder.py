"""The ladder, the slow and obvious way: who is asked too after so long, and who can approve next at a moment."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

Stages = Sequence[Mapping[str, Any]]
"""Each with `any_of` and `quorum` or with `all_of`, in the names of real groups."""


@dataclass(frozen=True)
class Step:
    """One step of the ladder; `adds`: its people can decide only from then on."""

    after: int
    group: str
    adds: bool


@dataclass(frozen=True)
class Cast:
    """An approval: at which stage, by whom, and after so many seconds."""

    stage: int
    by: str
    after: int


@dataclass(frozen=True)
class Turn:
    """What a chain waits for: who can approve, so many more are wanted at this stage, and the groups of each stage."""

    stage: int
    people: frozenset[str]
    missing: int
    groups: tuple[frozenset[str], ...]


def steps_of(ladder: Sequence[Mapping[str, Any]], stages: Stages, lapses: int) -> list[Step]:
    """Those that come before the request lapses. A group that is asked already, or was added, is only reminded."""
    asked = {group for stage in stages for group in groups_of(stage)}
    found: list[Step] = []
    for one in ladder:
        if "to" in one and one["after"] < lapses:
            found.append(Step(one["after"], one["to"], one["to"] not in asked))
            asked.add(one["to"])
    return found


def groups_of(stage: Mapping[str, Any]) -> list[str]:
    return stage["all_of"] if "all_of" in stage else stage["any_of"]


def lapses_after(rule: Mapping[str, Any], level: Mapping[str, Any]) -> int:
    last = [one["after"] for one in rule.get("escalate", []) if "to" not in one]
    return min([level["request_ttl"], *last])


def ladder_loads(rule: Mapping[str, Any], longest: int) -> bool:
    """Each later than the one before, none after the end, none after the one that ends it, none added to `all_of`."""
    ladder = rule.get("escalate", [])
    named = {group for stage in rule["stages"] for group in groups_of(stage)}
    of_each = any("all_of" in stage for stage in rule["stages"])
    for number, one in enumerate(ladder):
        if one["after"] >= longest or (number and one["after"] <= ladder[number - 1]["after"]):
            return False
        if "to" not in one and number + 1 < len(ladder):
            return False
        if of_each and one.get("to", next(iter(named))) not in named:
            return False
    return True


def turn(
    stages: Stages, steps: Sequence[Step], members: Mapping[str, set[str]], votes: Sequence[Cast], now: int
) -> Turn | None:
    """None: each stage has its approvals. `members`: who of each group may decide this request at all."""
    free = {person for people in members.values() for person in people} - {vote.by for vote in votes}
    at = next((number for number in range(len(stages)) if _missing(number, stages, votes, now)), None)
    if at is None:
        return None
    groups = [_groups_at(number, stages, steps, votes, now) for number in range(len(stages))]
    places = list(_places(stages, groups, members))
    can = {
        person
        for person in free
        if _counts(person, at, places, votes) and _completable(places, [*votes, Cast(at, person, now)], free - {person})
    }
    return Turn(at, frozenset(can), _missing(at, stages, votes, now), tuple(map(frozenset, groups)))


def _groups_at(number: int, stages: Stages, steps: Sequence[Step], votes: Sequence[Cast], now: int) -> list[str]:
    """A step adds its group to each stage that has not all its approvals when it comes."""
    come = [step for step in steps if step.adds and step.after <= now]
    added = [step.group for step in come if _missing(number, stages, votes, step.after - 1)]
    return groups_of(stages[number]) if "all_of" in stages[number] else [*groups_of(stages[number]), *added]


def _missing(number: int, stages: Stages, votes: Sequence[Cast], by: int) -> int:
    wanted = len(stages[number]["all_of"]) if "all_of" in stages[number] else stages[number]["quorum"]
    return wanted - sum(vote.stage == number and vote.after <= by for vote in votes)


def _places(
    stages: Stages, groups: Sequence[Sequence[str]], members: Mapping[str, set[str]]
) -> Iterator[tuple[int, set[str]]]:
    """Each approval that is wanted: of which stage, and who can give it, or could when it was given."""
    for number, stage in enumerate(stages):
        if "all_of" in stage:
            yield from ((number, set(members[group])) for group in groups[number])
        else:
            able = set[str]().union(*(members[group] for group in groups[number]))
            yield from ((number, able) for _ in range(stage["quorum"]))


def _counts(person: str, at: int, places: Sequence[tuple[int, set[str]]], votes: Sequence[Cast]) -> bool:
    """Whether who has approved this stage and this person can stand in different places of it."""
    here = [able for number, able in places if number == at]
    these = [*(vote.by for vote in votes if vote.stage == at), person]
    return any(all(one in able for one, able in zip(these, order, strict=False)) for order in permutations(here))


def _completable(places: Sequence[tuple[int, set[str]]], votes: Sequence[Cast], free: set[str]) -> bool:
    """By trying everybody in every place; who has approved stands in the stage where that was."""
    stage_of = {vote.by: vote.stage for vote in votes}
    everybody = sorted({*stage_of, *free})
    return any(
        all(
            person in able and stage_of.get(person, stage) == stage
            for person, (stage, able) in zip(order, places, strict=True)
        )
        for order in permutations(everybody, len(places))
    )
