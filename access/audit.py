"""The audit log: hash-chained events, appended in the transaction that makes the change."""

import hashlib
import json
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, NamedTuple, cast, get_args

import sqlalchemy as sa
from sqlmodel import Session, col, select

from access.bulk import insert_all, table_of
from access.canonical import canonical
from access.models import AuditEvent, AuditHead
from access.words import counted

GENESIS = "0" * 64
Outcome = Literal["success", "refused", "failure"]
_OUTCOMES = get_args(Outcome)
_EVENTS = table_of(AuditEvent)
# Kept: to build a statement anew costs more than to execute it.
_LOCKED_HEAD = sa.select(
    col(AuditHead.id), col(AuditHead.seq), col(AuditHead.at), col(AuditHead.hash)
).with_for_update()  # fmt: skip
_MOVED_HEAD = sa.update(AuditHead).where(col(AuditHead.id) == sa.bindparam("head")).values(
    seq=sa.bindparam("to_seq"), hash=sa.bindparam("to_hash"), at=sa.bindparam("to_at")
)  # fmt: skip
_BEFORE_ALL = ""
_quoted = json.JSONEncoder(ensure_ascii=False).encode
_quoted_name = cast("Callable[[str], str]", lru_cache(1024)(_quoted))


@dataclass(frozen=True, kw_only=True)
class Event:
    """Who did what to what, and how it went. Details never hold secrets."""

    action: str
    actor: str
    object_id: str | None = None
    outcome: Outcome = "success"
    details: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Mark:
    """A place in the log: up to and with the event `seq`, which has this hash, it is known to hold."""

    seq: int
    hash: str


START = Mark(0, GENESIS)


@dataclass(frozen=True)
class Flaw:
    """The first place where the chain does not hold."""

    seq: int
    sentence: str


@dataclass(frozen=True)
class Verified:
    """What `verify` found."""

    events: int
    """How many hold, from the first of the log."""
    head: str
    flaw: Flaw | None


_Row = tuple[int, str, str, str, str | None, str, str, str]


class _Link(NamedTuple):
    """A row of the log, in the order in which it is read; the object itself takes longer to make than to check."""

    seq: int
    at: str
    """As it stands in an entry, without the Z."""
    action: str
    actor: str
    object_id: str | None
    entry: str
    previous: str
    hash: str


def append(session: Session, events: Sequence[Event], *, at: datetime) -> None:
    """Links the events to the chain. The head is locked here: call it last in the transaction."""
    if not events:
        return
    connection = session.connection()
    head = connection.execute(_LOCKED_HEAD).one()
    at, rows = max(at, head.at), list[dict[str, Any]]()
    seq, previous, moment = head.seq, head.hash, canonical(at)
    for event in events:
        seq += 1
        entry = _entry(event, seq=seq, at=moment)
        digest = link(previous, entry)
        rows.append({
            "seq": seq, "at": at, "action": event.action, "actor": event.actor, "object_id": event.object_id,
            "entry": entry, "previous": previous, "hash": digest,
        })  # fmt: skip
        previous = digest
    insert_all(connection, _EVENTS, rows)
    connection.execute(_MOVED_HEAD, {"head": head.id, "to_seq": seq, "to_hash": previous, "to_at": at})


def link(previous: str, entry: str) -> str:
    """SHA-256 over a nought byte, the previous hash and the canonical entry."""
    return hashlib.sha256(b"\x00" + bytes.fromhex(previous) + entry.encode()).hexdigest()


def verify(session: Session, since: Mark = START) -> Verified:
    """Recomputes everything after `since`: order, links, hashes, times, the repeated columns, and the head."""
    count, previous, at = since.seq, since.hash, _BEFORE_ALL
    if not sa.inspect(session.connection()).has_table("audit_event"):
        return Verified(events=0, head=previous, flaw=Flaw(1, "the table of the log is missing"))
    if since != START:
        known = _known(session, since.seq)
        flaw = _flaw_of_known(known, since)
        if known is None or flaw is not None:
            return Verified(events=since.seq - 1, head=previous, flaw=flaw)
        at = known.at
    with closing(_after(session, since.seq)) as events:
        for event in events:
            before, at = at, event[1]
            if not _holds(event, count + 1, previous) or at < before:
                flaw = _flaw(_Link._make(event), count + 1, previous, before)
                if flaw is not None:
                    return Verified(events=count, head=previous, flaw=flaw)
            count, previous = count + 1, event[-1]
    return Verified(events=count, head=previous, flaw=_flaw_of_ends(session, count, previous))


