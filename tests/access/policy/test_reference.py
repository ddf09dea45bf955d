"""The core and a slow, obvious evaluator that was written apart agree on every random policy and every request."""

import json
import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from access.catalog import Entitlement, Policy
from access.ids import Person
from access.people import People
from access.policy.decide import Allowed, Ask, decide
from access.policy.load import check
from access.policy.simulate import simulate
from tests.access.policy.example import NOW, PROVIDERS
from tests.access.policy.reference import Answer, Asking, a_world, answer, as_policy, loads
from tests.access.policy.reference_ladder import Step

WORLDS = 2_000
MANY = 100_000
WAITED = (299, 300, 600, 1750, 3599)
SECONDS, REASONS = (4, 5, 60, 61, 3600, 3601, 7200, 7201), ("", "so", "INC-12 stuck refunds")


def asked(loaded: Policy, asking: Asking) -> Answer:
    simulation = simulate(loaded, ask_of(asking))
    decision = simulation.decision
    if not isinstance(decision, Allowed):
        return Answer(decision.reason_id)
    steps = tuple(
        (Step(seconds(one.step.after), one.step.group, one.adds), frozenset(map(str, one.people)))
        for one in simulation.steps
    )
    stages = tuple(frozenset(map(str, one.people)) for one in simulation.stages)
    return Answer(None, decision.terms.rule, stages, steps, seconds(decision.terms.lapses_after))


def ask_of(asking: Asking) -> Ask:
    by, span = Person(asking.by), timedelta(seconds=asking.seconds)
    return Ask(
        requester=by, subject=by, entitlement=Entitlement(asking.resource, asking.role), duration=span, until=None,
        reason=asking.reason, at=NOW, waited=timedelta(seconds=asking.waited),
    )  # fmt: skip


def seconds(length: timedelta) -> int:
    return int(length.total_seconds())


def why_after(loaded: Policy, asking: Asking) -> str | None:
    """Why it would be denied after so long without an answer."""
    decision = decide(loaded, People(loaded), ask_of(asking))
    return None if isinstance(decision, Allowed) else decision.reason_id


def tried(world: dict[str, Any], chance: random.Random) -> int:
    """How many requests were compared."""
    loaded, problems = check(json.dumps(as_policy(world)), file="access.yml", providers=PROVIDERS)
    assert (loaded is not None) == loads(world), [problem.sentence for problem in problems]
    if loaded is None:
        return 0
    count = 0
    for by in [*world["people"], "mallory"]:
        for resource, role in [(one["id"], role) for one in world["resources"] for role in ("read", "fix")]:
            for about in ((60, REASONS[-1]), (chance.choice(SECONDS), chance.choice(REASONS))):
                asking = Asking(by, resource, role, *about)
                assert asked(loaded, asking) == answer(world, asking), asking
                later = replace(asking, waited=chance.choice(WAITED))
                assert why_after(loaded, later) == answer(world, later).because, later
                count += 1
    return count


def agree(worlds: int, seed: int) -> None:
    chance, count = random.Random(seed), 0
    for number in range(worlds):
        world = a_world(chance)
        try:
            count += tried(world, chance)
        except AssertionError as differs:
            differs.add_note(f"seed {seed}, world {number}: {json.dumps(world)}")
            raise
    assert count > worlds, "most of them can be used"


def test_both_agree_on_many_random_worlds(request: pytest.FixtureRequest) -> None:
    agree(WORLDS, request.config.getoption("randomly_seed", 1) or 1)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("part", range(10))
def test_both_agree_on_a_hundred_thousand_worlds(part: int) -> None:
    agree(MANY // 10, 1_000 + part)
