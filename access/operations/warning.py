"""Who holds access is told some time before its end."""

from datetime import datetime, timedelta

from access.models import Grant, GrantStatus, NoticeKind
from access.operations.work import Work

SHORTEST_WARNED = timedelta(minutes=2)
"""Of shorter access the warning would come as it opens."""


def warn_before_end(work: Work, grant: Grant) -> None:
    """Sees to the warning of a grant that has just become active, or was just extended: each end has its own."""
    assert grant.expires_at is not None, "a deadline is written before the target is called"
    assert work.policy is not None, "nothing is granted without a policy"
    moment = warning_time(work.now, grant.expires_at, work.policy.warn_before_end)
    if moment is not None:
        version = warning_version(grant)
        work.tell(NoticeKind.WARNING, grant.request_id, grant.subject_slack, at=moment, version=version)


def warning_time(starts: datetime, ends: datetime, longest: timedelta) -> datetime | None:
    """`longest` before the end, but in the last quarter; None for access that is too short to warn of."""
    span = ends - starts
    return None if span < SHORTEST_WARNED else ends - min(longest, span / 4)


def warning_version(grant: Grant) -> int:
    """Which warning is about the end as it stands now."""
    return 1 + grant.extensions


def worth_warning(grant: Grant | None, version: int, now: datetime) -> bool:
    """Whether there still is an end to come that nobody moved."""
    if grant is None or grant.expires_at is None or version != warning_version(grant):
        return False
    return grant.status == GrantStatus.ACTIVE and now < grant.expires_at
