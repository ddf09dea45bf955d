"""One vote of an approver: counted together with all that were cast before, and written down with what it decides."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from access.approvers import votes_on
from access.catalog import PersonEntry
from access.decisions import keep_vote
from access.errors import AlreadyReviewed
from access.ids import ReviewId, ulid
from access.models import Request, RequestStatus, Review, Verdict
from access.people import Party, People, is_alike
from access.policy.chain import Approved, State, Waiting, votes_of
from access.policy.chain_now import Chain
from access.policy.turns import refuse_out_of_turn, turn_of
from access.requests.versions import UNCLAIMED
from access.store import compare_and_set
from access.unit_of_work import LostRace, UnitOfWork


@dataclass(frozen=True, kw_only=True)
class Ballot:
    """What one person says."""

    by: PersonEntry
    verdict: Verdict
    comment: str


def cast_vote(work: UnitOfWork, people: People, request: Request, ballot: Ballot, *, opens: bool = False) -> State:
    """What the chain of a pending request says with this vote. Raises NotYourTurn, AlreadyReviewed, or LostRace where
    it was decided or changed since.

    Of two votes at once each would count one and neither decide; so a vote is written only if no other came since those
    before it were read. `opens`: an approval opens the access at once.
    """
    version = request.version
    while (now := _counted(work, people, request, ballot, opens=opens)) is None:
        work.session.refresh(request)
        if request.status != RequestStatus.PENDING or request.version != version:
            raise LostRace
    return now


def refuse_vote(
    session: Session, people: People, request: Request, by: PersonEntry, verdict: Verdict, *, now: datetime
) -> tuple[Chain, Waiting]:  # fmt: skip
    """The chain as this person found it, and what it waits for.

    Raises NotYourTurn, NotAnApprover, AlreadyReviewed, or LostRace where it was decided since the request was read: its
    votes are read after it.
    """
    chain = Chain.of(people, request, votes_on(session, request), now)
    waits = chain.state()
    if not isinstance(waits, Waiting):
        raise LostRace
    for vote in chain.votes:
        if is_alike(vote.by, Party(by.name, by.slack)) and verdict is Verdict.APPROVE:
            raise AlreadyReviewed("You have already approved this request.")
    refuse_out_of_turn(turn_of(by.name, chain.stages, waits, chain.members), verdict, waits, chain.stages)
    return chain, waits


def _counted(work: UnitOfWork, people: People, request: Request, ballot: Ballot, *, opens: bool) -> State | None:
    """None: another vote, or something else, came first."""
    seq = request.decision_seq
    chain, waits = refuse_vote(work.session, people, request, ballot.by, ballot.verdict, now=work.now)
    groups = sorted(
        group for group in set(chain.stages[waits.stage - 1].groups) if ballot.by.name in chain.members[group]
    )
    vote = Review(
        id=ReviewId(ulid(work.now)), request_id=request.id, version=request.version, reviewer=ballot.by.name,
        reviewer_slack=ballot.by.slack, verdict=ballot.verdict, comment=ballot.comment,
        fingerprint=request.fingerprint, at=work.now, stage=waits.stage, groups=groups,
    )  # fmt: skip
    now = chain.state(*votes_of([vote]))
    # First of all the row, so that of two clicks at once the slower one finds it changed.
    if not _moved(work, request, vote, now, seq=seq, opens=opens):
        return None
    keep_vote(work, people, request, vote, now, seq=seq + 1)
    work.session.add(vote)
    return now


def _moved(work: UnitOfWork, request: Request, vote: Review, now: State, *, seq: int, opens: bool) -> bool:
    details: dict[str, Any] = {
        "reviewer": vote.reviewer, "verdict": vote.verdict, "comment": vote.comment, "rule": request.rule,
        "stage": vote.stage, "groups": vote.groups,
    }  # fmt: skip
    if not isinstance(now, Waiting):
        approved = isinstance(now, Approved)
        to = RequestStatus.APPROVED if approved else RequestStatus.DENIED
        return work.move_request(
            request, to, action=f"request.{to}", details=details, passes=opens and approved, seq=seq
        )
    expected = {"status": RequestStatus.PENDING, "version": request.version, "decision_seq": seq}
    values: dict[str, Any] = {"decision_seq": seq + 1}
    if request.claimed_by_slack == vote.reviewer_slack:
        values |= UNCLAIMED
    if not compare_and_set(work.session, Request, request.id, expected=expected, values=values):
        return False
    work.record(
        "request.reviewed", request.id, version=request.version, fingerprint=request.fingerprint,
        waits_for_stage=now.stage, missing=now.missing, **details,
    )  # fmt: skip
    work.session.refresh(request)
    work.request_changed(request)
    return True
