"""Taking access back before its end: the holder returns it, security revokes it."""

from datetime import datetime, timedelta

from access.actors import Actor
from access.catalog import PersonEntry
from access.core import Core, load_grant
from access.errors import AlreadyEnded, InvalidInput, NotUsableYet, NotYours
from access.ids import GrantId, Person
from access.lifecycle import HELD, REVOCABLE
from access.models import EndedBy, Grant, GrantStatus, MessageKind
from access.people import has_account, is_same, subject_of
from access.policy.decide import REASON_LONGEST
from access.unit_of_work import URGENT, UnitOfWork
from access.words import clean

RENAMED = (
    "The access policy has given you another name since this access was approved, so it can only be given back. "
    "Ask for it again under your new name."
)


def return_access(core: Core, *, grant_id: GrantId, by: Actor) -> Grant:
    """The holder is done early."""
    with core.refusals_recorded(by, "grant.return", grant_id):
        person = core.person(by)
        with core.work(by) as work:
            grant = load_grant(work.session, grant_id, held=True)
            if not has_account(person, subject_of(grant)):
                raise NotYours
            end(work, grant, EndedBy.RETURNED, person=person.name)
    return grant


def revoke(core: Core, *, grant_id: GrantId, by: Actor, reason: str) -> Grant:
    """Security ends somebody's access; the reason is kept."""
    with core.refusals_recorded(by, "grant.revoke", grant_id):
        person = core.security_member(by)
        words = clean(reason).text
        if not words:
            raise InvalidInput("reason", "Say why you revoke it: the holder will read it, and the log keeps it.")
        if len(words) > REASON_LONGEST:
            sentence = f"Shorten the reason: it may have {REASON_LONGEST} characters, this has {len(words):,}."
            raise InvalidInput("reason", sentence)
        with core.work(by) as work:
            grant = load_grant(work.session, grant_id, held=True)
            end(work, grant, EndedBy.REVOKED, person=person.name, reason=words)
    return grant


def may_revoke(core: Core, *, grant_id: GrantId, by: Actor) -> Grant:
    """Whether this person could revoke now, before being asked why. Raises a Refusal."""
    with core.refusals_recorded(by, "grant.revoke", grant_id):
        core.security_member(by)
        with core.database.read() as session:
            grant = load_grant(session, grant_id)
        if grant.status not in REVOCABLE:
            raise AlreadyEnded
    return grant


def reveal(core: Core, *, grant_id: GrantId, by: Actor, view: str) -> Grant:
    """The holder wants to know how to connect: a worker makes the secret and puts it into the open modal."""
    with core.refusals_recorded(by, "grant.reveal", grant_id):
        person = core.person(by)
        with core.work(by) as work:
            grant = load_grant(work.session, grant_id)
            refuse_unless_holder(grant, person)
            if grant.status != GrantStatus.ACTIVE or grant.expires_at is None or grant.expires_at <= work.now:
                raise NotUsableYet
            work.record("grant.reveal-asked", grant.id)
            work.tell(MessageKind.REVEAL, grant.id, view, urgency=URGENT)
    return grant


def refuse_unless_holder(grant: Grant, person: PersonEntry) -> None:
    """To use access, or to have more of it, name and account must be the ones it was approved for. Raises NotYours."""
    if is_same(person, subject_of(grant)):
        return
    raise NotYours(RENAMED) if has_account(person, subject_of(grant)) else NotYours()


def end(work: UnitOfWork, grant: Grant, by: EndedBy, *, person: Person | None = None, reason: str = "") -> None:
    """Sees to it that this access, whose row is held, goes away now. Raises AlreadyEnded when it is going already."""
    if grant.status == GrantStatus.SCHEDULED:
        never_started(work, grant, by, person=person, reason=reason)
    elif grant.status in HELD:
        start_removal(work, grant, by, at=work.now, person=person, reason=reason)
    else:
        raise AlreadyEnded


def never_started(
    work: UnitOfWork, grant: Grant, by: EndedBy, *, person: Person | None = None, reason: str = ""
) -> None:
    """Ends what was never given to the target."""
    work.move_grant(
        grant, GrantStatus.ENDED, action="grant.ended", details={"by": by, "person": person, "reason": reason},
        fence=grant.fence + 1, ended_by=by, ended_by_person=person, end_reason=reason, ended_at=work.now, due_at=None,
    )  # fmt: skip
    tell_of_end(work, grant)


def tell_of_end(work: UnitOfWork, grant: Grant) -> None:
    """Slack takes no new message to somebody who has left; the answer that stands there says it."""
    if grant.ended_by != EndedBy.LEFT:
        work.tell(MessageKind.ENDED, grant.id, grant.subject_slack)


def start_removal(
    work: UnitOfWork, grant: Grant, by: EndedBy, *, at: datetime, person: Person | None = None, reason: str = "",
    claimed_until: datetime | None = None, claimed_by: str | None = None,
) -> None:  # fmt: skip
    """Moves to revoking, due at once; `at` is when it should have been over. A running claim loses by the fence.

    Who passes `claimed_until` takes it away now, and holds the claim until then, by the name `claimed_by`.
    """
    work.move_grant(
        grant, GrantStatus.REVOKING, action="grant.revoking", details={"by": by, "person": person, "reason": reason},
        fence=grant.fence + 1, ended_by=by, ended_by_person=person, end_reason=reason, end_due_at=at,
        alert_at=at + timedelta(seconds=grant.alert_after_s), due_at=claimed_until or work.now,
        claimed_by=claimed_by, attempts=1 if claimed_until else 0, problem="",
    )  # fmt: skip
