"""What messages show, as the rows are now: everything that the words need, and no words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from access.alerts.groups import AlertGroup, group_facts
from access.alerts.undelivered import NeverAsked, Undelivered, never_asked, undelivered_facts
from access.answer_times import recent_answers
from access.approvers import NextStep, StageState, approvers, asked_by, chain_of, people_now
from access.catalog import Entitlement, Policy
from access.core import Core, load_grant, load_request
from access.grants.removed_by_hand import ByHand, said_by_hand
from access.grants.role_rights import RightsNote, note_about, rights_of
from access.ids import AlertId, GrantId, Person, RequestId, SlackUser
from access.message_kinds import Shows, traits_of
from access.messages.digest.make import DigestFacts, digest_facts
from access.messages.home import HomeFacts, home_facts
from access.models import (
    Alert,
    AlertVariant,
    EntitlementRights,
    Grant,
    Message,
    MessageKind,
    Request,
    RequestStatus,
    RequestVersion,
    Review,
    Verdict,
)
from access.reconcile.standing_accept import Standing, standing_facts
from access.requests.claim import claimant
from access.requests.escalation import next_step
from access.requests.extend import extendable
from access.requests.remind import (
    BatchReminderFacts,
    Place,
    ReminderFacts,
    batch_reminder_facts,
    place_of_access,
    reminder_facts,
)
from access.requests.unanswerable import why_unanswerable
from access.requests.versions import successor
from access.shared_cards import is_on_shared_card, parts_of, told_together

HISTORY = 3
OTHERS_MOST = 99
"""So many requests of others are counted: more of them say no more."""


@dataclass(frozen=True, kw_only=True)
class Past:
    """An earlier request of the same person for the same resource."""

    role: str
    status: str
    asked_at: datetime


@dataclass(frozen=True, kw_only=True)
class Others:
    """What other people asked for on the same resource."""

    times: int
    last_approved_by: Person | None


@dataclass(frozen=True, kw_only=True)
class CardFacts:
    """Everything that messages about a request show."""

    request: Request
    reviews: list[Review]
    grant: Grant | None
    """What came of it; None for an extension, which moves the end of another's."""
    history: list[Past]
    """Of the one who would receive it, on this resource."""
    approvers: list[SlackUser]
    """Who can decide it now."""
    now: datetime
    version: int
    """Which version of the request this message was posted for; of warnings, which end."""
    extends: Grant | None = None
    """What an extension is about."""
    extendable: bool = False
    """Whether `grant` can be extended."""
    rights: RightsNote | None = None
    """What must be known of what the role allows."""
    description: str = ""
    """What the role allows, as the policy of now says it in plain words."""
    chain: tuple[StageState, ...] = ()
    """The stages of its approval chain as they stand; none where the policy cannot be used."""
    usually: timedelta | None = None
    """How long an answer usually takes, for who asks."""
    next: NextStep | None = None
    """Who is reminded next; None once there is an answer."""
    others: Others | None = None
    """None: no other person has asked, or the request is decided."""
    access: Place | None = None
    """Of an extension that was approved, where this kind of message about the access itself stands."""
    reader: SlackUser | None = None
    """Whom this message is told to; None: who asked."""
    unanswerable: str = ""
    """Why no one can approve it any more; a sentence."""
    never_asked: NeverAsked | None = None
    """The card could not be posted, so no approver has been asked."""
    claimant: SlackUser | None = None
    """Of those who can decide it now, who said last of being at it."""
    beside: tuple[Request, ...] = ()
    """The others on the card that asks for it."""
    successor: RequestVersion | None = None
    """What voided the version that this was posted for; None where the rule had changed, or it is the present one."""

    @property
    def is_the_holders(self) -> bool:
        """Whether it is told to who receives: only that person can use the access, extend it and give it back."""
        return (self.reader or self.request.requester_slack) == self.request.subject_slack