def _entry(event: Event, *, seq: int, at: str) -> str:
    """The canonical JSON of all of it, `at` in JSON already: only the details differ in their names."""
    about = canonical(event.object_id)
    return (
        f'{{"action":{_quoted_name(event.action)},"actor":{_quoted_name(event.actor)},"at":{at},'
        f'"details":{canonical(event.details)},"object":{about},"outcome":"{event.outcome}","seq":{seq},"v":1}}'
    )


def _after(session: Session, seq: int) -> Generator[_Row]:
    """The rows as `_Link` names them."""
    after = _links(session).where(col(AuditEvent.seq) > seq).order_by(col(AuditEvent.seq))
    with session.connection().execute(after, execution_options={"yield_per": 1000}) as found:
        for rows in found.partitions():
            yield from cast("Sequence[_Row]", rows)


def _known(session: Session, seq: int) -> _Link | None:
    found = session.connection().execute(_links(session).where(col(AuditEvent.seq) == seq)).first()
    return None if found is None else _Link._make(found)


def _links(session: Session) -> sa.Select[Any]:
    """The database says each time as it stands in an entry: made an object of, it takes as long as all the rest."""
    at = (
        sa.func.replace(sa.type_coerce(AuditEvent.at, sa.Text()), " ", "T")
        if session.connection().dialect.name == "sqlite"
        else sa.func.to_char(sa.func.timezone("UTC", AuditEvent.at), 'YYYY-MM-DD"T"HH24:MI:SS.US')
    )
    return sa.select(*(at if name == "at" else getattr(AuditEvent, name) for name in _Link._fields))


def _flaw_of_known(event: _Link | None, known: Mark) -> Flaw | None:
    if event is None:
        return Flaw(known.seq, f"event {known.seq}, up to which the log once held, is missing")
    if event.hash != known.hash:
        return Flaw(known.seq, f"event {known.seq}, up to which the log once held, is another one now")
    return _flaw(event, known.seq, event.previous, _BEFORE_ALL)


def _flaw_of_ends(session: Session, count: int, previous: str) -> Flaw | None:
    before = session.exec(select(AuditEvent.seq).where(col(AuditEvent.seq) < 1).limit(1)).first()
    if before is not None:
        return Flaw(before, f"event {before} stands before the first one")
    heads = session.exec(select(AuditHead).limit(2)).all()
    if not heads:
        return Flaw(count + 1, "the head of the log is missing")
    if len(heads) > 1:
        return Flaw(count + 1, "the log has more than one head")
    (head,) = heads
    if head.seq != count:
        return Flaw(count + 1, f"the head says {counted(head.seq, 'event', 'events')}, but the log ends after {count}")
    if head.hash != previous:
        return Flaw(count + 1, f"the head does not follow from event {count}, the last one")
    return None


def _holds(event: _Row, seq: int, previous: str) -> bool:
    """At one look, for a success, as most are. For what does not, `_flaw` looks closely."""
    own_seq, at, action, actor, about, entry, own_previous, digest = event
    return (
        own_seq == seq
        and own_previous == previous
        and digest == link(previous, entry)
        and entry.startswith(f'{_who(action, actor)}{at}Z","details":{{')
        and entry.endswith(f'}},"object":{_quoted(about)},"outcome":"success","seq":{seq},"v":1}}')
    )


@lru_cache(1024)
def _who(action: str, actor: str) -> str:
    """How an entry begins, up to its time."""
    return f'{{"action":{_quoted(action)},"actor":{_quoted(actor)},"at":"'


def _flaw(event: _Link, seq: int, previous: str, not_before: str) -> Flaw | None:
    if event.seq != seq:
        return Flaw(seq, f"event {seq} is missing; the next one is {event.seq}")
    if event.previous != previous:
        return Flaw(seq, f"event {seq} does not follow the one before it")
    if not _linked(event):
        return Flaw(seq, f"event {seq} was changed after it was written")
    if not _repeats(event):
        return Flaw(seq, f"a column of event {seq} differs from its entry")
    if event.at < not_before:
        return Flaw(seq, f"event {seq} is older than the one before it")
    return None


def _linked(event: _Link) -> bool:
    try:
        return event.hash == link(event.previous, event.entry)
    except ValueError:  # whoever wrote this `previous` wrote no hash
        return False


def _repeats(event: _Link) -> bool:
    """Whether the columns say what the entry says: by its text, which is canonical, for to parse it takes longer."""
    if not event.entry.startswith(f'{_who(event.action, event.actor)}{event.at}Z","details":{{'):
        return False
    rest, _, said = event.entry.rpartition(',"outcome":"')
    outcome, _, after = said.partition('"')
    what = f'}},"object":{_quoted(event.object_id)}'
    return outcome in _OUTCOMES and after == f',"seq":{event.seq},"v":1}}' and rest.endswith(what)
