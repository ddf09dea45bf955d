"""The audit log: hash-chained events, appended in the transaction that makes the change."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlmodel import Session, col, select

from access.canonical import canonical
from access.models import AuditEvent, AuditHead

GENESIS = "0" * 64
Outcome = Literal["success", "refused", "failure"]


@dataclass(frozen=True, kw_only=True)
class Event:
    """Who did what to what, and how it went. Details never hold secrets."""

    action: str
    actor: str
    object_id: str | None = None
    outcome: Outcome = "success"
    details: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Flaw:
    """The first place where the chain does not hold."""

    seq: int
    sentence: str


@dataclass(frozen=True)
class Verified:
    """What `verify` found."""

    events: int
    head: str
    flaw: Flaw | None


def append(session: Session, events: Sequence[Event], *, at: datetime) -> None:
    """Links the events to the chain. The head is locked here: call it last in the transaction."""
    if not events:
        return
    head = session.exec(select(AuditHead).with_for_update().execution_options(populate_existing=True)).one()
    at, rows = max(at, head.at), list[dict[str, Any]]()
    seq, previous = head.seq, head.hash
    for event in events:
        seq += 1
        entry = _entry(event, seq=seq, at=at)
        digest = link(previous, entry)
        rows.append({
            "seq": seq, "at": at, "action": event.action, "actor": event.actor, "object_id": event.object_id,
            "entry": entry, "previous": previous, "hash": digest,
        })  # fmt: skip
        previous = digest
    session.connection().execute(sa.insert(AuditEvent), rows)
    session.connection().execute(
        sa.update(AuditHead).where(col(AuditHead.id) == head.id).values(seq=seq, hash=previous, at=at)
    )


def link(previous: str, entry: str) -> str:
    """SHA-256 over a nought byte, the previous hash and the canonical entry."""
    return hashlib.sha256(b"\x00" + bytes.fromhex(previous) + entry.encode()).hexdigest()


def verify(session: Session) -> Verified:
    """Recomputes everything: order, links, hashes, times, the repeated columns, and the head."""
    count, previous, at = 0, GENESIS, None
    for event in _all(session):
        flaw = _flaw(event, seq=count + 1, previous=previous, not_before=at)
        if flaw is not None:
            return Verified(events=count, head=previous, flaw=flaw)
        count, previous, at = count + 1, event.hash, event.at
    return Verified(events=count, head=previous, flaw=_flaw_of_head(session, count, previous))


def _entry(event: Event, *, seq: int, at: datetime) -> str:
    return canonical({
        "v": 1, "seq": seq, "at": at, "action": event.action, "actor": event.actor, "object": event.object_id,
        "outcome": event.outcome, "details": event.details,
    })  # fmt: skip


def _all(session: Session) -> Iterator[AuditEvent]:
    return iter(session.exec(select(AuditEvent).order_by(col(AuditEvent.seq)).execution_options(yield_per=1000)))


def _flaw_of_head(session: Session, count: int, previous: str) -> Flaw | None:
    head = session.exec(select(AuditHead)).one_or_none()
    if head is None:
        return Flaw(count + 1, "the head of the log is missing")
    if head.seq != count:
        return Flaw(count + 1, f"the head says {head.seq} events, but the log ends after {count}")
    if head.hash != previous:
        return Flaw(count + 1, f"the head does not follow from event {count}, the last one")
    return None


def _flaw(event: AuditEvent, *, seq: int, previous: str, not_before: datetime | None) -> Flaw | None:
    if event.seq != seq:
        return Flaw(seq, f"event {seq} is missing; the next one is {event.seq}")
    if event.previous != previous:
        return Flaw(seq, f"event {seq} does not follow the one before it")
    if event.hash != link(previous, event.entry):
        return Flaw(seq, f"event {seq} was changed after it was written")
    said = json.loads(event.entry)
    repeated = (said["seq"], said["at"], said["action"], said["actor"], said["object"])
    columns = json.loads(canonical([event.seq, event.at, event.action, event.actor, event.object_id]))
    if list(repeated) != columns:
        return Flaw(seq, f"a column of event {seq} differs from its entry")
    if not_before is not None and event.at < not_before:
        return Flaw(seq, f"event {seq} is older than the one before it")
    return None
