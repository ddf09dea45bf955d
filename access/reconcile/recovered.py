"""Access that was opened after the backup, in a life that a restored database does not remember: a row for its end."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import col, select

from access.catalog import Policy
from access.grants.claims import plan_of, spec_of
from access.ids import BatchId, GrantId, Person, RequestId, SlackChannel, SlackUser, made_at, ulid
from access.models import EndedBy, Grant, GrantStatus, Request, RequestStatus
from access.ports import Managed, Plan, Provider
from access.provider import target_of
from access.unit_of_work import UnitOfWork, grant_item

NOBODY = Person(":unknown")
"""Who asked and who received; no person can be called so."""
ROLE = ":unknown"
BECAUSE = "It was opened after the backup from which the database was restored."
CLOCKS = timedelta(minutes=1)
"""A transaction may be written so much later than its ids were made, by clocks that differ a little."""


def lost(work: UnitOfWork, listed: Sequence[Managed], since: datetime) -> set[str]:
    """The names of those that have no row at all, and whose ids were made when the rows that are missing were."""
    ids = {one.grant_id: one.name for one in listed if one.grant_id is not None}
    known = set(work.session.exec(select(Grant.id).where(col(Grant.id).in_(ids))))
    made = {identifier: made_at(identifier) for identifier in ids.keys() - known}
    return {ids[one] for one, at in made.items() if at is not None and since - CLOCKS <= at <= work.now + CLOCKS}


def recover(
    work: UnitOfWork,
    unmatched: Managed,
    *,
    resource: str,
    provider: Provider,
    settings: Mapping[str, Any],
    policy: Policy,
) -> Grant:
    """It bears the id by which the target knows it, and is on its way out. The policy must have the resource."""
    known = policy.resources[resource]
    role = min(known.roles.values(), key=lambda one: (policy.levels[one.level].alert_after, one.name))
    alert_after = policy.levels[role.level].alert_after
    same: dict[str, Any] = {
        "requester": NOBODY, "subject": NOBODY, "subject_slack": SlackUser(""), "resource": resource, "role": ROLE,
        "level": role.level, "provider": known.provider, "principal": unmatched.name, "settings": dict(settings),
        "definition": dict(role.definition), "duration_s": 0, "alert_after_s": int(alert_after.total_seconds()),
    }  # fmt: skip
    request = RequestId(ulid(work.now))
    work.session.add(
        Request(
            id=request, batch_id=BatchId(request), status=RequestStatus.CANCELLED, requester_slack=SlackUser(""),
            resource_title=known.title, role_title=ROLE, rule="", channel=SlackChannel(""), reason="", fingerprint="",
            asked_at=work.now, lapses_at=work.now, decided_at=work.now, decided_because=BECAUSE, **same,
        )
    )  # fmt: skip
    work.session.flush()
    named = target_of({known.provider: type(provider)}, known.provider, settings)
    grant = Grant(
        id=GrantId(unmatched.grant_id or ""), request_id=request, status=GrantStatus.REVOKING, ended_by=EndedBy.DRIFT,
        end_reason=BECAUSE, starts_at=work.now, start_by=work.now, expires_at=work.now, end_due_at=work.now,
        alert_at=work.now + alert_after, due_at=work.now, created_at=work.now,
        target_key=named, **same,
    )  # fmt: skip
    plan = plan_of(provider, spec_of(grant))
    if isinstance(plan, Plan):  # ending it needs none
        grant.plan = {"grant": [], "revoke": list(plan.revoke), "where": plan.where}
    work.session.add(grant)
    work.session.flush()
    work.record("grant.recovered", grant.id, resource=resource, name=unmatched.name)
    work.due.append((grant_item(grant.id), work.now))
    return grant
