"""Who approved must still be somebody who may when the access starts: an approval does not outlive its approver."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from sqlmodel import Session, col, select

from access.ids import Person
from access.models import Request, Review, Verdict
from access.people import People, barred, changed, reviewer_of
from access.policy.chain import Approved, Vote, stages_of, state, votes_of
from access.policy.escalation import stages_at

ASK_AGAIN = "Ask again, so that another approver can decide."


def approvals(session: Session, request: Request) -> Sequence[Review]:
    """Of the version that stands, the first vote first."""
    given = select(Review).filter_by(request_id=request.id, version=request.version, verdict=Verdict.APPROVE)
    return session.exec(given.order_by(col(Review.at), col(Review.id))).all()


def objection(people: People, request: Request, votes: Sequence[Review]) -> str | None:
    """Why the votes do not carry this any more by the policy of now; None while they do.

    Being on call, within hours or a delegate is judged at the click alone; being in a group that was asked, here too.
    """
    for vote, because in lost(people, request, votes):
        if because is not None:
            return f"{vote.reviewer}, who approved this, {because}. {ASK_AGAIN}"
    stages = stages_of(request.chain)
    members = people.able_by_group(stages, barred=barred(people, request))
    still = [replace(vote, groups=_still_in(vote, members)) for vote in votes_of(votes)]
    if not isinstance(state(stages, still), Approved):
        return f"This has fewer approvals than its rule wants. {ASK_AGAIN}"
    return None


def lost(people: People, request: Request, votes: Sequence[Review]) -> Iterator[tuple[Review, str | None]]:
    """Each vote, with why whoever gave it may not give it any more by the policy of now; None while they may."""
    counted, kept_out = votes_of(votes), barred(people, request)
    for vote in votes:
        # As it was asked at that moment: whom a step of the ladder added counts for votes from then on.
        then = stages_at(request, counted, vote.at)
        asked = then[vote.stage - 1].groups if vote.stage <= len(then) else ()
        because = changed(people, reviewer_of(vote))
        if because is None and vote.reviewer not in people.approvers(asked, barred=kept_out):
            because = "is no longer one of its approvers"
        yield vote, because


def _still_in(vote: Vote, members: Mapping[str, frozenset[Person]]) -> frozenset[str]:
    return frozenset(group for group in vote.groups if vote.by.name in members.get(group, ()))
