"""The invariants (docs/promises.md), each a question about the rows, the targets, the log and the alerts."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise

from access.lifecycle import allowed
from access.models import Alert, AlertKind, AuditEvent, EndedBy, Grant, GrantStatus, Request, RequestStatus
from access.reconcile.recovered import NOBODY
from tests.invariants import hostile_checks
from tests.invariants.commons import name_of, rights_of
from tests.invariants.servers import Server
from tests.invariants.town import Town

LIVE = (GrantStatus.ACTIVATING, GrantStatus.ACTIVE, GrantStatus.REVOKING)
FINISHED = (GrantStatus.ENDED, GrantStatus.FAILED)
DECIDED = ("request.approved", "request.denied", "request.cancelled", "request.lapsed")
_STATUS_OF = {
    "grant.scheduled": GrantStatus.SCHEDULED,
    "grant.activating": GrantStatus.ACTIVATING,
    "grant.active": GrantStatus.ACTIVE,
    "grant.revoking": GrantStatus.REVOKING,
    "grant.found-again": GrantStatus.REVOKING,
    "grant.recovered": GrantStatus.REVOKING,
    "grant.ended": GrantStatus.ENDED,
    "grant.failed": GrantStatus.FAILED,
}
CLOSED_AT_LAST = (
    AlertKind.OVERDUE, AlertKind.UNREMOVABLE, AlertKind.RESTORED, AlertKind.TIMERS, AlertKind.LEFTOVER,
)  # fmt: skip
OF_LATE_ENDS = (AlertKind.OVERDUE, AlertKind.UNREMOVABLE)
LONGEST = timedelta(hours=1)


class Broken(AssertionError):
    """An invariant does not hold."""


@dataclass(frozen=True)
class Sight:
    """Everything there is, at one moment."""

    town: Town
    requests: dict[str, Request]
    grants: list[Grant]
    events: list[AuditEvent]
    alerts: list[Alert]
    now: datetime

    @classmethod
    def of(cls, town: Town) -> "Sight":
        town.land()
        requests = {str(one.id): one for one in town.requests()}
        return cls(town, requests, town.grants(), town.events(), town.alerts(), town.clock.now())

    def standing(self) -> Iterator[tuple[str, str, str]]:
        """Access of ours that is on a target: its grant's id, the principal, the role."""
        for server in self.town.servers.values():
            for grant_id, (principal, role) in server.holders.items():
                if grant_id not in server.strangers:
                    yield grant_id, principal, role

    @cached_property
    def comparing(self) -> bool:
        """The database is an older one: what the targets have may differ until the gate is open."""
        told = any(one.kind == AlertKind.RESTORED and one.closed_at is None for one in self.alerts)
        return told or not self.town.noticed

    def excused(self, changed: str) -> bool:
        """Somebody changed this at a target, and nobody can know it by now."""
        return any(changed in one.by_hand and not one.found_by_now(one.by_hand[changed]) for one in self.servers)

    @property
    def servers(self) -> Collection[Server]:
        return self.town.servers.values()

    def rows(self, grant_id: str) -> list[Grant]:
        """The grant, and those that went on with it."""
        return [grant for grant in self.grants if grant_id in (grant.id, grant.supersedes_grant_id)]

    def told(self, subject: str) -> bool:
        """Whether somebody knows of this thing at a target that no row explains."""
        drifts = [one.subject for one in self.alerts if one.kind == AlertKind.DRIFT and one.closed_at is None]
        return any(one.endswith(f" {subject}") for one in drifts)

    def about(self, *prefixes: str) -> dict[str, list[AuditEvent]]:
        found = defaultdict[str, list[AuditEvent]](list)
        for event in self.events:
            if event.object_id is not None and event.action.startswith(prefixes):
                found[event.object_id].append(event)
        return found


def check(sight: Sight, *, kept: bool) -> None:
    """Raises Broken. `kept`: somebody has looked at the rows just now, so that what is late must be known."""
    for sentence in (
        *_overdue(sight, kept=kept), *_undecided(sight), *_another_thing(sight), *_stolen(sight), *_unwritten(sight),
        *_decided_twice(sight), *_moved_back(sight), *_early(sight), *_ended_by_nobody(sight), *_shared(sight),
        *_outside(sight), *hostile_checks.wrongs(sight),
        *sight.town.leavers.wrongs(sight.grants, sight.requests.values(), kept=kept),
    ):  # fmt: skip
        raise Broken(sentence)


