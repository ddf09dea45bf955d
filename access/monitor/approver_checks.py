"""Looks at Slack for all who may decide: whoever turns out to be no full member is named to nobody any more."""

from collections.abc import Mapping
from datetime import timedelta

from sqlmodel import Session, col, select

from access.approvers import account_of, approver_look, groups_of
from access.catalog import Policy
from access.ids import SlackUser
from access.models import CheckKind, PeriodicCheck, Request, RequestStatus
from access.people import People
from access.periodic_checks import CheckOutcome, check_again, check_item
from access.requests.unanswerable import note_unanswerable
from access.store import compare_and_set
from access.unit_of_work import UnitOfWork

EVERY = timedelta(minutes=10)
SOONER = timedelta(minutes=4)
"""Whom Slack showed as no member: who comes back should not wait long."""
NO_MEMBER = "Slack does not show this account as a full member of this workspace."
_SHARE = timedelta(seconds=6)
"""One call in so long for all approvers together: those who have something open are looked at in the same lane."""


def approvers_to_look_at(policy: Policy | None) -> Mapping[str, timedelta]:
    """Everybody whom a rule has decide, with the interval of their looks."""
    if policy is None:
        return {}
    people = People(policy)
    accounts = people.accounts(policy.approvers())
    return dict.fromkeys(map(approver_look, accounts), max(EVERY, _SHARE * len(accounts)))


def write_approver(work: UnitOfWork, result: CheckOutcome, because: str, *, pause: timedelta | None) -> None:
    """What Slack said; `because`: why this person cannot decide, empty for one who can. `pause`: Slack asks for one."""
    look = result.claimed.look
    after = approvers_to_look_at(work.policy).get(look.subject, EVERY)
    if result.problem:
        check_again(work, look, after=pause or after, answered=False, problem=result.problem)
        return
    suspects = [because] if because else []
    known = bool(look.suspects)
    won = check_again(work, look, after=SOONER if because else after, suspects=suspects, problem="")
    if won and known != bool(because):
        _retell(work, account_of(look.subject))


def learn(work: UnitOfWork, account: SlackUser, because: str) -> None:
    """Slack has just said about a click why this person is no full member; empty where it is one."""
    look = _look_at(work.session, account)
    if look is None or bool(look.suspects) == bool(because):
        return
    # With another fence: an answer that is under way was given before this one.
    due_at = min(look.due_at, work.now + SOONER)
    values = {"fence": look.fence + 1, "suspects": [because] if because else [], "due_at": due_at}
    if compare_and_set(work.session, PeriodicCheck, look.id, expected={"fence": look.fence}, values=values):
        work.due.append((check_item(look.id), due_at))
        _retell(work, account)


def is_named(session: Session, account: SlackUser) -> bool:
    """Not so whom Slack showed as no full member when it was asked last."""
    look = _look_at(session, account)
    return look is None or not look.suspects


def _look_at(session: Session, account: SlackUser) -> PeriodicCheck | None:
    return session.exec(select(PeriodicCheck).filter_by(kind=CheckKind.MEMBER, subject=approver_look(account))).first()


def _retell(work: UnitOfWork, account: SlackUser) -> None:
    """Cards and Homes name another circle of people now; of who is no member any more, the own Home too."""
    work.home_changed(account)
    people = People(work.policy) if work.policy else None
    person = people.with_account(account) if people else None
    if person is None or people is None:
        return
    waiting = select(Request).where(Request.status == RequestStatus.PENDING).order_by(col(Request.id))
    theirs = [one for one in work.session.exec(waiting) if person.name in people.members(groups_of(one))]
    for request in theirs:
        work.request_changed(request)
    note_unanswerable(work, theirs)
