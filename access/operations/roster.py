"""The roster: every half minute, who has left the policy, and who and what must be looked at from now on."""

from datetime import timedelta

from sqlmodel import Session, col, select

from access.ids import LookId, ulid
from access.models import Grant, GrantStatus, Look, LookKind
from access.operations import drift, leave
from access.operations.core import Core
from access.operations.look import keep_looks
from access.store import compare_and_set, insert_unless_there

EVERY = timedelta(seconds=30)
EVERYBODY = "everybody"
_ON_THE_TARGET = (GrantStatus.ACTIVATING, GrantStatus.ACTIVE, GrantStatus.REVOKING)


def call_the_roster(core: Core) -> None:
    """When it is due; of several timekeepers one does it."""
    with core.database.read() as session:
        known = session.exec(select(Look).filter_by(kind=LookKind.ROSTER, subject=EVERYBODY)).first()
    if known is not None and known.due_at > core.clock.now():
        return
    with core.work("system:timekeeper") as work:
        row = known or Look(id=LookId(ulid(work.now)), kind=LookKind.ROSTER, subject=EVERYBODY, due_at=work.now)
        if known is None:
            insert_unless_there(work.session, row)
        values = {"fence": row.fence + 1, "due_at": work.now + EVERY, "looked_at": work.now}
        if not compare_and_set(work.session, Look, row.id, expected={"fence": row.fence}, values=values):
            return
        members = leave.members_with_something_open(work.session)
        keep_looks(work, LookKind.MEMBER, dict.fromkeys(members, leave.EVERY))
        keep_looks(work, LookKind.DRIFT, dict.fromkeys(resources_to_compare(core, work.session), drift.EVERY))
    leave.end_for_strangers(core)


def resources_to_compare(core: Core, session: Session) -> set[str]:
    """Those whose provider can list what is ours: of the policy, and of what is open whatever the policy says now."""
    on_targets = select(Grant.resource, Grant.provider).where(col(Grant.status).in_(_ON_THE_TARGET)).distinct()
    resources = set(session.exec(on_targets))
    policy = core.known_policy()  # without one, what is open is looked at all the same
    if policy is not None:
        resources |= {(one.id, one.provider) for one in policy.resources.values()}
    return {resource for resource, provider in resources if drift.can_list(core, provider)}
