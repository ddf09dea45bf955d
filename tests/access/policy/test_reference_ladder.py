"""Whose turn it is in a chain that a ladder adds people to: the core and the slow evaluator agree at every moment."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import pytest

from access.catalog import Reminder, Stage
from access.ids import Person, SlackUser
from access.people import Party
from access.policy.chain import Vote, Waiting, column_of, state
from access.policy.escalation import added_by, chain_at, facts_of_escalations
from tests.access.policy.example import NOW
from tests.access.policy.reference_ladder import Cast, Stages, Step, Turn, groups_of, steps_of, turn

CHAINS = 2_000
MANY = 100_000
NAMES = ("ben", "lea", "kim", "sam", "eve")
LAPSES = 3_600


@dataclass(frozen=True)
class World:
    """One request: its chain, its ladder, and who of each group may decide it."""

    stages: Stages
    steps: list[Step]
    able: Mapping[str, set[str]]

    @property
    def column(self) -> dict[str, object]:
        """As the row of the request has it."""
        reminders = [Reminder(after=timedelta(seconds=one.after), group=one.group) for one in self.steps]
        stages = [
            Stage(all_of=tuple(one["all_of"])) if "all_of" in one
            else Stage(any_of=tuple(one["any_of"]), quorum=one["quorum"])
            for one in self.stages
        ]  # fmt: skip
        return column_of(stages, facts_of_escalations(added_by(reminders, stages)))

    def turn(self, votes: list[Vote], now: int) -> tuple[tuple[Stage, ...], Turn | None]:
        """As the core says it."""
        stages = chain_at(self.column, votes, NOW + timedelta(seconds=now), since=NOW)
        members = {group: frozenset(map(Person, people)) for group, people in self.able.items()}
        waits = state(stages, votes, members=members)
        if not isinstance(waits, Waiting):
            return stages, None
        groups = tuple(frozenset(stage.groups) for stage in stages)
        return stages, Turn(waits.stage - 1, frozenset(map(str, waits.people)), waits.missing, groups)


def a_world(chance: random.Random) -> World:
    able = {f"g{number}": {name for name in NAMES if chance.random() < 0.6} for number in range(5)}
    first = [f"g{number}" for number in range(3)]
    stages: list[dict[str, object]] = [
        {"any_of": chance.sample(first, chance.choice([1, 1, 2])), "quorum": chance.choice([1, 1, 2])}
        for _ in range(chance.choice([1, 2, 2, 3]))
    ]
    if chance.random() < 0.2:
        stages.append({"all_of": chance.sample(first, 2)})
    asked = {group for stage in stages for group in groups_of(stage)}
    later = sorted(asked) if any("all_of" in stage for stage in stages) else sorted(able)
    times = sorted(chance.sample([300, 600, 900, 1200, 2400], chance.randint(1, 3)))
    return World(stages, steps_of([{"after": at, "to": chance.choice(later)} for at in times], stages, LAPSES), able)


def played(world: World, chance: random.Random) -> int:
    """Who could approves, or no one does, just before each step, with it and after it; how often both were asked."""
    votes, cast, now, count = list[Cast](), list[Vote](), 0, 0
    moments = [0, *(step.after + beside for step in world.steps for beside in (-1, 0, 1))]
    for now in moments:
        expected = turn(world.stages, world.steps, world.able, votes, now)
        stages, waits = world.turn(cast, now)
        assert waits == expected, f"after {now} s with {votes}: {world}"
        count += 1
        if expected is None:
            break
        if expected.people and chance.random() < 0.4:
            by = chance.choice(sorted(expected.people))
            groups = frozenset(group for group in stages[expected.stage].groups if by in world.able[group])
            votes.append(Cast(expected.stage, by, now))
            cast.append(Vote(
                stage=expected.stage + 1, by=Party(Person(by), SlackUser(by)), approves=True, groups=groups,
                at=NOW + timedelta(seconds=now),
            ))  # fmt: skip
    return count


def agree(chains: int, seed: int) -> None:
    chance = random.Random(seed)
    worlds = [world for world in (a_world(chance) for _ in range(chains)) if can_be_completed(world)]
    assert sum(played(world, chance) for world in worlds) > chains, "most of them can be completed"


def can_be_completed(world: World) -> bool:
    """Others are refused when they are asked."""
    first = turn(world.stages, world.steps, world.able, (), 0)
    return first is not None and bool(first.people)


def test_both_agree_on_whose_turn_it_is_while_a_ladder_adds_people(request: pytest.FixtureRequest) -> None:
    agree(CHAINS, request.config.getoption("randomly_seed", 1) or 1)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("part", range(4))
def test_both_agree_on_whose_turn_it_is_in_a_hundred_thousand_chains(part: int) -> None:
    agree(MANY // 4, 2_000 + part)
