"""Who approved must still be somebody who may when the access starts: an approval does not outlive its approver."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from sqlmodel import Session, col, select

from access.ids import Person
from access.models import Request, Review, Verdict
from access.people import People, changed, reviewer_of
from access.policy.chain import Approved, Chain, Vote, state, votes_of

ASK_AGAIN = "Ask again, so that another approver can decide."


def approvals(session: Session, request: Request) -> Sequence[Review]:
    """Of the version that stands, the first vote first."""
    given = select(Review).filter_by(request_id=request.id, version=request.version, verdict=Verdict.APPROVE)
    return session.exec(given.order_by(col(Review.at), col(Review.id))).all()


def objection(people: People, request: Request, votes: Sequence[Review]) -> str | None:
    """Why the votes do not carry this any more by the policy of now; None while they do.

    Being on call, within hours or a delegate is judged at the click alone; being in a group that was asked, here too.
    """
    chain = Chain.of(people, request, votes_of(votes))
    for vote, because in lost(people, chain, votes):
        if because is not None:
            return f"{vote.reviewer}, who approved this, {because}. {ASK_AGAIN}"
    counted = [replace(vote, groups=_still_in(vote, chain.members)) for vote in chain.votes]
    if not isinstance(state(chain.stages, counted), Approved):
        return f"This has fewer approvals than its rule wants. {ASK_AGAIN}"
    return None


def lost(people: People, chain: Chain, votes: Sequence[Review]) -> Iterator[tuple[Review, str | None]]:
    """Each vote, with why whoever gave it may not give it any more by the policy of now; None while they may."""
    for vote in votes:
        asked = chain.stages[vote.stage - 1].groups if vote.stage <= len(chain.stages) else ()
        able = frozenset[Person]().union(*(chain.members[group] for group in asked))
        because = changed(people, reviewer_of(vote))
        if because is None and vote.reviewer not in able:
            because = "is no longer one of its approvers"
        yield vote, because


def _still_in(vote: Vote, members: Mapping[str, frozenset[Person]]) -> frozenset[str]:
    return frozenset(group for group in vote.groups if vote.by.name in members.get(group, ()))
