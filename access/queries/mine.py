"""Looking: what is mine, and what is open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import literal
from sqlmodel import Session, col, select

from access.actors import Actor
from access.alerts.undelivered import NeverAsked, never_asked
from access.answer_times import recent_answers
from access.approvers import Asked, asked_by, people_now
from access.catalog import PersonEntry, Policy
from access.core import Core
from access.ids import RequestId
from access.lifecycle import UNFINISHED
from access.models import Grant, Request, RequestStatus
from access.people import is_same, subject_of
from access.requests.escalation import next_step
from access.requests.extend import extendable
from access.requests.remind import Place, card_place
from access.store import Database


@dataclass(frozen=True, kw_only=True)
class Mine:
    """What one person waits for and holds, the newest first."""

    requests: list[Request]
    grants: list[Grant]
    by_others: list[Request] = field(default_factory=list[Request])
    """What others asked for this person to receive, and waits: those take it back, and are told who is asked."""
    extendable: frozenset[str] = frozenset()
    """The ids of those grants that can be extended."""
    asked: Mapping[RequestId, Asked] = field(default_factory=dict[RequestId, Asked])
    """Who can answer each of those requests; none while the policy cannot be used."""
    not_asked: Mapping[RequestId, NeverAsked] = field(default_factory=dict[RequestId, NeverAsked])
    """Why the approvers are not asked yet, of those requests whose cards are not posted."""
    cards: Mapping[RequestId, Place] = field(default_factory=dict[RequestId, Place])
    """Where the cards of those requests stand, of those that are posted."""


def mine(core: Core, *, person: Actor) -> Mine:
    entry = core.person(person)
    with core.database.read() as session:
        return mine_of(session, core.known_policy(), entry, core.clock.now())


def mine_of(session: Session, policy: Policy | None, person: PersonEntry, now: datetime) -> Mine:
    """By the Slack account: whoever has the name of a former person sees nothing of theirs."""
    # Values in the statement itself: for one that is bound, SQLite does not use the indexes over what is unfinished.
    waits = col(Request.status) == literal(RequestStatus.PENDING, literal_execute=True)
    requests = session.exec(
        select(Request).where(waits, Request.requester_slack == person.slack).order_by(col(Request.id).desc())
    ).all()
    # By the name, which the index over what waits has, and the account.
    received = select(Request).where(waits, Request.subject == person.name, Request.subject_slack == person.slack)
    by_others = received.where(Request.requester_slack != person.slack).order_by(col(Request.id).desc())
    unfinished = select(Grant).where(
        col(Grant.due_at).is_not(None), Grant.subject_slack == person.slack, col(Grant.status).in_(UNFINISHED)
    )
    grants = session.exec(unfinished.order_by(col(Grant.id).desc())).all()
    can = frozenset(grant.id for grant in grants if extendable(policy, grant) and is_same(person, subject_of(grant)))
    cards = ((one.id, card_place(session, one)) for one in requests)
    not_asked = ((one.id, never_asked(session, one)) for one in requests)
    answers = recent_answers(session) if requests else []
    people = people_now(session, policy) if policy and requests else None
    asked = {one.id: asked_by(session, people, one, answers, now) for one in requests} if people else {}
    steps = {one.id: next_step(session, people, one, now) for one in requests}
    return Mine(
        requests=list(requests), grants=list(grants), by_others=list(session.exec(by_others)), extendable=can,
        asked={request: replace(one, next=steps[request]) for request, one in asked.items()},
        not_asked={request: why for request, why in not_asked if why},
        cards={request: card for request, card in cards if card},
    )  # fmt: skip


def outstanding(database: Database) -> Sequence[Grant]:
    """Every grant that may still be on a target, the soonest to end first. Needs no policy."""
    with database.read() as session:
        return sorted(open_grants(session), key=lambda grant: (grant.expires_at or grant.starts_at, grant.id))


def open_grants(session: Session) -> Sequence[Grant]:
    """Everybody's."""
    return session.exec(select(Grant).where(col(Grant.status).in_(UNFINISHED))).all()