def check_the_end(sight: Sight) -> None:
    """When everything is well again and enough time has passed, all is closed."""
    for grant_id, principal, role in sight.standing():
        raise Broken(f"I-1: {role} of {principal} ({grant_id}) stands there for ever")
    place = sight.town.commons
    known = {one for one in place.forgotten if one in place.by_others or sight.told(name_of(one))}
    for role, principal in place.members - place.theirs - known:
        raise Broken(f"I-1: {role} of {principal} stands there for ever")
    for grant in sight.grants:
        if grant.status not in FINISHED:
            raise Broken(f"I-1: {grant.id} is still {grant.status}: {grant.problem}")
    for alert in sight.alerts:
        if alert.closed_at is None and alert.kind in CLOSED_AT_LAST:
            raise Broken(f"I-1: an alert stays open though its cause is gone: {alert.sentence}")
    for request in sight.requests.values():
        if request.status == RequestStatus.PENDING:
            raise Broken(f"I-14: {request.id} is pending for ever")
    for stranger in {one for server in sight.servers for one in server.strangers}:
        if not sight.told(f"fake-{stranger}"):
            raise Broken(f"G11: {stranger} bears a mark like ours, and nobody was told")
    for sentence in hostile_checks.wrongs_at_the_end(sight):
        raise Broken(sentence)
    flaw = sight.town.verified().flaw
    if flaw is not None:
        raise Broken(f"I-13: {flaw.sentence}")


def _overdue(sight: Sight, *, kept: bool) -> Iterator[str]:
    """I-1: what stands on a target has a live row, and is not late unless somebody has been told."""
    open_alerts = {one.subject for one in sight.alerts if one.closed_at is None and one.kind in OF_LATE_ENDS}
    for grant_id, principal, role in sight.standing():
        live = [grant for grant in sight.rows(grant_id) if grant.status in LIVE]
        if not live and not sight.comparing and not sight.excused(grant_id):
            yield f"I-1: {role} of {principal} ({grant_id}) is there, and no row knows of it"
    for grant in sight.grants:
        over = grant.end_due_at or grant.expires_at
        if not kept or grant.status not in LIVE or over is None:
            continue
        if sight.now > over + timedelta(seconds=grant.alert_after_s) and grant.id not in open_alerts:
            yield f"I-1: {grant.id} should have ended at {over:%H:%M:%S}, it is {sight.now:%H:%M:%S}, no alert is open"
    yield from sight.town.slack.undelivered(sight.alerts)


def _undecided(sight: Sight) -> Iterator[str]:
    """I-2, I-9, I-14: nothing is there that no person has approved before."""
    approved = {event.object_id: event for event in sight.events if event.action == "request.approved"}
    for event in approved.values():
        if not event.actor.startswith("slack:U"):
            yield f"I-14: {event.object_id} was approved by {event.actor}"
    for server in sight.town.servers.values():
        for change in server.changes:
            rows = sight.rows(change.grant_id)
            decision = approved.get(rows[0].request_id) if rows else None
            if change.what == "added" and (decision is None or decision.at > change.at):
                yield f"I-2: {change.grant_id} was given without a decision"
            start = sight.requests[rows[0].request_id].starts_at if rows else None
            if change.what == "added" and start is not None and change.at < start:
                yield f"I-4: {change.grant_id} was given before its start"


def _another_thing(sight: Sight) -> Iterator[str]:
    """I-4: what was approved is what was asked, and what was given."""
    for event in sight.events:
        if event.action == "request.approved" and event.object_id is not None:
            said = json.loads(event.entry)["details"]
            request = sight.requests[event.object_id]
            if (said["version"], said["fingerprint"]) != (request.version, request.fingerprint):
                yield f"I-4: {request.id} is not what was approved"
    for request in sight.requests.values():
        if (request.asked_duration_s or 0) and (request.duration_s or 0) >= (request.asked_duration_s or 0):
            yield f"I-4: {request.id} was narrowed to no less than was asked"
    for grant_id, principal, role in sight.standing():
        for grant in sight.rows(grant_id)[:1]:
            request = sight.requests[grant.request_id]
            if request.requester != NOBODY and (principal, role) != (request.principal, request.role):
                yield f"I-4: {principal} has {role}, asked was {request.role} for {request.principal}"
    for grant in sight.grants:
        if grant.expires_at and grant.activated_at:
            request = sight.requests[grant.request_id]
            if grant.definition != request.definition:
                yield f"I-4: the role of {grant.id} is not the one that was approved"
            most = LONGEST * (1 + grant.extensions) + timedelta(minutes=15)
            if request.duration_s and grant.expires_at - grant.starts_at > most:
                yield f"I-10: {grant.id} is longer than its rule allows"


def _stolen(sight: Sight) -> Iterator[str]:
    """I-5: who has access that is not over has it."""
    there = {grant_id for grant_id, _, _ in sight.standing()}
    for grant in sight.grants:
        lasts = grant.status == GrantStatus.ACTIVE and grant.expires_at is not None and grant.expires_at > sight.now
        if grant.settings["server"] == "commons":
            continue  # see `_shared`
        # A target that could not be told of a later end keeps the one it has; its holder knows.
        lasts = lasts and grant.target_expiry_stale_since is None
        origin = grant.supersedes_grant_id or grant.id
        if lasts and origin not in there and not sight.comparing and not sight.excused(origin):
            yield f"I-5: {grant.id} is active, but its access is gone before its end"


