"""Whatever approvers do in whatever order, nothing opens for longer than was asked, or than any of them approved."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from access.actors import by_slack
from access.errors import Refusal
from access.ids import SlackUser
from access.models import GrantStatus, Request, RequestStatus
from access.requests.cancel import cancel
from access.store import Database
from tests.access.requests.test_chains import ONE
from tests.access.requests.test_narrow import narrow
from tests.cast import ANN, EVE, KIM, LEA, POLICY, SAM
from tests.world import World

TWO_LEADS_THEN_SECURITY = "stages: [{any_of: [payments-leads], quorum: 2}, {any_of: [security], quorum: 1}]"
MINUTES = st.sampled_from([1, 20, 45, 60, 61, 90, 119, 120, 180])
WAYS = st.one_of(
    st.just(("approve",)), st.tuples(st.just("narrow"), MINUTES), st.tuples(st.just("narrow until"), MINUTES)
)
"""To approve: as it is, or less of it."""
BETWEEN = st.sampled_from([("nothing",)] * 6 + [("wait", 1), ("wait", 10), ("wait", 40), ("eve",), ("deny",)])
TURNS = st.tuples(st.permutations([LEA, KIM]), st.lists(st.tuples(BETWEEN, WAYS), min_size=3, max_size=3))
"""What comes before each vote, and the vote; then, if it was no vote, a plain approval."""
EACH = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@dataclass
class Said:
    """What each vote was for, and what was asked: a length, or an end."""

    lengths: list[timedelta] = field(default_factory=list[timedelta])
    ends: list[datetime] = field(default_factory=list[datetime])

    def note(self, request: Request) -> None:
        self.lengths += [request.duration] if request.duration else []
        self.ends += [request.until] if request.until else []


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World.make(database, tmp_path, POLICY.replace(ONE, TWO_LEADS_THEN_SECURITY))


def do(world: World, request: Request, by: SlackUser, step: tuple[Any, ...]) -> bool:
    """Whether it was done; a refusal changes nothing."""
    now = newest(world, request)
    try:
        match step:
            case ("approve",):
                world.approve(now, by=by)
            case ("narrow", minutes):
                narrow(world, now, f"{minutes}m", by=by)
            case ("narrow until", minutes):
                at = world.clock.now() + timedelta(minutes=minutes + 60)  # as clocks in Amsterdam show it
                narrow(world, now, f"until {at:%H:%M}", by=by)
            case ("eve",):
                narrow(world, now, "1m", by=EVE)
            case ("deny",):
                world.deny(now, by=by)
            case ("wait", minutes):
                world.clock.tick(minutes=minutes)
            case _:
                pass
    except Refusal:
        return False
    return True


def newest(world: World, of: Request) -> Request:
    return next(one for one in world.requests() if one.id == of.id)


@EACH
@given(asked=MINUTES.filter(lambda one: one <= 120), by_end=st.booleans(), turns=TURNS)
def test_narrower_never_becomes_wider(world: World, asked: int, by_end: bool, turns: Any) -> None:
    end = world.clock.now() + timedelta(minutes=asked)
    request = world.ask(duration=None, until=end) if by_end else world.ask(minutes=asked)
    said = Said()
    said.note(request)
    leads, steps = turns
    for by, (before, way) in zip([*leads, SAM], steps, strict=True):
        do(world, request, by, before)
        if do(world, request, by, way) or do(world, request, by, ("approve",)):
            said.note(newest(world, request))
    now = newest(world, request)
    if now.status == RequestStatus.APPROVED:
        assert_no_wider(world, now, said)
    elif now.status == RequestStatus.PENDING:
        cancel(world.core, request_id=now.id, by=by_slack(ANN))


def assert_no_wider(world: World, request: Request, said: Said) -> None:
    grant = world.grant_of(request)
    world.activate(grant)
    opened = world.again(grant)
    if opened.status == GrantStatus.ACTIVE:
        assert opened.expires_at is not None
        assert all(opened.expires_at - world.clock.now() <= length for length in said.lengths)
        assert all(opened.expires_at <= end for end in said.ends)
        world.clock.time = opened.expires_at
        world.remove(opened)
    assert world.again(grant).status == GrantStatus.ENDED
