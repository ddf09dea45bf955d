"""Alerts about access that may outlive its end: as many as are due, however many that are."""

from datetime import datetime

from access import clock as host
from access.actors import system
from access.core import Core, held_grants
from access.durations import format_duration
from access.models import AlertKind, Grant, GrantStatus
from access.monitor.due import overdue_grants
from access.unit_of_work import Cause

TIMEKEEPER = system("timekeeper")
AT_A_TIME = 500
LONGEST_SECONDS = 5.0
"""Then a sweep goes on with its other work, and the next one with these: a sign of life must not wait for them."""


def alert_overdue(core: Core) -> None:
    """Page after page, each in a short transaction: nobody waits for the next sweep because many are late."""
    until = host.monotonic() + LONGEST_SECONDS
    while _alert_some(core) == AT_A_TIME and host.monotonic() < until:
        pass


def _alert_some(core: Core) -> int:
    """How many were found."""
    with core.database.read() as session:
        ids = session.exec(overdue_grants(core.clock.now()).limit(AT_A_TIME)).all()
    if not ids:
        return 0
    channel = core.security_channel()
    with core.work(TIMEKEEPER, together=True) as work:
        held = held_grants(work.session, ids)
        late = [grant for grant in held if grant.alert_at is not None and grant.alert_at <= work.now]
        causes = [Cause(grant.id, late_sentence(grant, work.now), grant.resource, grant.id) for grant in late]
        work.open_alerts(AlertKind.OVERDUE, causes, channel=channel)
        for grant in late:
            # Told and due no more: the alert stays open until the access is proven gone.
            work.set_grant(grant, alert_at=None)
    return len(ids)


def why_late(grant: Grant) -> str:
    """What is in the way of its end, as far as it is known."""
    if grant.status != GrantStatus.REVOKING:
        return "No worker has begun to end it."
    return grant.problem or "The target has not confirmed yet that it is gone."


def late_sentence(grant: Grant, now: datetime) -> str:
    over = grant.end_due_at or grant.expires_at
    assert over is not None, "what never began cannot outlive its end"
    late = format_duration(now - over)
    return f"{why_late(grant)} So {grant.subject}'s {grant.entitlement} is {late} past its end and may still be there."
