"""How much one person may have waiting for an answer: each pending request is a card that others must read."""

from sqlalchemy import literal
from sqlmodel import col, func, or_, select

from access.catalog import PersonEntry
from access.errors import TooManyPending
from access.models import Request, RequestStatus
from access.store import take_turn
from access.unit_of_work import UnitOfWork

MOST = 20
"""Until the policy says how many. Requests to extend count: they ask the same people for an answer."""


def refuse_too_many(work: UnitOfWork, person: PersonEntry) -> None:
    """Call it before any row is held: of one person's requests, one at a time goes on from here to the commit."""
    take_turn(work.session, f"asks {person.name}", f"asks {person.slack}")
    waits = col(Request.status) == literal(RequestStatus.PENDING, literal_execute=True)
    count = select(func.count()).select_from(Request).where(
        waits, col(Request.lapses_at) > work.now,
        or_(
            col(Request.requester) == person.name, col(Request.requester_slack) == person.slack,
            col(Request.subject) == person.name, col(Request.subject_slack) == person.slack,
        ),
    )  # fmt: skip
    if work.session.exec(count).one() >= MOST:
        raise TooManyPending
