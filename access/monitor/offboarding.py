"""Leavers: what a person has open who is no longer in the policy, or whom Slack no longer has, ends within minutes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, tuple_, union
from sqlmodel import Session, col, or_, select

from access.actors import Actor, system
from access.approvers import is_at_approver
from access.core import Core, held_grants
from access.errors import PolicyError
from access.grants.revoke import end
from access.grants.votes import ASK_AGAIN
from access.ids import Person, SlackUser
from access.lifecycle import OPENING
from access.messages.rate_limits import USERS_INFO, Call, Limited, note_limits, take_turn
from access.models import CheckKind, EndedBy, Grant, GrantStatus, Request, RequestStatus, Review
from access.monitor.approver_checks import learn, write_approver
from access.people import Party, People, is_current
from access.periodic_checks import CheckOutcome, Claimed, check_again, check_no_more, claim_checks, release_checks
from access.policy.canary import NOBODY
from access.unit_of_work import UnitOfWork

OPEN = (*OPENING, GrantStatus.ACTIVE)
EVERY = timedelta(minutes=4)
"""How often Slack is asked about each; with the roster's half minute before the first time that is under five."""
SOON = timedelta(seconds=5)
"""Something of theirs may have been approved at the very moment when they were found gone."""
NOT_IN_POLICY = "This person is no longer in the access policy."
ANOTHER_ACCOUNT = "The access policy has given this name to another Slack account."
MOST = 500
"""People at a time: the rest comes with the next round."""


@dataclass(frozen=True)
class Membership(CheckOutcome):
    """What Slack said of one person: `gone` says why, in a sentence; empty where the person is a member still.

    Of an approver it is said of whoever cannot decide: of the accounts of other workspaces and of bots too.
    """

    gone: str = ""
    limited: Limited | None = None
    """Slack counts too many of one of the calls that it took."""


@dataclass(frozen=True)
class Members:
    """The core's half of asking Slack about everybody who has something open, and about all who may decide."""

    core: Core
    actor: Actor = system("leavers")

    def claim(self, ids: Sequence[str]) -> list[Claimed]:
        claimed, won = claim_checks(self.core, ids, CheckKind.MEMBER), list[Claimed]()
        if not claimed:
            return []
        with self.core.work(self.actor) as work:
            for one in sorted(claimed, key=lambda one: one.id):
                later = take_turn(work.session, Call(USERS_INFO), one.id, work.now)
                if later is None:
                    won.append(one)
                else:
                    check_again(work, one.look, after=later - work.now, answered=False)
        return won

    def commit(self, results: Sequence[Membership]) -> None:
        with self.core.work(self.actor) as work:
            for result in sorted(results, key=lambda one: one.claimed.id):
                self._write(work, result)
            note_limits(work.session, results, work.now)

    def release(self, claimed: Sequence[Claimed]) -> None:
        release_checks(self.core, claimed)

    def _write(self, work: UnitOfWork, result: Membership) -> None:
        look = result.claimed.look
        pause = result.limited.pause if result.limited else None
        if is_at_approver(look):
            write_approver(work, result, result.gone, pause=pause)
            return
        if result.gone:
            learn(work, SlackUser(look.subject), result.gone)
        if result.problem:
            check_again(work, look, after=pause or SOON * 2, answered=False, problem=result.problem)
            return
        if not result.gone:
            check_again(work, look, after=EVERY, problem="")
        elif _end_of(work, by_slack=[SlackUser(look.subject)], because=result.gone):
            check_again(work, look, after=SOON)
        else:
            check_no_more(work, look)


def end_for_unknown_people(core: Core) -> None:
    """Ends what people have open whom the policy no longer knows; a policy that cannot be used ends nothing.

    Whoever has their name or their account by now is somebody else.
    """
    try:
        policy = core.policy.current()
    except PolicyError:
        return
    people = People(policy)
    with core.database.read() as session:
        gone = [party for party in _with_something_open(session) if not is_current(people, party)][:MOST]
    if not gone:
        return
    with core.work(system("leavers")) as work:
        for because in (NOT_IN_POLICY, ANOTHER_ACCOUNT):
            parties = [one for one in gone if (one.name in policy.people) == (because == ANOTHER_ACCOUNT)]
            if parties:
                _end_of(work, parties=parties, because=because)


