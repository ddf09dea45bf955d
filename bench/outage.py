"""A target that is down while a thousand grants on it are overdue, and another one that is well all the time.

The thousand have failed so often already that their pauses no longer grow; so it makes no difference for how much
longer it is down, and half a minute stands for ten. While it is down each call fails after a second. What is measured
is how soon its return is noticed, and that it ends the pauses of all.
"""

import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import mkdtemp

from sqlalchemy import update
from sqlmodel import col, select

from access.grants.claims import LONGEST_PAUSE
from access.models import EndedBy, Grant, GrantStatus, Request
from access.provider import target_of
from access.unit_of_work import grant_item
from bench.due import CALL_MS, CALLS
from bench.ends import Stage, WentWrong, stage, working
from bench.figures import Figure, quantile
from bench.servers import Kind, Servers, say, wait_for
from bench.slow_target import NAME, Journal, SlowTarget
from workers.pacing import Limits

KIND: Kind = "PostgreSQL"
EVERY = 0.5
"""Seconds from one end to the next on the target that is well."""
FAILS_AFTER = 1.0
WITHIN = 5.0
"""Seconds from its return, beside what the calls take."""
DOWN_FOR = timedelta(minutes=10)
"""As the rows have it."""
OTHER = "other-db"


def measure(servers: Servers, *, count: int, calm: float, down: float, failed: int = 10) -> list[Figure]:
    """`count` grants overdue after `failed` tries each, on a target that is down for `down` more seconds.

    Before that all is well for `calm` seconds. Raises WentWrong.
    """
    return list(_measure(servers, count, calm, down, failed))


def _measure(servers: Servers, count: int, calm: float, down: float, failed: int) -> Iterator[Figure]:
    say(f"  outage: {count:,} overdue on a target that is down for another {down:g} s, another one beside it")
    before, during = round(calm / EVERY), round((down + calm) / EVERY)
    with stage(servers, KIND, count + before + during, milliseconds=CALL_MS) as made:
        overdue, well = made.ids[:count], made.ids[count:]
        other = _elsewhere(servers, made, well)
        with working(made):
            moments = other.due_every(well[:before], EVERY)
            other.wait_for(well[:before], calm + 60)
            made.journal.go_down(FAILS_AFTER)
            _overdue(made, overdue, failed)
            others = other.due_every(well[before:], EVERY)
            time.sleep(down)
            returned = time.time()
            made.journal.come_back()
            wait_for(lambda: made.journal.holders() == 0, "what was overdue to be gone", within=180, every=0.1)
            gone = max(made.journal.times("revoke").values()) - returned
            other.wait_for(well, 60)
    floor = count * len(CALLS) * CALL_MS / 1000 / Limits().threads
    goal = round(WITHIN + floor, 2)
    name = f"{count:,} overdue, gone after the return of their target"
    yield Figure(name=name, value=gone, unit="s", floor=floor, goal=goal, samples=count)
    well_late, late = other.lateness(moments), other.lateness(others)
    name = f"lateness on another target meanwhile, {KIND}"
    for title, share in (("p50", 0.5), ("p99", 0.99)):
        value, least = 1000 * quantile(late, share), 1000 * quantile(well_late, share)
        yield Figure(name=f"{name}, {title}", value=value, unit="ms", floor=least, samples=len(late))


def _elsewhere(servers: Servers, made: Stage, ids: Sequence[str]) -> Stage:
    """Moves these to a target of their own."""
    directory = Path(mkdtemp(prefix="target-", dir=servers.directory))
    settings = {"directory": str(directory), "milliseconds": CALL_MS}
    with made.core.database.write() as session:
        chosen = col(Grant.id).in_(ids)
        asked = col(Request.id).in_(select(Grant.request_id).where(chosen))
        # As if they had been asked for there: a grant that differs from its request is set right.
        for row, which in ((Request, asked), (Grant, chosen)):
            session.connection().execute(update(row).where(which).values(resource=OTHER, settings=settings))
        key = target_of({NAME: SlowTarget}, NAME, settings)  # by which it has lanes of its own
        session.connection().execute(update(Grant).where(chosen).values(target_key=key))
    for identifier in ids:
        made.journal.holder(identifier).unlink()
    journal = Journal(directory)
    journal.start(ids)
    return Stage(made.core, made.environment, journal, list(ids))


def _overdue(made: Stage, ids: Sequence[str], failed: int) -> None:
    """These should have ended long ago; each has been tried so often, and is tried again within the longest pause."""
    now = made.core.clock.now()
    pause = min(2.0**failed, LONGEST_PAUSE.total_seconds())
    values = {
        "status": GrantStatus.REVOKING, "ended_by": EndedBy.EXPIRED, "expires_at": now - DOWN_FOR,
        "end_due_at": now - DOWN_FOR, "alert_at": None, "attempts": failed,
    }  # fmt: skip
    moments = {identifier: now + number * timedelta(seconds=pause) / len(ids) for number, identifier in enumerate(ids)}
    with made.core.database.write() as session:
        session.connection().execute(update(Grant).where(col(Grant.id).in_(ids)).values(values))
        for identifier, moment in moments.items():
            since = moment - timedelta(seconds=pause) if failed else None
            tried = {"due_at": moment, "unanswered_at": since}
            session.connection().execute(update(Grant).where(col(Grant.id) == identifier).values(tried))
    made.core.agenda.add((grant_item(identifier), moment) for identifier, moment in moments.items())
    if made.journal.times("revoke"):
        raise WentWrong("The target was down, and took something away.")
