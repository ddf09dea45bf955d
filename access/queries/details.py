"""All that is known of one request: why it was decided so, what was asked before, how its access ends."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from access.actors import Actor
from access.approvers import people_now
from access.core import Core
from access.errors import NotFound
from access.ids import Person, RequestId, SlackChannel
from access.models import Request, Review
from access.ports import Provider
from access.queries.why import Why, decides, explained, may_see

EARLIER_MOST = 10


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """A request from before this one."""

    id: RequestId
    subject: Person
    role: str
    status: str
    asked_at: datetime
    is_extension: bool
    decided_by: tuple[Person, ...]


@dataclass(frozen=True, kw_only=True)
class Details:
    """What the window behind a card shows, beside the card itself."""

    why: Why
    own: tuple[Earlier, ...]
    """Of who would receive it, on this resource; the newest first."""
    others: tuple[Earlier, ...]
    """Of others, for the same entitlement; only for who decides on it, and for the security team."""
    own_expiry: timedelta | None
    """The grain of the end that the target itself has; None: it has none, or its provider is not known here."""


def details(core: Core, *, request_id: RequestId, by: Actor, channel: SlackChannel | None = None) -> Details:
    """`channel`: where the card stands that was pressed. Raises NotFound for who may not see why it was decided."""
    with core.refusals_recorded(by, "request.details", request_id):
        person = core.person(by)
        with core.database.read() as session:
            people = people_now(session, core.policy.last_valid())
            request = session.get(Request, request_id)
            if request is None or not may_see(session, people, person, request):
                raise NotFound
            return Details(
                why=explained(core, session, people, person, request, channel=channel), own=_own(session, request),
                others=_others(session, request) if decides(session, people, person, request) else (),
                own_expiry=_own_expiry(core.providers, request),
            )  # fmt: skip


def _own(session: Session, request: Request) -> tuple[Earlier, ...]:
    theirs = col(Request.subject) == request.subject, col(Request.subject_slack) == request.subject_slack
    return _earlier(session, request, *theirs)


def _others(session: Session, request: Request) -> tuple[Earlier, ...]:
    """A canary is no person."""
    not_theirs = col(Request.subject_slack).not_in((request.subject_slack, ""))
    return _earlier(session, request, not_theirs, col(Request.role) == request.role)


def _earlier(session: Session, request: Request, *which: ColumnElement[bool]) -> tuple[Earlier, ...]:
    before = select(Request).where(col(Request.resource) == request.resource, col(Request.asked_at) < request.asked_at)
    found = session.exec(before.where(*which).order_by(col(Request.asked_at).desc()).limit(EARLIER_MOST)).all()
    cast = select(Review).where(col(Review.request_id).in_([one.id for one in found])).order_by(col(Review.at))
    decided = defaultdict[tuple[RequestId, int], list[Person]](list)
    for vote in session.exec(cast):
        decided[vote.request_id, vote.version].append(vote.reviewer)
    return tuple(
        Earlier(
            id=one.id, subject=one.subject, role=one.role, status=one.status, asked_at=one.asked_at,
            is_extension=one.extends is not None, decided_by=tuple(dict.fromkeys(decided[one.id, one.version])),
        )
        for one in found
    )  # fmt: skip


def _own_expiry(providers: Mapping[str, type[Provider]], request: Request) -> timedelta | None:
    known = providers.get(request.provider)
    return known.capabilities.of(request.settings).native_expiry if known else None
