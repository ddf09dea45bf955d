"""Approving at once for more and for less: one outcome, and never more than any of those who count has approved."""

import random
import threading
from collections import Counter
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from access.actors import by_slack
from access.errors import AccessError
from access.models import Request, RequestStatus, Review, Verdict
from access.requests.narrow import TypedTime
from access.requests.review import review
from tests.storms.test_votes import VOTERS, voter, wanting
from tests.world import World

pytestmark = pytest.mark.both_databases
LENGTHS = (None, 10, 20, 30, 40, 50)
"""Minutes; None: what was asked."""


def click(world: World, request: Request, number: int, minutes: int | None) -> str:
    less = None if minutes is None else TypedTime(text=f"{minutes}m", zone=ZoneInfo("UTC"))
    try:
        review(
            world.core, button=world.button(request), reviewer=by_slack(voter(number).slack), verdict=Verdict.APPROVE,
            less=less,
        )  # fmt: skip
    except AccessError as refused:
        return type(refused).__name__
    return "voted"


def storm(world: World, request: Request, lengths: list[int | None]) -> Counter[str]:
    start, said = threading.Barrier(len(lengths)), list[str]()

    def press(number: int, minutes: int | None) -> None:
        start.wait()
        said.append(click(world, request, number, minutes))

    threads = [threading.Thread(target=press, args=each) for each in enumerate(lengths)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(said)


def standing(world: World, request: Request) -> list[Review]:
    """The votes on the version that stands."""
    with world.core.database.read() as session:
        return list(session.scalars(sa.select(Review).filter_by(request_id=request.id, version=request.version)))


def test_of_64_who_narrow_and_approve_at_once_one_decides(world: World) -> None:
    request = wanting(world, 1)
    dice = random.Random(seed := random.randrange(2**32))
    said = storm(world, request, [dice.choice(LENGTHS) for _ in range(VOTERS)])

    assert said.pop("voted") == 1, f"seed {seed}: {said}"
    assert set(said) == {"AlreadyDecided"}, f"seed {seed}: {said}"
    (now,) = world.requests()
    assert (now.status, len(standing(world, now)), len(world.grants())) == (RequestStatus.APPROVED, 1, 1)
    assert now.version == 1 + len(world.events("request.narrowed"))
    assert world.verified().flaw is None


def test_of_64_who_narrow_and_approve_at_once_where_two_are_wanted_none_is_lost_and_none_counts_for_more(
    world: World,
) -> None:
    request = wanting(world, VOTERS)
    dice = random.Random(seed := random.randrange(2**32))
    said = storm(world, request, [dice.choice(LENGTHS) for _ in range(VOTERS)])

    (now,) = world.requests()
    votes = standing(world, now)
    assert said["voted"] == len(votes) == now.decision_seq, f"seed {seed}: {said}"
    assert set(said) <= {"voted", "RequestChanged"}, f"seed {seed}: {said}"
    assert now.version == 2, f"seed {seed}: one narrowing voids the buttons of the others"
    assert {vote.fingerprint for vote in votes} == {now.fingerprint}
    carried = [vote for vote in votes if vote.carried_from == 1]
    assert len(world.events("request.vote-carried")) == len(carried) == len(votes) - 1
    assert world.verified().flaw is None
