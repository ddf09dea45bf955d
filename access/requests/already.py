"""What is open or asked for already is not asked for once more: in words for who asks, for himself or for another."""

from sqlmodel import col, select

from access.catalog import PersonEntry
from access.errors import AlreadyHeld, AlreadyOpen
from access.lifecycle import FINISHED
from access.models import Grant, GrantStatus, Request, RequestStatus
from access.people import is_same, subject_of
from access.policy.decide import Ask
from access.unit_of_work import UnitOfWork
from access.words import clean


def refuse_what_is_open(work: UnitOfWork, ask: Ask, receiver: PersonEntry) -> None:
    """Raises AlreadyOpen; AlreadyHeld where it is what who asks holds, so that it can be extended."""
    same = {"subject": ask.subject, "resource": ask.entitlement.resource, "role": ask.entitlement.role}
    pending = work.session.exec(select(Request).filter_by(status=RequestStatus.PENDING, **same)).first()
    if pending is not None:
        raise already_asked(ask) if is_same(receiver, subject_of(pending)) else _of_another(ask)
    grant = work.session.exec(select(Grant).filter_by(**same).where(col(Grant.status).not_in(FINISHED))).first()
    if grant is not None:
        raise _already_open(grant, ask) if is_same(receiver, subject_of(grant)) else _of_another(ask)


def already_asked(ask: Ask) -> AlreadyOpen:
    if ask.extends is not None:
        return AlreadyOpen("You have already asked for an extension; it waits for an answer.")
    if is_for_another(ask):
        return AlreadyOpen(f"{ask.entitlement} for {ask.subject} is already asked for and waits for an answer.")
    return AlreadyOpen(f"You have already asked for {ask.entitlement}; it waits for an answer.")


def is_for_another(ask: Ask) -> bool:
    """By the names that one policy gave a moment ago."""
    return ask.requester != ask.subject


def _of_another(ask: Ask) -> AlreadyOpen:
    """Who had this name before; it ends within the minute (offboarding.py)."""
    whose = f"{ask.subject}'s name" if is_for_another(ask) else "your name"
    return AlreadyOpen(
        f"{ask.entitlement} is still open or asked for by another Slack account, to which the access policy gave "
        f"{whose} before. It is being ended; ask again in a minute."
    )


def _already_open(grant: Grant, ask: Ask) -> AlreadyOpen:
    whose = f"{ask.subject}'s" if is_for_another(ask) else "Your"
    match GrantStatus(grant.status):
        case GrantStatus.ACTIVE if is_for_another(ask):
            # Only its holder can extend it.
            return AlreadyOpen(f"{whose} access to {grant.entitlement} is open already; {ask.subject} can extend it.")
        case GrantStatus.ACTIVE:
            return AlreadyHeld(grant.id, grant.entitlement, duration=ask.duration, reason=clean(ask.reason).text)
        case GrantStatus.REVOKING:
            return AlreadyOpen(
                f"{whose} access to {grant.entitlement} is just being ended; ask again when that is done."
            )
        case _ if is_for_another(ask):
            return AlreadyOpen(f"{whose} access to {grant.entitlement} is approved and about to open.")
        case _:
            return AlreadyOpen(f"Your access to {grant.entitlement} is approved and about to open; see /access mine.")
