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

_OF_ANOTHER = "20 requests of {name} wait for an answer, which is the most. One of them must be decided or taken back."


def refuse_too_many(work: UnitOfWork, *people: PersonEntry, more: int = 1) -> None:
    """Call it before any row is held: of one person's requests, one at a time goes on from here to the commit.

    `people`: who asks, and who receives where that is another; it counts for both. `more`: so many are asked now.
    """
    # All turns at once: they are taken in one order, or two who ask for each other would wait for each other.
    take_turn(work.session, *{f"asks {key}" for person in people for key in (person.name, person.slack)})
    for person in people:
        if _waiting(work, person) + more > MOST:
            raise TooManyPending(None if person is people[0] else _OF_ANOTHER.format(name=person.name))


def _waiting(work: UnitOfWork, person: PersonEntry) -> int:
    waits = col(Request.status) == literal(RequestStatus.PENDING, literal_execute=True)
    count = select(func.count()).select_from(Request).where(
        waits, col(Request.lapses_at) > work.now,
        or_(
            col(Request.requester) == person.name, col(Request.requester_slack) == person.slack,
            col(Request.subject) == person.name, col(Request.subject_slack) == person.slack,
        ),
    )  # fmt: skip
    return work.session.exec(count).one()
