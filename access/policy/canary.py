"""What a canary is granted, and why not: it has no reviewer, for the policy names it and nobody can ask for it."""

from datetime import datetime, timedelta
from enum import StrEnum

from access.catalog import Entitlement, Policy
from access.ids import Person, SlackChannel
from access.models import Request
from access.policy.decide import Ask, Terms
from access.policy.facts import is_unchanged

NOBODY = Person("the canary")
"""Who asks and who receives; no person of a policy can be called so, for it has a space."""
RULE = ":canary"
BEGUN = "canary.begun"
REASON = "Whether access still opens and closes is tried again and again."
LASTS = timedelta(seconds=10)
LATE = timedelta(minutes=1)
"""A run that has not opened, or is not proven gone, so long after its time has failed."""


class Went(StrEnum):
    """How a run went, or goes."""

    WELL = "well"
    FAILED = "failed"
    LATE = "late"
    RUNNING = "running"


def went(
    *, starts_at: datetime, activated_at: datetime | None, end_due_at: datetime | None, ended_at: datetime | None,
    now: datetime,
) -> Went:  # fmt: skip
    """By the columns of a run; what hangs is late, too."""
    if ended_at and not activated_at:
        return Went.FAILED
    to_open = (activated_at or now) - starts_at
    to_end = (ended_at or now) - end_due_at if end_due_at else timedelta()
    if max(to_open, to_end) > LATE:
        return Went.LATE
    return Went.WELL if ended_at else Went.RUNNING


def canary_terms(policy: Policy, entitlement: Entitlement) -> Terms | None:
    """What is granted, by the policy of now; None when that has no such canary."""
    known = policy.entitlement(entitlement)
    if known is None or policy.canary is None or entitlement not in policy.canary.entitlements:
        return None
    resource, role = known
    return Terms(
        rule=RULE, level=role.level, entitlement=entitlement, resource_title=resource.title, role_title=role.title,
        provider=resource.provider, principal=policy.canary.principal(resource), settings=resource.settings,
        definition=role.definition, all_settings=resource.all_settings, all_definition=role.all_definition,
        channel=SlackChannel(""), stages=(), longest=LASTS, duration=LASTS,
        until=None, reason=REASON, lapses_after=timedelta(), reminders=(), escalations=(),
        alert_after=policy.levels[role.level].alert_after,
    )  # fmt: skip


def canary_ask(entitlement: Entitlement, at: datetime) -> Ask:
    return Ask(
        requester=NOBODY, subject=NOBODY, entitlement=entitlement, duration=LASTS, until=None, reason=REASON, at=at
    )


def is_one(request: Request) -> bool:
    return request.rule == RULE


def objection(policy: Policy, request: Request) -> str | None:
    """Why the policy of now does not have this canary as it was begun; None when it does."""
    entitlement = Entitlement(request.resource, request.role)
    granted = canary_terms(policy, entitlement)
    if granted is None:
        return "The policy does not have this canary any more."
    ask = canary_ask(entitlement, request.asked_at)
    return None if is_unchanged(request, ask, granted) else "The role of the canary was changed."
