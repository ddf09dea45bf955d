"""Access that is open is to last longer: a new request by the same rule, which moves the end of the same grant."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from access.actors import Actor, system
from access.approvers import people_now
from access.catalog import Entitlement, Policy
from access.core import Core, load_grant
from access.errors import Conflict, InvalidInput, NotAllowed, NothingToExtend, NotYours
from access.grants.admission import refuse_while_closed
from access.grants.expiry_warning import warn_before_end
from access.grants.integrity import ends_too_late
from access.grants.revoke import refuse_unless_holder
from access.ids import GrantId, Person, RequestId
from access.lifecycle import OPENING
from access.models import Grant, GrantStatus, MessageKind, Request, RequestStatus
from access.people import subject_of
from access.policy.decide import REASON_LONGEST, Ask
from access.policy.targets import mean_the_same
from access.ports import Provider
from access.requests.already import already_asked
from access.requests.pending import refuse_too_many
from access.requests.submit import Parties, Preview, decide_all, decide_now, post, preview
from access.unit_of_work import UnitOfWork

EXTENDED = "grant.extended"
OVER = "The access ended before an approver answered. It can be asked for again."
"""Why a request to extend is cancelled."""


@dataclass(frozen=True, kw_only=True)
class Extendable:
    """What it would mean to extend this access, before it is asked."""

    grant: Grant
    latest: datetime
    """The end may not lie after this."""
    terms: Preview


def extendable(policy: Policy | None, grant: Grant | None) -> bool:
    """Whether it is worth offering: open, and not yet extended as often as the policy of now allows."""
    if policy is None or grant is None:
        return False
    return grant.status == GrantStatus.ACTIVE and grant.extensions < policy.extensions


def may_extend(core: Core, *, grant_id: GrantId, by: Actor) -> Extendable:
    """The terms of an extension, now. Raises a Refusal when there can be none."""
    with core.refusals_recorded(by, "request.extend", grant_id):
        policy = core.policy.current()
        person = core.person(by, policy)
        with core.database.read() as session:
            grant = load_grant(session, grant_id)
        now = core.clock.now()
        refuse_unless_holder(grant, person)
        ends = _refuse_unless_open(grant, now)
        _refuse_where_the_target_cannot(core.providers, grant)
        terms = preview(core, requester=by, entitlement=grant.entitlement, lapses_at=ends)
        latest = now + terms.longest
        # With a reason that suits every level: what is refused now is refused whatever is typed.
        decide_now(core, policy, _ask(grant, person.name, until=latest, reason="x" * REASON_LONGEST, at=now))
    return Extendable(grant=grant, latest=latest, terms=terms)


def extend(
    core: Core, *, grant_id: GrantId, by: Actor, duration: timedelta | None, until: datetime | None, reason: str,
    unread: InvalidInput | None = None,
) -> Request:  # fmt: skip
    """Asks for a later end: `duration` more than it has, or `until`. Raises a Refusal with the fields to mend.

    `unread`: why neither could be read, told with all else that is wrong.
    """
    with core.refusals_recorded(by, "request.extend", grant_id):
        policy = core.policy.current()
        person = core.person(by, policy)
        with core.work(by) as work:
            refuse_too_many(work, person)
            refuse_while_closed(work.session)
            grant = load_grant(work.session, grant_id, held=True)
            refuse_unless_holder(grant, person)
            ends = _refuse_unless_open(grant, work.now)
            _refuse_unless_decided(work, grant)
            _refuse_where_the_target_cannot(core.providers, grant)
            wanted = until or ends + (duration or timedelta(0))
            ask = _ask(grant, person.name, until=wanted, reason=reason, at=work.now, open_until=ends)
            people = people_now(work.session, policy)
            decision = decide_all(policy, people, ask, unread)
            _refuse_unless_same(core.providers, grant, decision.terms.settings, decision.terms.definition)
            if _pending(work, grant):
                raise already_asked(ask)
            parties = Parties(person, person)
            return post(work, ask, decision, parties, core.providers, people=people, source="extension")


def extended_before(work: UnitOfWork, request: Request) -> int:
    """How often what this request would extend was extended before."""
    return load_grant(work.session, request.extends).extensions if request.extends else 0


def move_end(core: Core, work: UnitOfWork, request: Request) -> None:
    """What was approved: the open grant ends later. Raises NothingToExtend when it is over; nothing opens again."""
    assert request.extends is not None, "only an extension moves an end"
    assert request.until is not None, "an extension has an end"
    grant = load_grant(work.session, request.extends, held=True)
    if subject_of(grant) != subject_of(request):
        raise NotYours
    ends = _refuse_unless_open(grant, work.now)
    _refuse_unless_decided(work, grant, besides=request.id)
    _refuse_unless_same(core.providers, grant, request.settings, request.definition)
    assert request.until > ends, "one extension at a time is pending, and it was asked for a later end"
    behind = _has_native_expiry(core.providers, grant)
    work.set_grant(
        grant, fence=grant.fence + 1, extensions=grant.extensions + 1, expires_at=request.until,
        end_due_at=request.until, alert_at=request.until + timedelta(seconds=grant.alert_after_s), attempts=0,
        problem="", target_expiry_stale_since=work.now if behind else None,
        due_at=work.now if behind else request.until,
    )  # fmt: skip
    work.record(EXTENDED, grant.id, request=request.id, expired_at=ends, expires_at=request.until)
    work.changed(grant.request_id)
    work.home_changed(grant.subject_slack)
    warn_before_end(work, grant)


def for_what_is_over() -> SelectOfScalar[str]:
    """The requests to extend what has ended since."""
    waiting = (
        select(Request.id).join(Grant, col(Grant.id) == col(Request.extends))
        .where(
            col(Request.extends).is_not(None), col(Request.status) == RequestStatus.PENDING,
            col(Grant.status) != GrantStatus.ACTIVE,
        )
    )  # fmt: skip
    # By what the index is of: by the id, SQLite would read all requests there ever were.
    return waiting.order_by(col(Request.extends))


def cancel_what_is_over(core: Core) -> None:
    """Takes back, for the sweep, what was to extend access that has ended since."""
    with core.database.read() as session:
        over = sorted(session.exec(for_what_is_over().limit(500)))
    if not over:
        return
    with core.work(system("timekeeper")) as work:
        for request_id in over:
            request = work.session.get_one(Request, request_id)
            if request.status == RequestStatus.PENDING and work.move_request(
                request, RequestStatus.CANCELLED, action="request.cancelled", details={"because": OVER}, because=OVER
            ):
                work.tell(MessageKind.ANSWER, request.id, request.requester_slack)


def _ask(
    grant: Grant, person: Person, *, until: datetime, reason: str, at: datetime, open_until: datetime | None = None
) -> Ask:  # fmt: skip
    return Ask(
        requester=person, subject=grant.subject, entitlement=Entitlement(grant.resource, grant.role), duration=None,
        until=until, reason=reason, at=at, extends=grant.id, extended=grant.extensions,
        open_until=open_until,
    )  # fmt: skip


def _refuse_unless_open(grant: Grant, now: datetime) -> datetime:
    """Its present end."""
    if grant.status in OPENING:
        raise Conflict("This access has not begun yet. Once it is open it can be extended.")
    if grant.status != GrantStatus.ACTIVE or grant.expires_at is None or grant.expires_at <= now:
        raise NothingToExtend
    return grant.expires_at


def _refuse_unless_decided(work: UnitOfWork, grant: Grant, *, besides: RequestId | None = None) -> None:
    """What somebody changed in the database is not built upon; the roster sets it right."""
    if ends_too_late(work.session, grant, besides=besides):
        raise Conflict("The end of this access was changed in the database. The security team is told; it is ending.")


def _refuse_unless_same(
    providers: Mapping[str, type[Provider]], grant: Grant, settings: Mapping[str, Any], definition: Mapping[str, Any]
) -> None:  # fmt: skip
    """What stands on the target is what was granted then; more of it must be what would be granted now."""
    known = providers.get(grant.provider)
    same = known is not None and mean_the_same(known.Settings, grant.settings, settings)
    if not (known and same and mean_the_same(known.Role, grant.definition, definition)):
        raise Conflict("The role was changed since this access was opened. When it has ended you can ask for it again.")


def _refuse_where_the_target_cannot(providers: Mapping[str, type[Provider]], grant: Grant) -> None:
    known = providers.get(grant.provider)
    can = known and known.capabilities.of(grant.settings)
    if can is None or (can.native_expiry is not None and not can.extend):
        raise NotAllowed(
            "The target ends this access by itself and can't be told of a later end. "
            "When it has ended you can ask for it again."
        )


def _has_native_expiry(providers: Mapping[str, type[Provider]], grant: Grant) -> bool:
    known = providers.get(grant.provider)
    return known is None or known.capabilities.of(grant.settings).native_expiry is not None


def _pending(work: UnitOfWork, grant: Grant) -> bool:
    same = {"subject": grant.subject, "resource": grant.resource, "role": grant.role}
    pending = select(Request.id).filter_by(status=RequestStatus.PENDING, **same)
    return work.session.exec(pending).first() is not None
