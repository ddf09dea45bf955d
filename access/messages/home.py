"""A person's Home tab: what it shows, and keeping it true for those who have looked at theirs."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from access.approvers import decidable
from access.catalog import Policy
from access.core import Core, by_person
from access.ids import SlackUser
from access.models import Message, MessageKind, Request, RequestStatus
from access.queries.mine import Mine, mine_of
from access.requests.remind import Place, card_place
from access.unit_of_work import URGENT, UnitOfWork

WAITING_MOST = 15
"""So many requests are shown to who can decide them; the others are counted."""


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A request that this person can decide."""

    request: Request
    card: Place | None
    """None: it is just being posted."""


@dataclass(frozen=True, kw_only=True)
class HomeFacts:
    """Everything that one person's Home shows."""

    mine: Mine | None
    """None: the policy does not know this person."""
    waiting: list[Waiting]
    """The soonest to lapse first."""
    more: int
    """How many wait beside those."""


def open_home(core: Core, *, person: SlackUser) -> None:
    """This person looks at the Home: from now on it is kept true, by the one who publishes all of them."""
    core.person(person)
    with core.work(by_person(person)) as work:
        work.tell(MessageKind.HOME, person, person, urgency=URGENT)
        work.changed(person)


def all_homes_changed(work: UnitOfWork) -> None:
    """Another policy is in force: who can decide what may be different for everybody, and on every card that waits."""
    for person in work.session.exec(select(Message.subject).filter_by(kind=MessageKind.HOME)):
        work.home_changed(SlackUser(person))
    for request in work.session.exec(select(Request.id).where(Request.status == RequestStatus.PENDING)):
        work.changed(request)


def home_facts(session: Session, policy: Policy | None, user: SlackUser, now: datetime) -> HomeFacts:
    person = policy.person_by_slack(user) if policy else None
    if policy is None or person is None:
        return HomeFacts(mine=None, waiting=[], more=0)
    pending = select(Request).where(Request.status == RequestStatus.PENDING, col(Request.lapses_at) > now)
    ordered = session.exec(pending.order_by(col(Request.lapses_at), col(Request.id)))
    found = decidable(session, policy, ordered, person.name)
    return HomeFacts(
        mine=mine_of(session, policy, person, now),
        waiting=[Waiting(request=one, card=card_place(session, one)) for one in found[:WAITING_MOST]],
        more=len(found[WAITING_MOST:]),
    )