@dataclass(frozen=True, kw_only=True)
class AlertFacts:
    """Everything that an alert shows."""

    alert: Alert
    grant: Grant | None
    now: datetime
    by_hand: ByHand | None = None
    """Who said last that the access was removed by hand."""
    group: AlertGroup | None = None
    """What it tells of where it stands for many."""
    rights: EntitlementRights | None = None
    """What the role that it is about allows now."""
    standing: Standing | None = None
    """Whom it tells of where it is about standing access."""
    undelivered: Undelivered | None = None
    """What does not arrive, where it is about that."""


@dataclass(frozen=True, kw_only=True)
class BatchFacts:
    """Everything that a card shows on which several requests are."""

    parts: tuple[CardFacts, ...]
    """In their order, also those that are decided, or go on with a card of their own."""
    now: datetime


Facts = CardFacts | BatchFacts | AlertFacts | ReminderFacts | BatchReminderFacts | HomeFacts | DigestFacts


def card_of(core: Core, request_id: RequestId) -> CardFacts:
    """The facts of a request's messages, now."""
    with core.database.read() as session:
        request = load_request(session, request_id)
        grant, policy = newest_grant(session, request.id), core.known_policy()
        facts = _card_facts(session, policy, request, grant, version=request.version, now=core.clock.now())
        if policy is None:
            return facts
        return replace(
            facts,
            usually=asked_by(
                session, people_now(session, policy), request, recent_answers(session), core.clock.now()
            ).usually,
        )


def facts_of(session: Session, policy: Policy | None, message: Message, now: datetime) -> Facts:
    # The claim read `wanted` before these facts: what changed in between has grown it, and the message comes again.
    return _FACTS[traits_of(message.kind).shows](session, policy, message, now)


def _of_request(session: Session, policy: Policy | None, message: Message, now: datetime) -> CardFacts:
    request = load_request(session, RequestId(message.subject))
    return _of_card(session, policy, message, (request, newest_grant(session, request.id)), now)


def _of_batch(session: Session, policy: Policy | None, message: Message, now: datetime) -> BatchFacts:
    parts = tuple(
        _card_facts(session, policy, one, newest_grant(session, one.id), version=message.version, now=now)
        for one in parts_of(session, message.subject)
    )
    return BatchFacts(parts=parts, now=now)


def _of_batch_answer(session: Session, policy: Policy | None, message: Message, now: datetime) -> BatchFacts:
    parts = (
        _card_facts(session, policy, one, newest_grant(session, one.id), version=one.version, now=now)
        for one in told_together(session, message.subject)
    )
    return BatchFacts(parts=tuple(replace(one, reader=SlackUser(message.destination)) for one in parts), now=now)


def _of_grant(session: Session, policy: Policy | None, message: Message, now: datetime) -> CardFacts:
    grant = load_grant(session, GrantId(message.subject))
    return _of_card(session, policy, message, (load_request(session, grant.request_id), grant), now)


def _of_card(
    session: Session, policy: Policy | None, message: Message, about: tuple[Request, Grant | None], now: datetime
) -> CardFacts:
    request, grant = about
    facts = _card_facts(session, policy, request, grant, version=message.version, now=now)
    access = place_of_access(session, MessageKind(message.kind), request)
    return replace(facts, access=access, reader=SlackUser(message.destination))


def _of_reminder(session: Session, policy: Policy | None, message: Message, now: datetime) -> ReminderFacts:
    return reminder_facts(session, policy, message, load_request(session, RequestId(message.subject)), now)


def _of_batch_reminder(
    session: Session, policy: Policy | None, message: Message, now: datetime
) -> BatchReminderFacts:  # fmt: skip
    return batch_reminder_facts(session, policy, message, now)


def _of_alert(session: Session, _policy: Policy | None, message: Message, now: datetime) -> AlertFacts:
    return _alert_facts(session, session.get_one(Alert, AlertId(message.subject)), now)


def _of_home(session: Session, policy: Policy | None, message: Message, now: datetime) -> HomeFacts:
    return home_facts(session, policy, SlackUser(message.subject), now)


def _of_digest(session: Session, _policy: Policy | None, message: Message, _now: datetime) -> DigestFacts:
    return digest_facts(session, message)


