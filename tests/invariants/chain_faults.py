"""Wrong variants of chains: of the ladder, by which time adds people, and of what is kept of a decision."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

from access import decisions
from access.models import Request, RequestStatus, Verdict
from access.policy import chain_now, replay
from access.requests import vote
from tests.invariants.checks import Broken
from tests.invariants.faults import Fault
from tests.invariants.machine import Life
from tests.invariants.rules import ADDED_AFTER

READ = "customers-db/read"
_right = chain_now.stages_at


def _at_once(request: Request, votes: Any, now: datetime) -> Any:
    return _right(request, votes, now + timedelta(days=1))


def _never(request: Request, votes: Any, now: datetime) -> Any:
    del now
    return _right(request, votes, request.asked_at)


def _without_groups(people: Any, request: Request) -> Any:
    content = replay.content_of(people, request)
    return content | {"groups": dict.fromkeys(content["groups"], ())}


def _nothing(*_given: Any, **_more: Any) -> None:
    """Writes nothing down."""


def _added_when_its_time_has_come(life: Life) -> None:
    life.ask("ann", READ, 10, None)
    life.decide("sam", Verdict.APPROVE, -1, None)
    life.nobody_looks_for(int(ADDED_AFTER.total_seconds()))
    life.decide("sam", Verdict.APPROVE, -1, None)
    status = life.town.requests()[-1].status
    if status != RequestStatus.APPROVED:
        raise Broken(f"I-3: security was added, and what it approved is {status}")


CHAIN_FAULTS: Mapping[str, Fault] = {
    "added at once": Fault(
        "who is added later may decide from the beginning", lambda: patch.object(chain_now, "stages_at", _at_once),
        _added_when_its_time_has_come,
    ),
    "never added": Fault(
        "a step is told of, and lets no one decide", lambda: patch.object(chain_now, "stages_at", _never),
        _added_when_its_time_has_come,
    ),
    "without its people": Fault(
        "a decision is kept without those who could make it",
        lambda: patch.object(decisions, "content_of", _without_groups), _added_when_its_time_has_come,
    ),
    "a vote that is not kept": Fault(
        "what was asked is kept, and not who answered", lambda: patch.object(vote, "keep_vote", _nothing),
        _added_when_its_time_has_come,
    ),
}  # fmt: skip
