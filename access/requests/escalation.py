"""Who is reminded next while a request has no answer: the steps of the rule as it was when it was asked."""

from datetime import datetime, timedelta

from sqlmodel import Session, select

from access.approvers import NextStep, approvers
from access.catalog import Rule
from access.ids import Person, SlackUser
from access.models import Message, MessageKind, Request, RequestStatus
from access.people import People


def named(people: People, can: frozenset[Person], group: str) -> tuple[SlackUser, ...]:
    """Those of the step's group who can decide now; without any, all who can."""
    return people.accounts(can & people.members([group]) or can)


def first_step(people: People, rule: Rule, can: frozenset[Person]) -> NextStep | None:
    """Of a request that this rule would ask. `can`: who could decide it first."""
    if not rule.reminders:
        return None
    step = rule.reminders[0]
    return NextStep(after=step.after, at=None, named=named(people, can, step.group))


def next_step(session: Session, people: People | None, request: Request, now: datetime) -> NextStep | None:
    """None: no step is left before it is decided or lapses, or no approver is."""
    if people is None or request.status != RequestStatus.PENDING:
        return None
    rows = select(Message.step_group, Message.step_after_s).filter_by(kind=MessageKind.REMINDER, subject=request.id)
    steps = sorted(
        (request.asked_at + timedelta(seconds=after), group)
        for group, after in session.exec(rows)
        if group is not None and after is not None
    )
    left = ((at, group) for at, group in steps if now < at < request.lapses_at)
    at, group = next(left, (None, ""))
    if at is None:
        return None
    who = named(people, approvers(session, people, request), group)
    return NextStep(after=at - request.asked_at, at=at, named=who) if who else None
