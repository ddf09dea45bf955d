"""What the rows say for a digest: the events of its span, what stands open, and what a person must look at."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from access.actors import by_slack
from access.alert_rows import TELLS_OF_MANY
from access.audit_words import read_event
from access.catalog import Policy
from access.core import POLICY_LOADED
from access.grants.role_rights import ACCEPTED as RIGHTS_ACCEPTED
from access.grants.role_rights import CHANGED as RIGHTS_CHANGED
from access.grants.start import objection
from access.ids import SlackUser
from access.lifecycle import UNFINISHED
from access.messages.digest.access import accesses, places
from access.messages.digest.content import (
    CanaryRuns,
    ClosedAlert,
    Listed,
    OpenAlert,
    PolicyLoad,
    Refusals,
    RightsChange,
)
from access.models import (
    Alert,
    AuditEvent,
    EndedBy,
    Grant,
    GrantStatus,
    MessageKind,
    Request,
)
from access.people import People
from access.policy.canary import BEGUN, NOBODY, Went, went
from access.requests.extend import EXTENDED

MOST = 100
"""Lines of one kind; how many more there are is counted."""
GRACE = timedelta(minutes=1)
"""An end that is being worked on is not yet late."""
_ENDS = {"ended_before": "expired_at", "ends": "expires_at"}
"""Of a line, by what the event calls them."""


@dataclass(frozen=True)
class Span:
    """The events after `after`, up to and with `to`."""

    after: int
    to: int


class Happened:
    """The events of a span, with the grants and requests they are about."""

    def __init__(self, session: Session, span: Span) -> None:
        self._session = session
        self._of_span = (col(AuditEvent.seq) > span.after, col(AuditEvent.seq) <= span.to)

    def grants(self, *kinds: sa.ColumnElement[bool]) -> tuple[Listed, ...]:
        """A list for each kind, in the order in which it happened. All are counted at one look at the span."""
        counts = [sa.func.count().filter(kind) for kind in kinds]
        counted = sa.select(*counts).select_from(AuditEvent).join(Grant, _GRANT_OF_EVENT)
        totals = self._session.connection().execute(counted.where(*self._of_span, sa.or_(*kinds))).one()
        return tuple(self._listed(kind, total) for kind, total in zip(kinds, totals, strict=True))

    def _listed(self, kind: sa.ColumnElement[bool], total: int) -> Listed:
        if not total:
            return Listed()
        first = (
            sa.select(col(AuditEvent.seq), col(AuditEvent.at), col(Grant.id))
            .join(Grant, _GRANT_OF_EVENT)
            .where(*self._of_span, kind)
            .order_by(col(AuditEvent.seq))
            .limit(MOST)
            .subquery()
        )
        found = (
            select(first.c.at, Grant, Request)
            .join(Grant, col(Grant.id) == first.c.id)
            .join(Request, col(Request.id) == col(Grant.request_id))
            .order_by(first.c.seq)
        )
        return Listed(total=total, first=accesses(self._session, self._session.exec(found).all()))

    def extended(self) -> Listed:
        """Each time that an end was moved, with the ends of then: the row knows only the last."""
        total = self.count(EXTENDED)
        if not total:
            return Listed()
        found = (
            select(AuditEvent.at, AuditEvent.entry, Grant)
            .join(Grant, col(Grant.id) == col(AuditEvent.object_id))
            .where(*self._of_span, col(AuditEvent.action) == EXTENDED)
            .order_by(col(AuditEvent.seq))
            .limit(MOST)
        )
        said = [(at, read_event(entry).details, grant) for at, entry, grant in self._session.exec(found)]
        asked = select(Request).where(col(Request.id).in_([details["request"] for _, details, _ in said]))
        requests = {request.id: request for request in self._session.exec(asked)}
        moved = [(at, details, grant) for at, details, grant in said if details["request"] in requests]
        lines = accesses(self._session, [(at, grant, requests[details["request"]]) for at, details, grant in moved])
        ends = (
            {name: datetime.fromisoformat(details[written]) for name, written in _ENDS.items()}
            for _, details, _ in moved
        )
        first = (line.model_copy(update=known) for line, known in zip(lines, ends, strict=True))
        return Listed(total=total, first=tuple(first))

    def canary(self, now: datetime, *, configured: bool) -> CanaryRuns:
        """Of the runs only the times are read; there may be thousands."""
        runs = (
            sa.select(
                col(AuditEvent.at),
                col(Grant.starts_at),
                col(Grant.activated_at),
                col(Grant.end_due_at),
                col(Grant.ended_at),
            )
            .join(Grant, col(Grant.request_id) == col(AuditEvent.object_id))
            # A run that was found again after its end has another row.
            .where(*self._of_span, col(AuditEvent.action) == BEGUN, col(Grant.supersedes_grant_id).is_(None))
            .order_by(col(AuditEvent.seq))
        )
        found = [
            (at, went(starts_at=starts, activated_at=opened, end_due_at=due, ended_at=ended, now=now))
            for at, starts, opened, due, ended in self._session.connection().execute(runs)
        ]
        if not found:
            return CanaryRuns(configured=configured)
        times = Counter(how for _, how in found)
        latest_at, latest = found[-1]
        return CanaryRuns(
            configured=configured, begun=len(found), failed=times[Went.FAILED], late=times[Went.LATE],
            latest_at=latest_at, latest=latest,
        )  # fmt: skip

    def requests(self, action: str) -> Listed:
        found = (
            select(AuditEvent.at, Request)
            .join(Request, col(Request.id) == col(AuditEvent.object_id))
            .where(*self._of_span, col(AuditEvent.action) == action)
            .order_by(col(AuditEvent.seq))
            .limit(MOST)
        )
        pairs = [(at, None, request) for at, request in self._session.exec(found)]
        return Listed(total=self.count(action), first=accesses(self._session, pairs))

    def count(self, action: str) -> int:
        counted = sa.select(sa.func.count()).where(*self._of_span, col(AuditEvent.action) == action)
        return self._session.connection().execute(counted).scalar_one()

    def closed_alerts(self) -> tuple[int, tuple[ClosedAlert, ...]]:
        """How many, and the first of them. One that told of many is left out: each of those has its own."""
        of_span = sa.and_(*self._of_span, col(AuditEvent.action) == "alert.closed", sa.not_(TELLS_OF_MANY))
        its_alert = col(Alert.id) == col(AuditEvent.object_id)
        counted = sa.select(sa.func.count()).select_from(AuditEvent).join(Alert, its_alert).where(of_span)
        total = self._session.connection().execute(counted).scalar_one()
        found = select(AuditEvent.at, Alert).join(Alert, its_alert).where(of_span).order_by(col(AuditEvent.seq))
        first = (
            ClosedAlert(
                id=alert.id, kind=alert.kind, sentence=alert.sentence, opened_at=alert.opened_at, closed_at=at,
                delivered_at=alert.delivered_at,
            )
            for at, alert in self._session.exec(found.limit(MOST))
        )  # fmt: skip
        return total, tuple(first) if total else ()

    def refusals(self, policy: Policy | None) -> tuple[Refusals, ...]:
        """The most frequent first, by person. Beyond so many they are counted without a name: any member may try."""
        entries = select(AuditEvent.actor, AuditEvent.entry).where(
            *self._of_span, col(AuditEvent.action) == "attempt.refused"
        )
        counted, names = Counter[tuple[str, str, str]](), dict[str, str]()
        for actor, entry in self._session.exec(entries):
            details = read_event(entry).details
            who = names.get(actor)
            if who is None:
                who = names[actor] = _name_of(actor, policy)
            counted[details["attempt"], details["because"], who] += 1
        ordered = sorted(counted.items(), key=lambda one: (-one[1], one[0]))
        rest = Counter[tuple[str, str, str]]()
        for (attempt, because, _), times in ordered[MOST:]:
            rest[attempt, because, ""] += times
        return tuple(
            Refusals(attempt=attempt, because=because, times=times, who=who)
            for (attempt, because, who), times in [*ordered[:MOST], *rest.items()]
        )

    def rights(self) -> tuple[RightsChange, ...]:
        """The first of them."""
        told = select(AuditEvent.at, AuditEvent.object_id, AuditEvent.entry).where(
            *self._of_span, col(AuditEvent.action).in_((RIGHTS_CHANGED, RIGHTS_ACCEPTED))
        )
        found = self._session.exec(told.order_by(col(AuditEvent.seq)).limit(MOST)).all()
        said = [(at, entitlement or "", read_event(entry).details) for at, entitlement, entry in found]
        return tuple(
            RightsChange(
                entitlement=entitlement, at=at, added=tuple(details.get("added", ())),
                taken=tuple(details.get("taken", ())), by=details.get("person", ""),
            )
            for at, entitlement, details in said
        )  # fmt: skip

    def policy_loads(self) -> tuple[PolicyLoad, ...]:
        loaded = select(AuditEvent.object_id, AuditEvent.at, AuditEvent.entry).where(
            *self._of_span, col(AuditEvent.action) == POLICY_LOADED
        )
        found = self._session.exec(loaded.order_by(col(AuditEvent.seq))).all()
        return tuple(_policy_load(sha256 or "", at, read_event(entry).details) for sha256, at, entry in found)


def _policy_load(sha256: str, at: datetime, details: Mapping[str, Any]) -> PolicyLoad:
    """The version before compared nothing."""
    known = ("differences", "more", "more_wider", "not_compared")
    return PolicyLoad.model_validate({"sha256": sha256, "at": at} | {k: details[k] for k in known if k in details})


_GRANT_OF_EVENT = sa.and_(col(Grant.id) == col(AuditEvent.object_id), col(Grant.requester) != NOBODY)
"""Without the canary's: what is wrong with it is an alert."""
_ENDED = col(AuditEvent.action) == "grant.ended"
_NEVER_GIVEN = col(Grant.expires_at).is_(None)
_LATE = col(Grant.ended_by) == EndedBy.LATE
OPENED = col(AuditEvent.action) == "grant.active"
ENDED = sa.and_(_ENDED, sa.not_(_NEVER_GIVEN))
UNOPENED = sa.and_(_ENDED, _NEVER_GIVEN, sa.not_(_LATE))
FAILED = sa.or_(col(AuditEvent.action) == "grant.failed", sa.and_(_ENDED, _NEVER_GIVEN, _LATE))


