"""A person's Home tab: what it shows, and keeping it true for those who have looked at theirs."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from access.actors import Actor
from access.approvers import approvers, people_now
from access.catalog import Policy
from access.core import Core
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


def open_home(core: Core, *, person: Actor) -> None:
    """This person looks at the Home: from now on it is kept true, by the one who publishes all of them."""
    account = core.person(person).slack
    with core.work(person) as work:
        work.tell(MessageKind.HOME, account, account, urgency=URGENT)
        work.changed(account)


def all_homes_changed(work: UnitOfWork) -> None:
    """Another policy is in force: who can decide what may be different for everybody, and on every card that waits."""
    for person in work.session.exec(select(Message.subject).filter_by(kind=MessageKind.HOME)):
        work.home_changed(SlackUser(person))
    for request in work.session.exec(select(Request.id).where(Request.status == RequestStatus.PENDING)):
        work.changed(request)


def home_facts(session: Session, policy: Policy | None, user: SlackUser, now: datetime) -> HomeFacts:
    people = people_now(session, policy) if policy else None
    person = people.with_account(user) if people else None
    if people is None or person is None:
        return HomeFacts(mine=None, waiting=[], more=0)
    pending = select(Request).where(Request.status == RequestStatus.PENDING, col(Request.lapses_at) > now)
    ordered = session.exec(pending.order_by(col(Request.lapses_at), col(Request.id)))
    found = [one for one in ordered if person.name in approvers(session, people, one, now)]
    return HomeFacts(
        mine=mine_of(session, policy, person, now),
        waiting=[Waiting(request=one, card=card_place(session, one)) for one in found[:WAITING_MOST]],
        more=len(found[WAITING_MOST:]),
    )
