"""Who holds access is told some time before its end."""

from datetime import datetime, timedelta

from access.models import Grant, GrantStatus, MessageKind
from access.unit_of_work import UnitOfWork

SHORTEST_WARNED = timedelta(minutes=2)
"""Of shorter access the warning would come as it opens."""


def warn_before_end(work: UnitOfWork, grant: Grant) -> None:
    """Sees to the warning of a grant that has just become active, or was just extended: each end has its own."""
    assert grant.expires_at is not None, "a deadline is written before the target is called"
    assert work.policy is not None, "nothing is granted without a policy"
    if _lasts(grant, grant.expires_at) < SHORTEST_WARNED:
        return
    moment = warning_time(work.now, grant.expires_at, work.policy.warn_before_end)
    work.tell(MessageKind.WARNING, grant.request_id, grant.subject_slack, at=moment, version=warning_version(grant))


def warning_time(starts: datetime, ends: datetime, longest: timedelta) -> datetime:
    """`longest` before the end, but in the last quarter."""
    return ends - min(longest, (ends - starts) / 4)


def _lasts(grant: Grant, ends: datetime) -> timedelta:
    """As it was granted: what is left of that once the target has answered is always a little less."""
    if grant.duration_s is not None and not grant.extensions:
        return timedelta(seconds=grant.duration_s)
    return ends - grant.starts_at


def warning_version(grant: Grant) -> int:
    """Which warning is about the end as it stands now."""
    return 1 + grant.extensions


def worth_warning(grant: Grant | None, version: int, now: datetime) -> bool:
    """Whether there still is an end to come that nobody moved."""
    if grant is None or grant.expires_at is None or version != warning_version(grant):
        return False
    return grant.status == GrantStatus.ACTIVE and now < grant.expires_at
