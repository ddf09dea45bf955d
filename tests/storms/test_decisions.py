"""Any storm of clicks gives one decision."""

import os
import random
import threading
from collections import Counter

import pytest

from access.errors import AccessError
from access.models import RequestStatus
from tests.cast import KIM, LEA
from tests.world import World

THREADS = 64
ROUNDS = 10


def storm(world: World, seed: int) -> None:
    """64 clicks at once on one request: by Lea and by Kim, to approve and to deny."""
    dice = random.Random(seed)
    request = world.ask()
    clicks = [(dice.choice([LEA, KIM]), dice.choice([world.approve, world.deny])) for _ in range(THREADS)]
    start, ends = threading.Barrier(THREADS), list[str]()

    def click(who, decide) -> None:
        start.wait()
        try:
            decide(request, by=who)
        except AccessError as refused:
            ends.append(type(refused).__name__)
        else:
            ends.append("decided")

    threads = [threading.Thread(target=click, args=click_) for click_ in clicks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    said = Counter(ends)
    assert said.pop("decided") == 1, f"seed {seed}: {said}"
    assert set(said) <= {"AlreadyDecided", "AlreadyReviewed"}, f"seed {seed}: {said}"
    assert_one_decision(world, request.id, seed)


def assert_one_decision(world: World, request_id: str, seed: int) -> None:
    (request,) = [one for one in world.requests() if one.id == request_id]
    events = [event.action for event in world.events() if event.object_id == request_id]
    decided = [action for action in events if action in ("request.approved", "request.denied")]
    grants = [grant for grant in world.grants() if grant.request_id == request_id]

    assert decided == [f"request.{request.status}"], f"seed {seed}"
    assert len(grants) == (request.status == RequestStatus.APPROVED), f"seed {seed}"
    assert events.count("attempt.refused") == THREADS - 1, f"seed {seed}: every refused click is kept"
    for grant in grants:  # so that the next round may ask again
        world.activate(grant)
        world.clock.tick(hours=1)
        world.remove(grant)


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_64_clicks_make_one_decision(world: World, round_: int) -> None:
    storm(world, seed=random.randrange(2**32))
    assert world.verified().flaw is None


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_a_thousand_storms_make_a_thousand_decisions(world: World) -> None:
    rounds = int(os.environ.get("SOAK_ROUNDS", "1000"))
    first = random.randrange(2**32)
    print(f"{rounds} rounds from seed {first}")
    for seed in range(first, first + rounds):
        storm(world, seed)
    assert len(world.requests()) == rounds
    assert world.verified().flaw is None