def _unwritten(sight: Sight) -> Iterator[str]:
    """I-6: each move has its event, and each event its move."""
    events = sight.about("grant.")
    for grant in sight.grants:
        path = [_STATUS_OF[event.action] for event in events[grant.id] if event.action in _STATUS_OF]
        if not path or path[-1] != grant.status:
            yield f"I-6: {grant.id} is {grant.status}, its events say {path}"
        for old, new in pairwise(path):
            if not allowed(old, new):
                yield f"I-6: {grant.id} went from {old} to {new}"
    decided = sight.about("request.")
    for request in sight.requests.values():
        if request.requester == NOBODY:
            continue  # it came into being with what a restored database had forgotten
        last = [event.action for event in decided[request.id] if event.action in DECIDED]
        if last != ([] if request.status == RequestStatus.PENDING else [f"request.{request.status}"]):
            yield f"I-6: {request.id} is {request.status}, its events say {last}"


def _decided_twice(sight: Sight) -> Iterator[str]:
    """I-7: one decision, and one grant for it."""
    for identifier, events in sight.about("request.").items():
        ends = [event.action for event in events if event.action in DECIDED]
        if len(ends) > 1:
            yield f"I-7: {identifier} was decided more than once: {ends}"
    first = [grant.request_id for grant in sight.grants if grant.supersedes_grant_id is None]
    if len(first) != len(set(first)):
        yield "I-7: two grants came of one request"


def _moved_back(sight: Sight) -> Iterator[str]:
    """I-8: an end never moves without a decision, and then later, while the access is open."""
    approved = {event.object_id for event in sight.events if event.action == "request.approved"}
    for identifier, events in sight.about("grant.activating", "grant.active", "grant.extended").items():
        ends: list[str] = []
        for event in events:
            said = json.loads(event.entry)["details"]
            if event.action == "grant.extended":
                if said["request"] not in approved or said["expired_at"] != ends[-1] or said["expires_at"] <= ends[-1]:
                    yield f"I-8: the end of {identifier} was moved from {ends[-1]} by {said}"
                ends = [said["expires_at"]]
            else:
                ends.append(said["expires_at"])
        row = next(grant for grant in sight.grants if grant.id == identifier)
        now = row.expires_at and row.expires_at.isoformat(timespec="microseconds").replace("+00:00", "Z")
        if {*ends, now} != {now}:
            yield f"I-8: the end of {identifier} was {sorted(ends)}, now {now}"


def _early(sight: Sight) -> Iterator[str]:
    """I-10: nothing is taken away before its end, unless somebody with a name did it."""
    for server in sight.town.servers.values():
        for change in server.changes:
            if change.what == "added":
                continue
            rows = sight.rows(change.grant_id)
            if not rows or any(row.ended_by not in (None, EndedBy.EXPIRED) for row in rows):
                continue
            if change.what == "ran out" and rows[0].target_expiry_stale_since is not None:
                continue
            over = rows[0].expires_at
            if over is None or change.at < over:
                yield f"I-10: {change.grant_id} was taken away at {change.at:%H:%M:%S}, before its end"


def _shared(sight: Sight) -> Iterator[str]:
    """I-12: an end takes away what no other needs, and never what stood there before us."""
    place = sight.town.commons
    there = [grant for grant in sight.grants if grant.settings["server"] == "commons"]
    for role, principal in place.theirs - place.members:
        yield f"I-12: {role} of {principal} stood there before us, and is gone"
    known = set[tuple[str, str]]()
    for grant in there:
        rights = {(role, grant.principal) for role in rights_of(grant.definition["power"])}
        if grant.status in LIVE:
            known |= rights
        lasts = grant.status == GrantStatus.ACTIVE and grant.expires_at is not None and grant.expires_at > sight.now
        excused = sight.comparing or any(sight.excused(name_of(one)) for one in rights)
        if lasts and rights - place.members and not excused:
            yield f"I-12: {grant.id} is active, and {sorted(rights - place.members)} is gone"
    for role, principal in place.members - place.theirs - known - place.forgotten:
        yield f"I-1: {role} of {principal} is there, and no row knows of it"


def _outside(sight: Sight) -> Iterator[str]:
    """G11, O7, O8: what is not ours is not touched; what others changed is found; an older database is compared."""
    ends = {
        str(grant.supersedes_grant_id or grant.id): grant.expires_at
        for grant in sight.grants
        if grant.status == "active"
    }
    for server in sight.servers:
        for stranger in server.strangers - server.holders.keys():
            yield f"G11: {stranger} is not ours, and was taken away"
        for grant_id, since in server.more.items():
            if server.found_by_now(since) and (ends.get(grant_id) or sight.now) > sight.now:
                yield f"G11: somebody added a right to {grant_id}, and nobody found it"
    yield from sight.town.wrongs(sight.events)


def _ended_by_nobody(sight: Sight) -> Iterator[str]:
    """I-10: who ends access early is its holder or the security team."""
    for grant in sight.grants:
        if grant.ended_by == EndedBy.RETURNED and grant.ended_by_person != grant.subject:
            yield f"I-10: {grant.id} was returned by {grant.ended_by_person}"
        if grant.ended_by == EndedBy.REVOKED and grant.ended_by_person != "sam":
            yield f"I-10: {grant.id} was revoked by {grant.ended_by_person}"
