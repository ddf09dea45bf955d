"""Leavers: what a person has open who is no longer in the policy, or whom Slack no longer has, ends within minutes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session, col, or_, select

from access.errors import PolicyError
from access.ids import Person, SlackUser
from access.models import EndedBy, Grant, GrantStatus, LookKind, NoticeKind, Request, RequestStatus
from access.operations.canary import NOBODY
from access.operations.core import Core, held_grants
from access.operations.end import end
from access.operations.look import Claimed, Looked, claim_looks, look_again, look_no_more, release_looks
from access.operations.work import Work

OPEN = (GrantStatus.SCHEDULED, GrantStatus.ACTIVATING, GrantStatus.ACTIVE)
EVERY = timedelta(minutes=4)
"""How often Slack is asked about each; with the roster's half minute before the first time that is under five."""
SOON = timedelta(seconds=5)
"""Something of theirs may have been approved at the very moment when they were found gone."""
NOT_IN_POLICY = "This person is no longer in the access policy."
MOST = 500
"""People at a time: the rest comes with the next round."""


@dataclass(frozen=True)
class Membership(Looked):
    """What Slack said of one person: `gone` says why, in a sentence; empty where the person is a member still."""

    gone: str = ""


@dataclass(frozen=True)
class Members:
    """The core's half of asking Slack about everybody who has something open."""

    core: Core
    actor: str = "system:leavers"

    def claim(self, ids: Sequence[str]) -> list[Claimed]:
        return claim_looks(self.core, ids, LookKind.MEMBER)

    def commit(self, results: Sequence[Membership]) -> None:
        with self.core.work(self.actor) as work:
            for result in sorted(results, key=lambda one: one.claimed.id):
                self._write(work, result)

    def release(self, claimed: Sequence[Claimed]) -> None:
        release_looks(self.core, claimed)

    def _write(self, work: Work, result: Membership) -> None:
        look = result.claimed.look
        if result.problem:
            look_again(work, look, after=result.retry_after or SOON * 2, answered=False, problem=result.problem)
            return
        if not result.gone:
            look_again(work, look, after=EVERY, problem="")
        elif _end_of(work, by_slack=[SlackUser(look.subject)], because=result.gone):
            look_again(work, look, after=SOON)
        else:
            look_no_more(work, look)


def end_for_strangers(core: Core) -> None:
    """Ends what people have open whom the policy no longer names; a policy that cannot be used ends nothing."""
    try:
        known = core.policy.current().people
    except PolicyError:
        return
    with core.database.read() as session:
        gone = [person for person in _with_something_open(session) if person not in known][:MOST]
    if not gone:
        return
    with core.work("system:leavers") as work:
        _end_of(work, by_name=gone, because=NOT_IN_POLICY)


def members_with_something_open(session: Session) -> set[SlackUser]:
    """Whom Slack must be asked about; a canary is nobody there."""
    holders = select(Grant.subject_slack).where(col(Grant.status).in_(OPEN)).distinct()
    pending = select(Request.requester_slack, Request.subject_slack).where(Request.status == RequestStatus.PENDING)
    asking = {user for both in session.exec(pending.distinct()) for user in both}
    return {SlackUser(user) for user in asking.union(session.exec(holders)) if user}


def _with_something_open(session: Session) -> list[Person]:
    holders = select(Grant.subject).where(col(Grant.status).in_(OPEN)).distinct()
    pending = select(Request.requester, Request.subject).where(Request.status == RequestStatus.PENDING)
    asking = {person for both in session.exec(pending.distinct()) for person in both}
    return [Person(person) for person in sorted(asking.union(session.exec(holders)) - {NOBODY})]


def _end_of(
    work: Work, *, because: str, by_name: Sequence[Person] = (), by_slack: Sequence[SlackUser] = ()
) -> bool:  # fmt: skip
    """Cancels what these people asked for or would receive, and takes away what they hold. True: there was something.

    Their votes go with the request: one vote decides it today, so that none waits unused on a pending one. Where a
    stage needs several, the count must leave out who is no longer eligible, as it does for everybody else.
    """
    asked = select(Request).where(
        Request.status == RequestStatus.PENDING,
        or_(
            col(Request.requester).in_(by_name), col(Request.subject).in_(by_name),
            col(Request.requester_slack).in_(by_slack), col(Request.subject_slack).in_(by_slack),
        ),
    )  # fmt: skip
    held = select(Grant.id).where(
        col(Grant.status).in_(OPEN), or_(col(Grant.subject).in_(by_name), col(Grant.subject_slack).in_(by_slack))
    )
    requests = work.session.exec(asked.order_by(col(Request.id)).with_for_update()).all()
    for request in requests:
        _cancel(work, request, frozenset([*by_name, *by_slack]), because)
    grants = [one for one in held_grants(work.session, work.session.exec(held).all()) if one.status in OPEN]
    for grant in grants:
        end(work, grant, EndedBy.LEFT, reason=because)
    return bool(requests or grants)


def _cancel(work: Work, request: Request, leavers: frozenset[str], because: str) -> None:
    details = {"by": EndedBy.LEFT, "because": because}
    if not work.move_request(
        request, RequestStatus.CANCELLED, action="request.cancelled", details=details, because=because
    ):
        return
    if not leavers & {request.requester, request.requester_slack}:  # who asked for another is still here to read it
        work.tell(NoticeKind.ANSWER, request.id, request.requester_slack)
