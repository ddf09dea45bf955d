"""Keeps what each decision was made of, with the decision: who could answer then, who could not and why.

Replay needs nothing else, and `/access why` says who could have decided then (docs/adr/0049-what-decisions-used.md).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from sqlmodel import Session, col, select

from access.approvers import people_now, votes_on
from access.canonical import canonical
from access.ids import Person, ReviewId, ulid
from access.models import ApproverSnapshot, Decision, DecisionKind, DecisionOutcome, Request, Review
from access.people import People
from access.policy.chain import State, Vote, votes_of
from access.policy.chain_now import Chain
from access.policy.replay import Kept, columns_of, content_of, excluded
from access.unit_of_work import UnitOfWork


def keep_asked(work: UnitOfWork, people: People, request: Request) -> None:
    """A version was asked, with the votes that were carried over to it."""
    now = Chain.of(people, request, votes_on(work.session, request), work.now).state()
    votes = vote_ids(work.session, request)
    _keep(work, people, request, DecisionKind.ASKED, columns_of(now), votes=votes, seq=request.decision_seq)


def keep_vote(work: UnitOfWork, people: People, request: Request, vote: Review, now: State, *, seq: int) -> None:
    """Once the row of the request is ours, and no other vote can come; `vote` is not written yet.

    `people`: by whom it was decided; of whom Slack showed as unable, it is kept that they could not have answered.
    """
    votes = [*vote_ids(work.session, request), vote.id] if seq > 1 else [vote.id]
    known = people_now(work.session, people.policy)
    _keep(work, known, request, DecisionKind.VOTE, columns_of(now), votes=votes, seq=seq)


def keep_start(
    work: UnitOfWork, people: People, request: Request, votes: Sequence[Review], gone: Mapping[Person, str], *,
    refused: bool,
) -> None:  # fmt: skip
    """Just before the access starts, whether the votes carry it still. `gone`: whose name is another's by now."""
    outcome = DecisionOutcome.REFUSED if refused else DecisionOutcome.APPROVED
    said: dict[str, object] = {"outcome": outcome, "stage": None, "missing": None}
    ids = [vote.id for vote in votes]
    _keep(work, people, request, DecisionKind.START, said, votes=ids, seq=request.decision_seq, gone=gone)


def vote_ids(session: Session, request: Request) -> Sequence[str]:
    """Those on the version that stands."""
    if request.decision_seq == 0:
        return ()
    cast = select(Review.id).filter_by(request_id=request.id, version=request.version)
    return [*session.exec(cast.order_by(col(Review.at), col(Review.id)))]


def _keep(
    work: UnitOfWork, people: People, request: Request, kind: DecisionKind, said: Mapping[str, object], *,
    votes: Sequence[str], seq: int, gone: Mapping[Person, str] | None = None,
) -> None:  # fmt: skip
    content = content_of(people, request)
    snapshot = sha256(canonical(content).encode()).hexdigest()
    work.snapshots[snapshot] = content
    work.decisions.append({
        "id": ulid(work.now), "request_id": request.id, "version": request.version, "seq": seq, "kind": kind,
        "at": work.now, "policy_sha256": people.policy.sha256, "snapshot_id": snapshot,
        "excluded": excluded(people, request) | dict(gone or {}), "votes": [*votes], **said,
    })  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Record:
    """One decision with all that it was made of."""

    decision: Decision
    kept: Kept
    votes: tuple[Vote, ...]


def records_of(session: Session, request: Request) -> list[Record]:
    """In the order in which they were made."""
    of_it = select(Decision).filter_by(request_id=request.id).order_by(col(Decision.at), col(Decision.id))
    decisions = sorted(session.exec(of_it), key=lambda one: (one.version, one.seq))
    wanted = {one.snapshot_id for one in decisions}
    kept = session.exec(select(ApproverSnapshot).where(col(ApproverSnapshot.id).in_(wanted))) if wanted else ()
    by_id = {one.id: Kept.of(one) for one in kept}
    cast = {one.id: one for one in session.exec(select(Review).filter_by(request_id=request.id))}
    return [
        Record(
            decision=one, kept=by_id[one.snapshot_id],
            votes=tuple(votes_of(cast[ReviewId(vote)] for vote in one.votes)),
        )
        for one in decisions
    ]  # fmt: skip
