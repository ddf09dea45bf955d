"""Lines of a digest about access: with who decided, what was said, and where its card stands."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from access.messages.digest.content import Access
from access.models import Grant, Message, MessageKind, Request, Review, Verdict
from access.requests.remind import Place

Pair = tuple[datetime, Grant | None, Request]
_TO_A_PERSON = sa.func.substr(col(Message.destination), 1, 1).in_(("U", "W"))


def accesses(session: Session, pairs: Sequence[Pair]) -> tuple[Access, ...]:
    """As lines, with who decided and where their cards stand."""
    ids = [request.id for _, _, request in pairs]
    reviews = session.exec(select(Review).where(col(Review.request_id).in_(ids)).order_by(col(Review.at))).all()
    cards = places(session, MessageKind.REVIEW, ids)
    shared = places(session, MessageKind.BATCH_REVIEW, [one.card_id for _, _, one in pairs if one.card_id])
    return tuple(
        _access(
            at, grant, request, [one for one in reviews if one.request_id == request.id],
            cards.get(request.id) or shared.get(request.card_id or ""),
        )
        for at, grant, request in pairs
    )  # fmt: skip


def _access(
    at: datetime, grant: Grant | None, request: Request, reviews: Sequence[Review], card: Place | None
) -> Access:
    counted = [review for review in reviews if review.version == request.version]
    denial = next((review for review in counted if review.verdict == Verdict.DENY), None)
    line = Access(
        id=request.id, request_id=request.id, entitlement=request.entitlement, requester=request.requester,
        subject=request.subject, status=request.status, at=at, reason=request.reason, card=card,
        decided_by=tuple(review.reviewer for review in counted),
        said_by=denial.reviewer if denial else "", said=denial.comment if denial else "",
    )  # fmt: skip
    if grant is None:
        return line
    by_person = bool(grant.ended_by_person)
    ending: dict[str, object] = {
        "id": grant.id, "status": grant.status, "ends": grant.end_due_at or grant.expires_at,
        "granted_for": None if grant.duration_s is None else timedelta(seconds=grant.duration_s),
        "granted_until": grant.until, "ended_at": grant.ended_at,
        "ended_by": grant.ended_by, "residual": (*grant.residual, *grant.leftover),
        "said_by": grant.ended_by_person or "", "said": grant.end_reason if by_person else "",
        "problem": grant.problem or ("" if by_person else grant.end_reason),
    }  # fmt: skip
    return line.model_copy(update=ending)


def places(session: Session, kind: MessageKind, subjects: Sequence[str]) -> dict[str, Place]:
    """Where the newest message about each stands, for everybody in its channel: a direct message is one person's."""
    posted = select(Message.subject, Message.channel, Message.ts).where(
        col(Message.kind) == kind, col(Message.subject).in_(subjects), col(Message.ts).is_not(None),
        sa.not_(_TO_A_PERSON),
    )  # fmt: skip
    found = session.exec(posted.order_by(col(Message.version), col(Message.id))).all()
    return {subject: Place(channel, ts) for subject, channel, ts in found if channel and ts}
