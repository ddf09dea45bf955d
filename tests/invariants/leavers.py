"""Who has left, and by when that must have been found."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from access.models import EndedBy, Grant, GrantStatus, Request, RequestStatus
from tests.fakes import NOON

OPEN = (GrantStatus.SCHEDULED, GrantStatus.ACTIVATING, GrantStatus.ACTIVE)
WITHIN = timedelta(minutes=5)
GRAIN = timedelta(minutes=1)
"""Whoever looks less often than this does not keep time. Both the roster and the look may be late by it."""


@dataclass
class Leavers:
    """By person; who has left both the policy and Slack has left once."""

    since: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """Who has left what, and when."""
    ever: set[str] = field(default_factory=set)
    looked_at: datetime = NOON
    watched_since: datetime = NOON
    """Since then somebody has looked at least once a minute, and could read both the policy and Slack."""

    def leaves_or_returns(self, who: str, what: str, now: datetime) -> bool:
        """True: has left."""
        if self.since.pop((who, what), None) is not None:
            return False
        self.since[who, what] = now
        self.ever.add(who)
        return True

    def looked_for(self, now: datetime, *, in_vain: bool) -> None:
        if in_vain or now > self.looked_at + GRAIN:
            self.watched_since = now
        self.looked_at = now

    def wrongs(self, grants: Iterable[Grant], requests: Iterable[Request], *, kept: bool) -> Iterator[str]:
        """G12: who has left has nothing open after five minutes, and waits for nothing; nobody else is taken for one.

        `kept`: somebody has looked just now.
        """
        for grant in grants:
            if kept and grant.status in OPEN and self._must_be_gone(grant.created_at, grant.subject):
                yield f"G12: {grant.subject} has left, and {grant.id} is {grant.status}"
            if grant.ended_by == EndedBy.LEFT and grant.subject not in self.ever:
                yield f"G12: {grant.id} ended because {grant.subject} had left, who is here"
        pending = [one for one in requests if one.status == RequestStatus.PENDING]
        for request in pending:
            if kept and self._must_be_gone(request.asked_at, request.requester, request.subject):
                yield f"G12: {request.requester} has left, and {request.id} is pending"

    def _must_be_gone(self, made_at: datetime, *people: str) -> bool:
        """Whether what was made then, and is one of these people's, can be there no more."""
        lefts = [at for (who, _), at in self.since.items() if who in people]
        latest = WITHIN + 2 * GRAIN
        return bool(lefts) and self.looked_at > max(min(lefts), made_at, self.watched_since) + latest