def members_with_something_open(session: Session) -> set[SlackUser]:
    """Whom Slack must be asked about: who asks, who holds, and who approved what begins later."""
    approvers = select(Review.reviewer_slack).join(Request, _voted_on()).join(Grant, _opens_by())
    # What begins at once was approved a moment ago, when Slack was asked about its approver.
    later = approvers.where(col(Grant.status).in_(OPENING), col(Grant.starts_at) > col(Grant.created_at))
    waiting = session.exec(later.distinct()).all()
    return {party.account for party in _with_something_open(session)}.union(map(SlackUser, waiting))


def _with_something_open(session: Session) -> list[Party]:
    """A canary is nobody's."""
    holders = select(Grant.subject, Grant.subject_slack).where(col(Grant.status).in_(OPEN))
    pending = (
        select(name, account).where(Request.status == RequestStatus.PENDING)
        for name, account in (
            (Request.requester, Request.requester_slack), (Request.subject, Request.subject_slack),
        )
    )  # fmt: skip
    rows = session.connection().execute(union(holders, *pending))
    found = {Party(Person(name), SlackUser(account)) for name, account in rows}
    return sorted(party for party in found if party.name != NOBODY)


def _end_of(
    work: UnitOfWork, *, because: str, parties: Sequence[Party] = (), by_slack: Sequence[SlackUser] = ()
) -> bool:  # fmt: skip
    """Cancels what these people asked for or would receive, and takes away what they hold; `by_slack`: whatever their
    names, and also what they approved and has not begun. True: there was something.

    Their votes go with the request: one vote decides it today, so that none waits unused on a pending one. Where a
    stage needs several, the count must leave out who is no longer eligible, as it does for everybody else.
    """
    asked = select(Request).where(
        Request.status == RequestStatus.PENDING,
        or_(
            tuple_(col(Request.requester), col(Request.requester_slack)).in_(parties),
            tuple_(col(Request.subject), col(Request.subject_slack)).in_(parties),
            col(Request.requester_slack).in_(by_slack), col(Request.subject_slack).in_(by_slack),
        ),
    )  # fmt: skip
    holders = tuple_(col(Grant.subject), col(Grant.subject_slack)).in_(parties)
    held = select(Grant.id).where(col(Grant.status).in_(OPEN), or_(holders, col(Grant.subject_slack).in_(by_slack)))
    approved = _approved_by(work.session, by_slack)
    requests = work.session.exec(asked.order_by(col(Request.id)).with_for_update()).all()
    accounts = frozenset([*(party.account for party in parties), *by_slack])
    for request in requests:
        _cancel(work, request, accounts, because)
    theirs = set(work.session.exec(held))
    grants = [one for one in held_grants(work.session, theirs | approved.keys()) if one.status in OPEN]
    for grant in grants:
        if grant.id in theirs:
            end(work, grant, EndedBy.LEFT, reason=because)
        elif grant.status in OPENING:
            reason = f"{approved[grant.id]}, who approved this, has left. {because} {ASK_AGAIN}"
            end(work, grant, EndedBy.REFUSED, reason=reason)
    return bool(requests or grants)


def _approved_by(session: Session, accounts: Sequence[SlackUser]) -> dict[str, str]:
    """Grants that have not begun, with the name of who approved them."""
    approved = select(Grant.id, Review.reviewer).join(Request, _opens_by()).join(Review, _voted_on())
    rows = session.exec(approved.where(col(Grant.status).in_(OPENING), col(Review.reviewer_slack).in_(accounts)))
    return {str(grant): reviewer for grant, reviewer in rows}


def _opens_by() -> ColumnElement[bool]:
    return col(Grant.request_id) == col(Request.id)


def _voted_on() -> ColumnElement[bool]:
    """The version that stands: who had approved what was asked before has approved nothing of it."""
    return and_(col(Review.request_id) == col(Request.id), col(Review.version) == col(Request.version))


def _cancel(work: UnitOfWork, request: Request, leavers: frozenset[SlackUser], because: str) -> None:
    details = {"by": EndedBy.LEFT, "because": because}
    if not work.move_request(
        request, RequestStatus.CANCELLED, action="request.cancelled", details=details, because=because
    ):
        return
    if request.requester_slack not in leavers:  # who asked for another is still here to read it
        work.tell_answer(request)
