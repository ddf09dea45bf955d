"""The core and a slow, obvious evaluator that was written apart agree on every random policy and every request."""

import json
import random
from datetime import timedelta
from typing import Any

import pytest

from access.catalog import Entitlement, Policy
from access.ids import Person
from access.policy.decide import Allowed, Ask
from access.policy.load import check
from access.policy.simulate import simulate
from tests.access.policy.example import NOW, PROVIDERS
from tests.access.policy.reference import Answer, Asking, a_world, answer, as_policy, loads

WORLDS = 2_000
MANY = 100_000
SECONDS, REASONS = (4, 5, 60, 61, 3600, 3601, 7200, 7201), ("", "so", "INC-12 stuck refunds")


def asked(loaded: Policy, asking: Asking) -> Answer:
    by, span = Person(asking.by), timedelta(seconds=asking.seconds)
    wanted = Entitlement(asking.resource, asking.role)
    ask = Ask(requester=by, subject=by, entitlement=wanted, duration=span, until=None, reason=asking.reason, at=NOW)
    simulation = simulate(loaded, ask)
    decision = simulation.decision
    if not isinstance(decision, Allowed):
        return Answer(decision.reason_id)
    return Answer(None, decision.terms.rule, tuple(frozenset(one.people) for one in simulation.stages))


def tried(world: dict[str, Any], chance: random.Random) -> int:
    """How many requests were compared."""
    loaded, problems = check(json.dumps(as_policy(world)), file="access.yml", providers=PROVIDERS)
    assert (loaded is not None) == loads(world), [problem.sentence for problem in problems]
    if loaded is None:
        return 0
    count = 0
    for by in [*world["people"], "mallory"]:
        for resource, role in [(one["id"], role) for one in world["resources"] for role in ("read", "fix")]:
            seconds, reason = chance.choice(SECONDS), chance.choice(REASONS)
            for about in ((60, REASONS[-1]), (seconds, reason)):
                asking = Asking(by, resource, role, *about)
                assert asked(loaded, asking) == answer(world, asking), asking
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
