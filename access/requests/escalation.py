"""Who is reminded or asked next while a request has no answer: the steps of the rule as it was when it was asked."""

from datetime import datetime, timedelta

from sqlmodel import Session, select

from access.approvers import NextStep, votes_on
from access.catalog import Escalation, Rule
from access.ids import Person, RequestId, SlackUser
from access.models import Message, MessageKind, Request, RequestStatus
from access.people import People
from access.policy.chain import Waiting
from access.policy.chain_now import Chain
from access.policy.escalation import added_by, escalations_of
from access.shared_cards import told_as


def named(people: People, can: frozenset[Person], group: str) -> tuple[SlackUser, ...]:
    """Those of the step's group who can decide now; without any, all who can."""
    return people.accounts(can & people.members([group]) or can)


def first_step(people: People, rule: Rule, chain: Chain, can: frozenset[Person]) -> NextStep | None:
    """Of a request that this rule would ask. `can`: who could decide it first."""
    if not rule.reminders:
        return None
    step = rule.reminders[0]
    added = _added(people, chain, can, step.group) if added_by([step], chain.stages) else ()
    who = added or named(people, can, step.group)
    return NextStep(after=step.after, at=None, named=who, adds=bool(added)) if who else None


def adds(request: Request, group: str, after: timedelta) -> bool:
    """Whether this step lets more people decide."""
    return Escalation(after=after, group=group) in escalations_of(request.chain)


def _added(people: People, chain: Chain, can: frozenset[Person], group: str) -> tuple[SlackUser, ...]:
    """Whom a step lets decide who could not before."""
    voted = {vote.by.name for vote in chain.votes}
    return people.accounts(people.approvers([group], barred=chain.barred) - can - voted)


def steps_of(session: Session, kind: MessageKind, subject: RequestId) -> list[tuple[timedelta, str]]:
    """When after it was asked, and whom, by the reminders that there are."""
    rows = select(Message.step_group, Message.step_after_s).filter_by(kind=kind, subject=subject)
    return [
        (timedelta(seconds=after), group)
        for group, after in session.exec(rows)
        if group is not None and after is not None
    ]


def _its_steps(session: Session, request: Request) -> list[tuple[timedelta, str]]:
    kind, subject = told_as(request, MessageKind.REMINDER)
    return steps_of(session, kind, subject)


def next_step(session: Session, people: People | None, request: Request, now: datetime) -> NextStep | None:
    """None: no step is left before it is decided or lapses, or no approver is."""
    if people is None or request.status != RequestStatus.PENDING:
        return None
    steps = sorted((request.asked_at + after, group) for after, group in _its_steps(session, request))
    left = ((at, group) for at, group in steps if now < at < request.lapses_at)
    at, group = next(left, (None, ""))
    if at is None:
        return None
    after, chain = at - request.asked_at, Chain.of(people, request, votes_on(session, request), now)
    waits = chain.state()
    can = waits.people if isinstance(waits, Waiting) else frozenset[Person]()
    added = _added(people, chain, can, group) if adds(request, group, after) else ()
    who = added or named(people, can, group)
    return NextStep(after=after, at=at, named=who, adds=bool(added)) if who else None
