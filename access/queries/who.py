"""Who is in now: every access that may be open, for the security team."""

from collections import defaultdict
from dataclasses import dataclass

from sqlmodel import col, select

from access.actors import Actor
from access.core import Core
from access.ids import Person
from access.lifecycle import ON_TARGET
from access.models import Grant, Request, Review, Verdict


@dataclass(frozen=True, kw_only=True)
class Inside:
    """One access that may be on its target."""

    grant: Grant
    approved_by: tuple[Person, ...]
    """None where the policy alone let it in."""
    reason: str


def who(core: Core, *, by: Actor) -> list[Inside]:
    """The soonest to end first. Raises NotSecurity."""
    with core.refusals_recorded(by, "grant.list", None):
        core.security_member(by)
        inside = select(Grant, Request).join(Request, col(Request.id) == col(Grant.request_id))
        with core.database.read() as session:
            rows = session.exec(inside.where(col(Grant.due_at).is_not(None), col(Grant.status).in_(ON_TARGET))).all()
            ids = [request.id for _, request in rows]
            given = select(Review).where(col(Review.request_id).in_(ids), Review.verdict == Verdict.APPROVE)
            approvers = defaultdict[tuple[str, int], list[Person]](list)
            for vote in session.exec(given.order_by(col(Review.at))):
                approvers[vote.request_id, vote.version].append(vote.reviewer)
    ordered = sorted(rows, key=lambda row: (row[0].expires_at or row[0].starts_at, row[0].id))
    return [
        Inside(grant=grant, reason=request.reason, approved_by=tuple(approvers[request.id, request.version]))
        for grant, request in ordered
    ]
