"""The digest of a busy day: its row made, the whole log recomputed, every line read, every message drawn.

The floor reads the same entries by the driver alone and hashes each with the one before it.
"""

import hashlib
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import sqlalchemy as sa

from access import audit
from access.audit import Event
from access.core import Core
from access.messages.digest.make import content_of, make_now
from access.models import Digest, EndedBy, Grant, GrantStatus, Message, MessageKind
from bench.bare_sql import connect
from bench.copies import copy_rows
from bench.core import approve, ask, core_on
from bench.figures import Figure
from bench.policy import Crowd, policy
from bench.servers import KINDS, Kind, Servers, say
from bot.views.digest import digest_message, digest_parts

ROUNDS = 3
MOST_OPEN = 200
"""Grants that have not ended when the day has; each is held against the policy of now."""
REASON = "INC-12: 14 refunds are stuck since the deployment of this morning, looking at the customers they belong to"
OF_A_GRANT = (
    *(
        "request.created",
        "message.delivered",
        "request.approved",
        "grant.scheduled",
        "grant.activating",
        "grant.active",
    ),
    *("message.delivered", "grant.revoking", "grant.ended", "attempt.refused"),
)
"""What happened to each; the last is somebody who pressed where he may not."""
AT_ONCE = 10_000


class WentWrong(Exception):
    """The digest does not say what happened."""


def measure(servers: Servers, *, events: int) -> list[Figure]:
    """So many events of one day on each store."""
    return [figure for kind in KINDS for figure in _measure(servers, kind, events // len(OF_A_GRANT))]


def _measure(servers: Servers, kind: Kind, grants: int) -> Iterator[Figure]:
    say(f"  digest: a day of {grants * len(OF_A_GRANT):,} events on {kind}")
    crowd = Crowd(people=1, roles=1)
    text = policy(crowd, provider="postgres", settings={"dsn": {"env": "SHOP_DSN"}}, role={"grants": ["any"]})
    with servers.store(kind) as store:
        environment = servers.environment(store=store, policy=text)
        with core_on(environment) as core:
            _live_through_a_day(core, crowd, grants)
            ours, floor = list[float](), list[float]()
            for _ in range(ROUNDS):
                ours.append(_seconds(lambda: _digest(core, grants)))
                floor.append(_seconds(lambda: _bare(store)))
                _forget(core)
    name = f"digest of {grants * len(OF_A_GRANT):,} events, {kind}"
    value, least = statistics.median(ours), statistics.median(floor)
    yield Figure(name=name, value=value, unit="s", floor=least, goal=2, samples=ROUNDS)


def _live_through_a_day(core: Core, crowd: Crowd, grants: int) -> None:
    (request,) = ask(core, crowd, 1)
    approve(core, request)
    now = core.clock.now()
    with core.database.write() as session:
        copy_rows(session.connection(), grants - 1, now, now + timedelta(hours=1))
        still_open = max(1, min(MOST_OPEN, grants // 2))
        _end(session.connection(), now, grants - still_open)
        pairs = session.connection().execute(sa.select(_GRANT.c.id, _GRANT.c.request_id)).all()
    happened = [event for grant_id, request_id in pairs for event in _events(grant_id, request_id)]
    for start in range(0, len(happened), AT_ONCE):
        with core.database.write() as session:
            audit.append(session, happened[start : start + AT_ONCE], at=core.clock.now())


def _end(connection: sa.Connection, now: datetime, count: int) -> None:
    """The first of them have ended and are proven; the others are open."""
    ids = [row.id for row in connection.execute(sa.select(_GRANT.c.id).order_by(_GRANT.c.id))]
    active = {"status": GrantStatus.ACTIVE, "activated_at": now}
    ended = {
        "status": GrantStatus.ENDED,
        "ended_by": EndedBy.EXPIRED,
        "ended_at": now,
        "proven_at": now,
        "due_at": None,
    }
    connection.execute(sa.update(_GRANT).values(active))
    if count:
        connection.execute(sa.update(_GRANT).where(_GRANT.c.id <= ids[count - 1]).values(ended))


def _events(grant_id: str, request_id: str) -> Iterator[Event]:
    for action in OF_A_GRANT:
        about = grant_id if action.startswith("grant.") else request_id
        details = {"resource": "customers-db", "role": "read", "subject": "asker000", "fingerprint": "0" * 64}
        if action == "attempt.refused":
            details = {"attempt": "request.approve", "because": "NotAnApprover"}
        if action == "request.created":
            details |= {"reason": REASON, "rule": "customers", "level": "medium"}
        yield Event(action=action, actor="system:bench", object_id=about, details=details)


def _digest(core: Core, grants: int) -> None:
    digest = make_now(core)
    content = content_of(core, digest.id)
    parts = digest_parts(digest, content)
    for number in range(1, len(parts) + 1):
        digest_message(digest, content, parts, number, {})
    counted = (content.opened.total, content.ended.total + content.still_open.total, content.refused, content.flaw)
    if counted != (grants, grants + content.still_open.total, grants, ""):
        raise WentWrong(f"Of {grants} grants the digest says {counted}.")


def _bare(url: str) -> None:
    connection = connect(url)
    for row in connection.execute("SELECT entry, previous, hash FROM audit_event ORDER BY seq"):
        hashed = hashlib.sha256(b"\x00" + bytes.fromhex(row["previous"]) + row["entry"].encode()).hexdigest()
        if hashed != row["hash"]:
            raise WentWrong("The log does not hold.")
    connection.close()


def _forget(core: Core) -> None:
    """So that the next one is about the whole day again."""
    with core.database.write() as session:
        session.connection().execute(sa.delete(_table(Message)).where(_table(Message).c.kind == MessageKind.DIGEST))
        session.connection().execute(sa.delete(_table(Digest)))


def _seconds(do: Callable[[], None]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def _table(row: type[Grant | Digest | Message]) -> sa.Table:
    return getattr(row, "__table__")  # noqa: B009 -- SQLModel does not declare it


_GRANT = _table(Grant)
