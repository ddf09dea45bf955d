"""An approver says "I'm looking", so that others need not; it binds no one, and is over by itself."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import literal
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from access.actors import Actor, system
from access.core import Core, load_request
from access.ids import SlackUser
from access.models import Request, RequestStatus, Verdict
from access.policy.fingerprint import parse_button
from access.requests.review import Click, refuse_answer
from access.requests.versions import UNCLAIMED
from access.store import compare_and_set
from access.unit_of_work import LostRace, UnitOfWork

LASTS = timedelta(minutes=15)
AT_A_TIME = 500


def claim(core: Core, *, button: str, by: Actor) -> Request:
    """Who else said it before is named no more, nor is who presses again. Raises a Refusal, as an approval does."""
    with core.refusals_recorded(by, "request.claim", None):
        pressed = parse_button(button)
    with core.refusals_recorded(by, "request.claim", pressed.request_id):
        policy = core.policy.last_valid()
        person = core.person(by, policy)
        with core.work(by) as work:
            request = load_request(work.session, pressed.request_id)
            refuse_answer(work.session, policy, request, Click(pressed, person, Verdict.APPROVE), work.now)
            if claimant(request, work.now) == person.slack:
                _set(work, request, dict(UNCLAIMED), "request.unclaimed", {"claimed_by": person.name})
            else:
                until = work.now + LASTS
                values: dict[str, Any] = {
                    "claimed_by": person.name, "claimed_by_slack": person.slack, "claimed_at": work.now,
                    "claim_until": until,
                }  # fmt: skip
                _set(work, request, values, "request.claimed", {"claimed_by": person.name, "until": until})
            work.session.refresh(request)
    return request


def claimant(request: Request, now: datetime) -> SlackUser | None:
    """Who is looking at it."""
    if request.status != RequestStatus.PENDING or request.claim_until is None or request.claim_until <= now:
        return None
    return request.claimed_by_slack


def lapsed_claims(now: Any) -> SelectOfScalar[str]:
    # A value in the statement itself: for one that is bound, SQLite does not use the index over what is pending.
    waits = col(Request.status) == literal(RequestStatus.PENDING, literal_execute=True)
    return select(Request.id).where(waits, col(Request.claim_until) <= now).order_by(col(Request.claim_until))


def end_claims(core: Core) -> None:
    """For the sweep: the cards say no more who was looking."""
    with core.database.read() as session:
        over = sorted(session.exec(lapsed_claims(core.clock.now()).limit(AT_A_TIME)))
    if not over:
        return
    with core.work(system("timekeeper")) as work:
        for identifier in over:
            request = work.session.get_one(Request, identifier)
            if request.claim_until is None or request.claim_until > work.now:
                continue
            if _was_set(work, request, dict(UNCLAIMED)):
                work.record("request.claim-lapsed", request.id, claimed_by=request.claimed_by)
                work.request_changed(request)


def _set(work: UnitOfWork, request: Request, values: dict[str, Any], action: str, details: dict[str, Any]) -> None:
    if not _was_set(work, request, values):
        raise LostRace
    work.record(action, request.id, version=request.version, **details)
    work.request_changed(request)


def _was_set(work: UnitOfWork, request: Request, values: dict[str, Any]) -> bool:
    expected = {
        "status": RequestStatus.PENDING, "version": request.version, "claimed_by_slack": request.claimed_by_slack,
        "claim_until": request.claim_until,
    }  # fmt: skip
    return compare_and_set(work.session, Request, request.id, expected=expected, values=values)
