"""Who approved must still be somebody who may when the access starts: an approval does not outlive its approver."""

from collections.abc import Iterator, Sequence

from sqlmodel import Session, col, select

from access.ids import Person
from access.models import Request, Review, Verdict
from access.people import People, barred, changed, reviewer_of
from access.policy import carrying
from access.policy.carrying import is_carried
from access.policy.chain import stages_of, votes_of
from access.policy.escalation import asked_since
from access.policy.replay import named_groups

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
    members = people.able_by_group(stages_of(request.chain), barred=barred(people, request))
    if not is_carried(request.chain, votes_of(votes), members):
        return f"This has fewer approvals than its rule wants. {ASK_AGAIN}"
    return None


def lost(people: People, request: Request, votes: Sequence[Review]) -> Iterator[tuple[Review, str | None]]:
    """Each vote, with why whoever gave it may not give it any more by the policy of now; None while they may."""
    kept_out = barred(people, request)
    members = {group: people.approvers([group], barred=kept_out) for group in named_groups(request.chain)}
    because = carrying.lost(request.chain, votes_of(votes), members, gone(people, votes), since=asked_since(request))
    yield from zip(votes, because, strict=True)


def gone(people: People, votes: Sequence[Review]) -> dict[Person, str]:
    """Of those who voted, whose name means another by the policy of now."""
    return {vote.reviewer: because for vote in votes if (because := changed(people, reviewer_of(vote)))}
