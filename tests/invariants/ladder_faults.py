"""Wrong variants of the ladder, by which time adds people: each must be found by an invariant."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

from access.models import Request, RequestStatus, Verdict
from access.policy import chain_now
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


def _added_when_its_time_has_come(life: Life) -> None:
    life.ask("ann", READ, 10, None)
    life.decide("sam", Verdict.APPROVE, -1, None)
    life.nobody_looks_for(int(ADDED_AFTER.total_seconds()))
    life.decide("sam", Verdict.APPROVE, -1, None)
    status = life.town.requests()[-1].status
    if status != RequestStatus.APPROVED:
        raise Broken(f"I-3: security was added, and what it approved is {status}")


LADDER_FAULTS: Mapping[str, Fault] = {
    "added at once": Fault(
        "who is added later may decide from the beginning", lambda: patch.object(chain_now, "stages_at", _at_once),
        _added_when_its_time_has_come,
    ),
    "never added": Fault(
        "a step is told of, and lets no one decide", lambda: patch.object(chain_now, "stages_at", _never),
        _added_when_its_time_has_come,
    ),
}  # fmt: skip
