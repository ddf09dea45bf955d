"""One vote of an approver: counted together with all that were cast before, and written down with what it decides."""

from dataclasses import dataclass
from typing import Any

from sqlmodel import col, select

from access.catalog import PersonEntry
from access.errors import AlreadyReviewed
from access.ids import ReviewId, ulid
from access.models import Request, RequestStatus, Review, Verdict
from access.people import Party, is_alike, reviewer_of
from access.policy.chain import Approved, State, Waiting, stages_of, state, votes_of
from access.store import compare_and_set
from access.unit_of_work import LostRace, UnitOfWork


@dataclass(frozen=True, kw_only=True)
class Ballot:
    """What one person says."""

    by: PersonEntry
    verdict: Verdict
    comment: str


def cast_vote(work: UnitOfWork, request: Request, ballot: Ballot, *, opens: bool = False) -> State:
    """What the chain of a pending request says with this vote. Raises LostRace where it was decided or changed since.

    Of two votes at once each would count one and neither decide; so a vote is written only if no other came since those
    before it were read. `opens`: an approval opens the access at once.
    """
    version = request.version
    while (now := _counted(work, request, ballot, opens=opens)) is None:
        work.session.refresh(request)
        if request.status != RequestStatus.PENDING or request.version != version:
            raise LostRace
    return now


def _counted(work: UnitOfWork, request: Request, ballot: Ballot, *, opens: bool) -> State | None:
    """None: another vote, or something else, came first."""
    seq, stages, before = request.decision_seq, stages_of(request.chain), _before(work, request)
    for one in before:
        if is_alike(reviewer_of(one), Party(ballot.by.name, ballot.by.slack)):
            said = "approved" if one.verdict == Verdict.APPROVE else "denied"
            raise AlreadyReviewed(f"You have already {said} this request.")
    waits = state(stages, votes_of(before))
    vote = Review(
        id=ReviewId(ulid(work.now)), request_id=request.id, version=request.version, reviewer=ballot.by.name,
        reviewer_slack=ballot.by.slack, verdict=ballot.verdict, comment=ballot.comment,
        fingerprint=request.fingerprint, at=work.now, stage=waits.stage if isinstance(waits, Waiting) else 1,
    )  # fmt: skip
    now = state(stages, votes_of([*before, vote]))
    # First of all the row, so that of two clicks at once the slower one finds it changed.
    if not _moved(work, request, ballot, now, seq=seq, opens=opens):
        return None
    work.session.add(vote)
    return now


def _moved(work: UnitOfWork, request: Request, ballot: Ballot, now: State, *, seq: int, opens: bool) -> bool:
    details: dict[str, Any] = {
        "reviewer": ballot.by.name, "verdict": ballot.verdict, "comment": ballot.comment, "rule": request.rule
    }  # fmt: skip
    if not isinstance(now, Waiting):
        approved = isinstance(now, Approved)
        to = RequestStatus.APPROVED if approved else RequestStatus.DENIED
        return work.move_request(
            request, to, action=f"request.{to}", details=details, passes=opens and approved, seq=seq
        )
    expected = {"status": RequestStatus.PENDING, "version": request.version, "decision_seq": seq}
    if not compare_and_set(work.session, Request, request.id, expected=expected, values={"decision_seq": seq + 1}):
        return False
    work.record(
        "request.reviewed", request.id, version=request.version, fingerprint=request.fingerprint, stage=now.stage,
        missing=now.missing, **details,
    )  # fmt: skip
    work.session.refresh(request)
    work.request_changed(request)
    return True


def _before(work: UnitOfWork, request: Request) -> list[Review]:
    if request.decision_seq == 0:
        return []  # no vote was cast on any version
    cast = select(Review).filter_by(request_id=request.id, version=request.version)
    return list(work.session.exec(cast.order_by(col(Review.at), col(Review.id))))
