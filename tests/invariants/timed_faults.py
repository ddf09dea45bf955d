"""Wrong variants of what moves the end or the start of access: each must be found by an invariant."""

from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from sqlmodel import select

from access import core
from access.core import Core
from access.grants import end, integrity
from access.models import Grant, GrantStatus, Request, Verdict
from access.monitor.sweep import Schedule
from access.requests import extend, review
from access.unit_of_work import UnitOfWork
from tests.invariants.faults import Fault, Story
from tests.invariants.machine import Life

READ, LEDGER = "customers-db/read", "ledger-db/read"
_schedule = review.schedule


def _reopening(its: Core, work: UnitOfWork, request: Request) -> None:
    """Whatever became of it meanwhile, it is open until then."""
    del its
    assert request.extends is not None
    grant = core.load_grant(work.session, request.extends, held=True)
    before = grant.expires_at
    work.set_grant(grant, status=GrantStatus.ACTIVE, extensions=1, expires_at=request.until, due_at=request.until)
    work.record("grant.extended", grant.id, request=request.id, expired_at=before, expires_at=request.until)


@contextmanager
def _the_old_timer() -> Generator[None]:
    """The job that was scheduled for the old end ends it: nobody moved it, and it asks nobody."""
    right, sort = UnitOfWork.set_grant, Schedule.route

    def without_the_timer(self: UnitOfWork, grant: Grant, **values: Any) -> None:
        moved = {"due_at": grant.expires_at, "target_expiry_stale_since": None} if "extensions" in values else {}
        right(self, grant, **(values | moved))

    def by_the_timer(self: Schedule, items: Any) -> Any:
        routes = sort(self, items)
        with self.core.database.read() as session:
            active = set(session.exec(select(Grant.id).where(Grant.status == GrantStatus.ACTIVE)))
        routes.now[:] = [replace(one, queue="revoke") if one.id in active else one for one in routes.now]
        return routes

    def due(grant: Grant, now: Any) -> bool:
        return grant.due_at is not None and grant.due_at <= now

    with (
        patch.object(UnitOfWork, "set_grant", without_the_timer),
        patch.object(Schedule, "route", by_the_timer),
        patch.object(end, "_due", due),
    ):
        yield


def _without_its_start(made: Core, work: UnitOfWork, request: Request) -> None:
    starts_at, request.starts_at = request.starts_at, None
    _schedule(made, work, request)
    request.starts_at = starts_at


def _start_forgotten() -> ExitStack:
    """Neither who schedules knows it nor who compares the grant with what was approved."""
    wrong = ExitStack()
    wrong.enter_context(patch.object(review, "schedule", _without_its_start))
    wrong.enter_context(patch.object(integrity, "approved_start", lambda request: request.decided_at))
    return wrong


def _extended_after_the_end(life: Life) -> None:
    life.opens("ann", READ, 10, None)
    life.extend(0, 10, answered=False, crash=None)
    life.done("ann", 0, None)
    life.decide("kim", Verdict.APPROVE, -1, None)


def _extended(what: str) -> Story:
    def story(life: Life) -> None:
        life.opens("ann", what, 10, None)
        life.extend(0, 50, answered=True, crash=None)
        life.all_is_done_in_time_for(620)  # the old end has passed, and no two comparisons can have found it gone

    return story


def _approved_for_later(life: Life) -> None:
    life.ask_for_later("ann", READ, 300, None)
    life.decide("kim", Verdict.APPROVE, -1, None)
    life.look(None)


TIMED_FAULTS: Mapping[str, Fault] = {
    "an end that reopens": Fault(
        "extended, whatever became of it", lambda: patch.object(review, "move_end", _reopening), _extended_after_the_end
    ),
    "the old timer": Fault("the job of the old end ends what was extended (TEAM)", _the_old_timer, _extended(READ)),
    "the target is not told": Fault(
        "extended in our rows alone", lambda: patch.object(extend, "_has_native_expiry", lambda *_: False),
        _extended(LEDGER),
    ),
    "before its start": Fault(
        "what is approved is opened", _start_forgotten, _approved_for_later
    ),
}  # fmt: skip
