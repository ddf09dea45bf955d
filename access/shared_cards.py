"""One card for several requests: those of one batch that have the same rule, chain and channel (docs/adr/0046).

The card is a place where they are shown and answered together. Each request keeps its own versions, votes and end.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from access.ids import RequestId
from access.models import Message, MessageKind, Request, RequestStatus

SHARED: Mapping[MessageKind, MessageKind] = {
    MessageKind.REVIEW: MessageKind.BATCH_REVIEW, MessageKind.ESCALATED: MessageKind.BATCH_ESCALATED,
    MessageKind.REMINDER: MessageKind.BATCH_REMINDER, MessageKind.NEXT_STAGE: MessageKind.BATCH_NEXT_STAGE,
}  # fmt: skip
"""What is said of one request, and of all on a card."""


def is_on_shared_card(request: Request, version: int | None = None) -> bool:
    """Whether this version (without one, that which stands) is asked on a card that others are on too.

    A later version has a card of its own: its terms are others, and an updated card calls no one.
    """
    return request.card_id is not None and (request.version if version is None else version) == 1


def told_as(request: Request, kind: MessageKind, version: int | None = None) -> tuple[MessageKind, RequestId]:
    """The kind and subject of a message to those who decide."""
    if request.card_id is None or not is_on_shared_card(request, version):
        return kind, request.id
    return SHARED[kind], request.card_id


def parts_of(session: Session, card: str) -> Sequence[Request]:
    """All that were asked on this card, in one order."""
    parts = select(Request).where(col(Request.card_id) == card)
    return session.exec(parts.order_by(col(Request.resource), col(Request.role), col(Request.id))).all()


def told_together(session: Session, answer: str) -> Sequence[Request]:
    """All of which one answer tells, in the same order."""
    parts = select(Request).where(col(Request.answer_id) == answer)
    return session.exec(parts.order_by(col(Request.resource), col(Request.role), col(Request.id))).all()


def is_waiting_there(request: Request, now: datetime) -> bool:
    """Whether it can still be answered on the card that it shares."""
    return request.status == RequestStatus.PENDING and is_on_shared_card(request) and now < request.lapses_at


def asking(session: Session, card: Message) -> list[Request]:
    """The requests for which this card asks: still pending, and by the version that it shows."""
    if card.kind in SHARED.values():
        its: Sequence[Request | None] = parts_of(session, card.subject)
    else:
        its = [session.get(Request, card.subject)]
    return [one for one in its if one and one.status == RequestStatus.PENDING and one.version == card.version]
