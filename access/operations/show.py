"""Looking: what is mine, what is open, and finding a request or a grant by the end of its id."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import literal
from sqlmodel import Session, col, select

from access.catalog import PersonEntry, Policy
from access.errors import InvalidInput, NotFound, NotSecurity
from access.ids import RequestId, SlackUser
from access.models import Grant, GrantStatus, Request, RequestStatus
from access.operations.approvers import Asked, asked_by
from access.operations.core import Core, by_person
from access.operations.extend import extendable
from access.operations.reminding import Place, card_place
from access.operations.usual_time import recent_answers
from access.people import is_same, subject_of
from access.policy.decide import is_security
from access.store import Database

Row = TypeVar("Row", Request, Grant)
LONGEST_ID = 26
OPEN = (GrantStatus.SCHEDULED, GrantStatus.ACTIVATING, GrantStatus.ACTIVE, GrantStatus.REVOKING)


@dataclass(frozen=True, kw_only=True)
class Mine:
    """What one person waits for and holds, the newest first."""

    requests: list[Request]
    grants: list[Grant]
    extendable: frozenset[str] = frozenset()
    """The ids of those grants that can be extended."""
    asked: Mapping[RequestId, Asked] = field(default_factory=dict[RequestId, Asked])
    """Who can answer each of those requests; none while the policy cannot be used."""
    cards: Mapping[RequestId, Place] = field(default_factory=dict[RequestId, Place])
    """Where the cards of those requests stand, of those that are posted."""


def mine(core: Core, *, person: SlackUser) -> Mine:
    entry = core.person(person)
    with core.database.read() as session:
        return mine_of(session, core.known_policy(), entry)


def mine_of(session: Session, policy: Policy | None, person: PersonEntry) -> Mine:
    """By the Slack account: whoever has the name of a former person sees nothing of theirs."""
    # Values in the statement itself: for one that is bound, SQLite does not use the indexes over what is unfinished.
    waits = col(Request.status) == literal(RequestStatus.PENDING, literal_execute=True)
    requests = session.exec(
        select(Request).where(waits, Request.requester_slack == person.slack).order_by(col(Request.id).desc())
    ).all()
    unfinished = select(Grant).where(
        col(Grant.due_at).is_not(None), Grant.subject_slack == person.slack, col(Grant.status).in_(OPEN)
    )
    grants = session.exec(unfinished.order_by(col(Grant.id).desc())).all()
    can = frozenset(grant.id for grant in grants if extendable(policy, grant) and is_same(person, subject_of(grant)))
    cards = ((one.id, card_place(session, one)) for one in requests)
    answers = recent_answers(session) if requests else []
    return Mine(
        requests=list(requests), grants=list(grants), extendable=can,
        asked={one.id: asked_by(session, policy, one, answers) for one in requests} if policy else {},
        cards={request: card for request, card in cards if card},
    )  # fmt: skip


def find_request(core: Core, *, text: str, by: SlackUser) -> Request:
    """One of this person's pending requests, by its id or the end of it."""
    return _one(mine(core, person=by).requests, text, "request that waits for an answer")


def find_grant(core: Core, *, text: str, by: SlackUser) -> Grant:
    """Open access by its id or the end of it: one's own, or anybody's for the security team."""
    policy = core.policy.known()
    if not is_security(policy, core.person(by, policy).name):
        return _one(mine(core, person=by).grants, text, "open access")
    with core.database.read() as session:
        return _one(_open(session), text, "open access")


def find_to_revoke(core: Core, *, text: str, by: SlackUser) -> Grant:
    """Open access by its id or the end of it, for who could revoke it. Others hear that first, whatever the id."""
    with core.refusals_recorded(by_person(by), "grant.revoke", None):
        policy = core.policy.known()
        if not is_security(policy, core.person(by, policy).name):
            raise NotSecurity
        with core.database.read() as session:
            return _one(_open(session), text, "open access")


def outstanding(database: Database) -> Sequence[Grant]:
    """Every grant that may still be on a target, the soonest to end first. Needs no policy."""
    with database.read() as session:
        return sorted(_open(session), key=lambda grant: (grant.expires_at or grant.starts_at, grant.id))


def _open(session: Session) -> Sequence[Grant]:
    return session.exec(select(Grant).where(col(Grant.status).in_(OPEN))).all()


def _one(rows: Sequence[Row], text: str, what: str) -> Row:
    wanted = text.strip().lower()
    found = [row for row in rows if wanted and row.id.endswith(wanted)]
    if not found:
        wanted = wanted if len(wanted) <= LONGEST_ID else f"{wanted[:LONGEST_ID]}…"
        known = ", ".join(f"`{row.id[-6:]}` ({row.entitlement})" for row in rows[:5])
        raise NotFound(
            f"You have no {what} called `{wanted}`. " + (f"There is {known}." if known else "There is none.")
        )
    if len(found) > 1:
        raise InvalidInput("id", f"`{wanted}` fits {len(found)} of them; write more of the id.")
    return found[0]