_FACTS: Mapping[Shows, Callable[[Session, Policy | None, Message, datetime], Facts]] = {
    Shows.REQUEST: _of_request, Shows.GRANT: _of_grant, Shows.REMINDER: _of_reminder, Shows.ALERT: _of_alert,
    Shows.HOME: _of_home, Shows.DIGEST: _of_digest, Shows.BATCH: _of_batch, Shows.BATCH_REMINDER: _of_batch_reminder,
    Shows.BATCH_ANSWER: _of_batch_answer,
}  # fmt: skip


def _alert_facts(session: Session, alert: Alert, now: datetime) -> AlertFacts:
    # Of a changed record the sentence alone is shown: the row may say anything.
    changed = alert.variant == AlertVariant.CHANGED
    grant = None if alert.grant_id is None or changed else session.get(Grant, alert.grant_id)
    by_hand = said_by_hand(grant) if grant else None
    rights = rights_of(session, alert)
    return AlertFacts(
        alert=alert, grant=grant, now=now, by_hand=by_hand, group=group_facts(session, alert), rights=rights,
        standing=standing_facts(session, alert), undelivered=undelivered_facts(session, alert),
    )  # fmt: skip


def newest_grant(session: Session, request: RequestId) -> Grant | None:
    """Access that was found again after its end is what stands there now."""
    return session.exec(select(Grant).filter_by(request_id=request).order_by(col(Grant.created_at).desc())).first()


def _card_facts(
    session: Session, policy: Policy | None, request: Request, grant: Grant | None, *, version: int, now: datetime
) -> CardFacts:
    reviews = session.exec(
        select(Review).filter_by(request_id=request.id, version=request.version).order_by(col(Review.at))
    ).all()
    earlier = session.exec(
        select(Request)
        .filter_by(subject=request.subject, subject_slack=request.subject_slack, resource=request.resource)
        .where(col(Request.asked_at) < request.asked_at)
        .order_by(col(Request.asked_at).desc())
        .limit(HISTORY)
    ).all()
    people = people_now(session, policy) if policy else None
    can = [*people.accounts(approvers(session, people, request, now))] if people else []
    looks = claimant(request, now)
    return CardFacts(
        request=request, reviews=list(reviews), grant=grant, now=now, version=version,
        history=[Past(role=one.role, status=one.status, asked_at=one.asked_at) for one in earlier],
        extends=session.get(Grant, request.extends) if request.extends else None,
        extendable=extendable(policy, grant), rights=note_about(session, request.resource, request.role),
        unanswerable=why_unanswerable(session, people, request, now) if people else "",
        never_asked=never_asked(session, request), next=next_step(session, people, request, now),
        approvers=can, claimant=looks if looks in can else None,
        chain=chain_of(people, request, reviews, now) if people else (), description=_description(policy, request),
        others=_others(session, request) if request.status == RequestStatus.PENDING else None,
        successor=successor(session, request, version), beside=_beside(session, request),
    )  # fmt: skip


def _beside(session: Session, request: Request) -> tuple[Request, ...]:
    if request.card_id is None or not is_on_shared_card(request):
        return ()
    return tuple(one for one in parts_of(session, request.card_id) if one.id != request.id)


def _description(policy: Policy | None, request: Request) -> str:
    """Of now, for it is no fact of the request: what a changed role allows is asked anew (review.py)."""
    known = policy.entitlement(Entitlement(request.resource, request.role)) if policy else None
    return known[1].description if known else ""


def _others(session: Session, request: Request) -> Others | None:
    """By the Slack account; a request for more time of theirs is not one more, and a canary is no person."""
    theirs = (
        Request.resource == request.resource, col(Request.subject_slack).not_in((request.subject_slack, "")),
        col(Request.extends).is_(None), col(Request.asked_at) < request.asked_at,
    )  # fmt: skip
    times = len(session.exec(select(Request.id).where(*theirs).limit(OTHERS_MOST + 1)).all())
    if not times:
        return None
    reviews = select(Review).join(Request, col(Request.id) == col(Review.request_id))
    approved = reviews.where(*theirs, Review.verdict == Verdict.APPROVE).order_by(col(Review.at).desc())
    last = session.exec(approved.limit(1)).first()
    return Others(times=times, last_approved_by=last.reviewer if last else None)
