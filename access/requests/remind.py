"""Approvers who have not answered are told again, and more of them are called, each step of the ladder once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, or_
from sqlmodel import Session, col, select

from access.approvers import NextStep, StageState, approvers, chain_of, people_now
from access.catalog import Policy, Reminder
from access.ids import SlackUser
from access.message_kinds import CARDS
from access.models import Grant, Message, MessageKind, Request, RequestStatus, Review
from access.people import People
from access.requests.escalation import adds, named, next_step, steps_of
from access.shared_cards import is_waiting_there, parts_of, told_as
from access.unit_of_work import URGENT, ReminderStep, UnitOfWork


@dataclass(frozen=True)
class Place:
    """Where a message stands in Slack."""

    channel: str
    ts: str


@dataclass(frozen=True, kw_only=True)
class ReminderFacts:
    """Everything that a reminder shows."""

    request: Request
    named: list[SlackUser]
    """Those of the step's group who can decide now; without any, all who can."""
    card: Place | None
    """Where it belongs; None: the card is not posted yet."""
    now: datetime
    next: NextStep | None = None
    chain: tuple[StageState, ...] = ()
    """The stages of its approval chain as they stand."""
    adds: bool = False
    """Those who are named can decide only from now on."""


def remind(work: UnitOfWork, request: Request, reminder: Reminder) -> None:
    """Sees to one step: a row of its own from the beginning, so that no restart forgets or repeats it."""
    step = ReminderStep(reminder.group, reminder.after)
    kind, subject = told_as(request, MessageKind.REMINDER)
    work.tell(kind, subject, request.channel, at=request.asked_at + reminder.after, step=step)
    post_elsewhere(work, request, reminder)


def post_elsewhere(work: UnitOfWork, request: Request, reminder: Reminder) -> None:
    """One more card, where the step says."""
    if reminder.channel is not None:
        at = request.asked_at + reminder.after
        kind, subject = told_as(request, MessageKind.ESCALATED)
        work.tell(kind, subject, reminder.channel, version=request.version, at=at, urgency=URGENT)


def remind_anew(work: UnitOfWork, request: Request, reminders: Sequence[Reminder]) -> None:
    """The rule has changed, and with it the ladder of a request that waits: what it has had of it is not repeated.

    A step that has passed only reminds; but whom it adds is called, late as it is, and its channel gets the new card.
    """
    known = {(group, after) for after, group in steps_of(work.session, MessageKind.REMINDER, request.id)}
    if request.card_id is not None:  # on the card that it shared, it has had what was due by now
        shared = steps_of(work.session, MessageKind.BATCH_REMINDER, request.card_id)
        known |= {(group, after) for after, group in shared if request.asked_at + after <= work.now}
    for one in reminders:
        is_over = request.asked_at + one.after <= work.now and not adds(request, one.group, one.after)
        if is_over or (one.group, one.after) in known:
            post_elsewhere(work, request, one)
        else:
            remind(work, request, one)


def reminder_facts(
    session: Session, policy: Policy | None, message: Message, request: Request, now: datetime
) -> ReminderFacts:
    who: tuple[SlackUser, ...] = ()
    people = people_now(session, policy) if policy else None
    if people is not None:
        who = named(people, approvers(session, people, request, now), message.step_group or "")
    return ReminderFacts(
        request=request, named=list(who), card=card_place(session, request), now=now,
        next=next_step(session, people, request, now), chain=_chain(session, people, request, now),
        adds=adds(request, message.step_group or "", timedelta(seconds=message.step_after_s or 0)),
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class BatchReminderFacts:
    """Everything that a reminder of several requests on one card shows."""

    parts: tuple[ReminderFacts, ...]
    """Those that still wait there."""
    card: Place | None
    now: datetime


def batch_reminder_facts(
    session: Session, policy: Policy | None, message: Message, now: datetime
) -> BatchReminderFacts:  # fmt: skip
    waiting = [one for one in parts_of(session, message.subject) if is_waiting_there(one, now)]
    parts = tuple(reminder_facts(session, policy, message, one, now) for one in waiting)
    return BatchReminderFacts(parts=parts, card=parts[0].card if parts else None, now=now)


def _chain(session: Session, people: People | None, request: Request, now: datetime) -> tuple[StageState, ...]:
    votes = select(Review).filter_by(request_id=request.id, version=request.version).order_by(col(Review.at))
    return chain_of(people, request, session.exec(votes).all(), now) if people else ()


def card_place(session: Session, request: Request) -> Place | None:
    """Where the card of the present version stands; of several the newest."""
    kind, subject = told_as(request, MessageKind.REVIEW)
    cards = select(Message).filter_by(kind=kind, subject=subject, version=request.version)
    card = session.exec(cards.where(col(Message.ts).is_not(None)).order_by(col(Message.id).desc())).first()
    return Place(card.channel, card.ts) if card and card.channel and card.ts else None


def place_of_access(session: Session, kind: MessageKind, extension: Request) -> Place | None:
    """Of access that was extended, where its own message of this kind stands."""
    grant = session.get(Grant, extension.extends) if extension.extends else None
    if grant is None or extension.status != RequestStatus.APPROVED:
        return None
    origin = session.get_one(Request, grant.request_id)
    if kind in CARDS:
        return _newest_card(session, origin)
    # Cards are told to channels, all else to people; of several the newest.
    alone = and_(col(Message.kind) == kind, col(Message.subject) == origin.id)
    shared = and_(col(Message.kind) == MessageKind.BATCH_ANSWER, col(Message.subject) == origin.answer_id)
    its = or_(alone, shared) if kind == MessageKind.ANSWER else alone
    mine = select(Message).filter_by(destination=extension.requester_slack)
    stands = mine.where(its, col(Message.ts).is_not(None))
    told = session.exec(stands.order_by(col(Message.version).desc(), col(Message.id).desc())).first()
    return Place(told.channel, told.ts) if told and told.channel and told.ts else None


def _newest_card(session: Session, request: Request) -> Place | None:
    """Of any version, in the channel of its approvers."""
    own = and_(col(Message.kind) == MessageKind.REVIEW, col(Message.subject) == request.id)
    shared = and_(col(Message.kind) == MessageKind.BATCH_REVIEW, col(Message.subject) == request.card_id)
    cards = select(Message).where(or_(own, shared), col(Message.ts).is_not(None))
    card = session.exec(cards.order_by(col(Message.version).desc(), col(Message.id).desc())).first()
    return Place(card.channel, card.ts) if card and card.channel and card.ts else None


def worth_reminding(request: Request, now: datetime) -> bool:
    return request.status == RequestStatus.PENDING and now < request.lapses_at
