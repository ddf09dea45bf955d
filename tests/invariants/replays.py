"""Whether each decision comes out the same when it is made again of what was kept with it, whatever changed since."""

from collections.abc import Iterator

from sqlmodel import Session, select

from access.decisions import records_of
from access.models import DecisionKind, Request, Review
from access.policy.chain import stages_of
from access.policy.escalation import asked_since
from access.policy.replay import replayed
from tests.invariants.town import Town


def wrong_replays(town: Town) -> Iterator[str]:
    """Sentences."""
    with town.core.database.read() as session:
        for request in session.exec(select(Request)):
            if request.chain and stages_of(request.chain):  # what was found again after a restore has none
                yield from _of(session, request)


def _of(session: Session, request: Request) -> Iterator[str]:
    records = records_of(session, request)
    for record in records:
        kept = {name: getattr(record.decision, name) for name in ("outcome", "stage", "missing")}
        again = replayed(record.decision, record.kept, record.votes, since=asked_since(request))
        if again != kept:
            yield f"I-3: the {record.decision.kind} of {request.id} was {kept} and is {again} when it is made again"
    asked = [one.decision.version for one in records if one.decision.kind == DecisionKind.ASKED]
    if asked != [*range(1, request.version + 1)]:
        yield f"I-3: of {request.id}, at version {request.version}, who was asked is kept for {asked}"
    cast = set(session.exec(select(Review.id).filter_by(request_id=request.id, carried_from=None)))
    kept_votes = [one.decision.votes[-1] for one in records if one.decision.kind == DecisionKind.VOTE]
    if sorted(cast) != sorted(kept_votes):
        yield f"I-3: of {request.id} the votes {sorted(cast)} were cast, and {sorted(kept_votes)} are kept"
