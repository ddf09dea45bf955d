"""How much stands without a grant: for the digest, and for who wants the whole list."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, func, or_, select

from access.messages.digest.content import StandingCounts
from access.models import StandingAccess
from access.reconcile.standing_access import ACCEPTED, GONE, NEW

TREND = timedelta(days=7)


def count_standing(session: Session, since: datetime | None, now: datetime) -> StandingCounts | None:
    """None where nothing ever stood without a grant. `since`: when the digest before was made."""
    if session.exec(select(StandingAccess.id).limit(1)).first() is None:
        return None
    found_at, gone_at = col(StandingAccess.found_at), col(StandingAccess.gone_at)
    after = since or datetime.min.replace(tzinfo=now.tzinfo)
    week_ago = now - TREND
    stood = (found_at <= week_ago, or_(gone_at.is_(None), gone_at > week_ago))
    is_old = session.exec(select(func.min(found_at))).one() <= week_ago
    return StandingCounts(
        accepted=_count(session, StandingAccess.status == ACCEPTED), new=_count(session, StandingAccess.status == NEW),
        found=_count(session, found_at > after), gone=_count(session, gone_at > after),
        accepted_since=_count(session, col(StandingAccess.accepted_at) > after),
        week_ago=_count(session, *stood) if is_old else None,
    )  # fmt: skip


def standing_list(session: Session) -> Sequence[StandingAccess]:
    """Everything that stands, by resource, what is not accepted first."""
    stands = select(StandingAccess).where(col(StandingAccess.status) != GONE)
    ordered = stands.order_by(
        col(StandingAccess.resource), col(StandingAccess.status).desc(), col(StandingAccess.role),
        col(StandingAccess.principal), col(StandingAccess.id),
    )  # fmt: skip
    return session.exec(ordered).all()


def _count(session: Session, *conditions: object) -> int:
    counted = select(func.count()).select_from(StandingAccess)
    return session.exec(counted.where(*conditions)).one()  # pyright: ignore[reportArgumentType] -- conditions
