"""Statements about the rows of messages."""

from functools import cache

from sqlalchemy import Select, Update, and_, bindparam, case, select, update
from sqlmodel import col

from access.bulk import one_of
from access.ids import AnswerId, RequestId
from access.models import Message, Request, UtcDateTime


@cache
def retold(dialect: str) -> Update:
    """Makes due what is about `changed` subjects; returns the ids, and when each is due. Built once: at every change.

    The rows are held in one order, or two could wait for each other.
    """
    subject, due_at = col(Message.subject), col(Message.due_at)
    stale = select(col(Message.id)).where(
        one_of(subject, "changed", dialect), one_of(col(Message.kind), "kept_true", dialect)
    )  # fmt: skip
    if dialect == "postgresql":
        stale = select(stale.order_by(col(Message.id)).with_for_update().cte("held").c.id)
    now, settled_at, retold_at = (bindparam(name, type_=UtcDateTime()) for name in ("now", "settled_at", "retold_at"))
    when = case(
        (one_of(subject, "coalescing", dialect), retold_at), (one_of(subject, "at_once", dialect), now),
        else_=settled_at,
    )  # fmt: skip
    # One that is being told, or waits out a refusal of Slack, keeps its time: two at once would post it twice. What
    # only waits for more to change comes as soon as it must; a warning keeps the time at which it first comes.
    planned = and_(one_of(col(Message.kind), "planned", dialect), col(Message.shown_version) == 0)
    sooner = and_(col(Message.attempts) == 0, ~planned, due_at > when)
    moved = case((due_at.is_(None), when), (sooner, when), else_=due_at)
    changed = update(Message).where(col(Message.id).in_(stale))
    return changed.values(wanted_version=col(Message.wanted_version) + 1, due_at=moved).returning(
        col(Message.id), col(Message.due_at)
    )


@cache
def shared_messages(dialect: str) -> Select[RequestId | None, AnswerId | None]:
    """Of `changed` requests that share a card: the subjects of the messages that show what has changed."""
    its = one_of(col(Request.id), "changed", dialect), col(Request.card_id).is_not(None)
    return select(col(Request.card_id), col(Request.answer_id)).where(*its)