def open_grants(session: Session) -> list[tuple[Grant, Request]]:
    """Everything that may be on a target or may still get there, the soonest to end first."""
    found = select(Grant, Request).join(Request, col(Request.id) == col(Grant.request_id))
    pairs = session.exec(found.where(col(Grant.status).in_(UNFINISHED), col(Grant.requester) != NOBODY)).all()
    return sorted(pairs, key=lambda pair: (pair[0].expires_at or pair[0].starts_at, pair[0].id))


def is_overdue(grant: Grant, now: datetime) -> bool:
    """Past its end and not proven to be gone."""
    return grant.end_due_at is not None and grant.end_due_at < now - GRACE


def listed(session: Session, pairs: Sequence[tuple[Grant, Request]]) -> Listed:
    first = [(grant.activated_at or grant.starts_at, grant, request) for grant, request in pairs[:MOST]]
    return Listed(total=len(pairs), first=accesses(session, first))


def refused_now(session: Session, policy: Policy, pairs: Iterable[tuple[Grant, Request]]) -> Listed:
    """What would not be granted today, and why not. Those on their way out are past that question."""
    people = People(policy)
    refused = [
        (grant, request, because)
        for grant, request in pairs
        if grant.status != GrantStatus.REVOKING and (because := objection(policy, people, request))
    ]
    first = listed(session, [(grant, request) for grant, request, _ in refused]).first
    problems = [because for _, _, because in refused]
    told = [one.model_copy(update={"problem": problem}) for one, problem in zip(first, problems, strict=False)]
    return Listed(total=len(refused), first=tuple(told))


def open_alerts(session: Session) -> tuple[int, tuple[OpenAlert, ...]]:
    """How many, and the first of them, the oldest first."""
    found = session.exec(select(Alert).where(col(Alert.closed_at).is_(None)).order_by(col(Alert.id))).all()
    posted = places(session, MessageKind.ALERT, [alert.id for alert in found[:MOST]])
    first = (
        OpenAlert(
            id=alert.id, kind=alert.kind, sentence=alert.sentence, opened_at=alert.opened_at,
            delivered_at=alert.delivered_at,
            message=posted.get(alert.id),
        )
        for alert in found[:MOST]
    )  # fmt: skip
    return len(found), tuple(first)


def _name_of(actor: str, policy: Policy | None) -> str:
    """What the policy calls the person, or the Slack id; empty for who is none."""
    prefix = str(by_slack(SlackUser("")))
    if not actor.startswith(prefix):
        return ""
    user = SlackUser(actor.removeprefix(prefix))
    entry = People(policy).with_account(user) if policy else None
    return entry.name if entry else user
