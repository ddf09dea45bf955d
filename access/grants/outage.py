"""A target that does not answer: one grant that waits for it is tried every two seconds, and when it answers, all are.

Each failed call makes the pause of its grant longer, up to three quarters of a minute. Nothing there would be tried
for so long after the target is back; so its return is looked for by one grant, and ends the pauses of all. Who waits is
said by the rows alone (`unanswered_at`): any timekeeper may look for the return, any worker notice it, twice as well.
docs/adr/0038-what-waits-goes-at-once.md.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, func
from sqlmodel import col

from access.actors import system
from access.bulk import one_of
from access.core import Core, held_grants
from access.errors import ProviderError, RateLimited, Transient
from access.grants.claims import LONGEST_PAUSE, answered
from access.ids import GrantId
from access.lifecycle import CLOSING, UNFINISHED
from access.models import Grant, UtcDateTime
from access.unit_of_work import UnitOfWork, grant_item

ACTOR = system("outage")
PROBE_EVERY = timedelta(seconds=2)
"""From one unanswered call to the next, of all grants of a target together."""
IN_HAND = timedelta(seconds=15)
"""A grant that is due, or was claimed, is called within this time, or its call is given up; later it counts no more."""
AT_A_TIME = 1_000


def at_target() -> ColumnElement[str]:
    """Where a grant is; of a row that the version before made, its resource stands for that."""
    return func.coalesce(func.nullif(col(Grant.target_key), ""), col(Grant.resource))


def some_wait(now: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
    """Whether a call was not answered, and its grant is not over."""
    waiting = sa.select(col(Grant.unanswered_at)).where(col(Grant.unanswered_at) <= now, col(Grant.due_at).is_not(None))
    return waiting.order_by(col(Grant.unanswered_at)).limit(1).scalar_subquery().is_not(None)


def word_of(grant: Grant, error: ProviderError | None, now: datetime) -> dict[str, Any]:
    """What its row says of the call that has just ended. Most were never left unanswered, and say nothing new."""
    if error is not None and not _has_answered(error):
        return {"unanswered_at": now}
    return {} if grant.unanswered_at is None else {"unanswered_at": None}


def note_answers(core: Core, grants: Sequence[Grant]) -> None:
    """These, as they were claimed, have had an answer. Where one had waited for it, nothing waits there any longer."""
    back = {grant.target_key or grant.resource for grant in grants if grant.unanswered_at is not None}
    for target in sorted(back):
        while _release(core, target) == AT_A_TIME:
            pass


def probe_targets(core: Core) -> None:
    """Has one grant tried at each target where none was for two seconds: the one that has waited longest."""
    now = core.clock.now()
    given = {"now": now, "long_due": now - IN_HAND, "just_claimed": now + LONGEST_PAUSE, "quiet": now - PROBE_EVERY}
    with core.database.read() as session:
        found = session.connection().execute(_next_probes(), given).scalars().all()
    if not found:
        return
    with core.work(ACTOR, together=True) as work:
        for grant in held_grants(work.session, found):
            if _waits(grant.due_at, grant.unanswered_at, work.now):
                work.set_grant(grant, due_at=work.now)  # it keeps its mark: by that its answer ends the outage


def _has_answered(error: ProviderError) -> bool:
    """Also who says when to come again: that time is the target's own, and no other grant's answer shortens it."""
    return (
        answered(error) or isinstance(error, RateLimited) or (isinstance(error, Transient) and bool(error.retry_after))
    )


def _waits(due_at: datetime | None, unanswered_at: datetime | None, now: datetime) -> bool:
    """No pause is longer than the longest: a later moment ends a claim, which the version before leaves unnamed."""
    if due_at is None or unanswered_at is None:
        return False
    return now < due_at <= unanswered_at + LONGEST_PAUSE


def _release(core: Core, target: str) -> int:
    """Makes some of those that wait due now, ends before starts; returns how many.

    What another worker releases, or a person holds, at this moment is left to them: no two wait for each other.
    """
    with core.work(ACTOR) as work:
        rows = work.session.connection().execute(_waiting(), {"target": target, "now": work.now})
        ids = [one for one, due_at, unanswered_at in rows if _waits(due_at, unanswered_at, work.now)]
        if ids:
            _make_due(work, ids)
    return len(ids)


def _make_due(work: UnitOfWork, ids: Sequence[GrantId]) -> None:
    """These are held, and wait for nothing else."""
    chosen = sa.update(Grant).where(one_of(col(Grant.id), "ids", work.session.get_bind().dialect.name))
    values = {"due_at": work.now, "unanswered_at": None}
    work.session.connection().execute(chosen.values(values), {"ids": ids})
    work.due += [(grant_item(one), work.now) for one in ids]


@cache
def _waiting() -> sa.Select[GrantId, datetime | None, datetime | None]:
    wanted = sa.select(col(Grant.id), col(Grant.due_at), col(Grant.unanswered_at)).where(
        at_target() == sa.bindparam("target"), col(Grant.unanswered_at).is_not(None), col(Grant.claimed_by).is_(None),
        col(Grant.due_at) > sa.bindparam("now", type_=UtcDateTime()), col(Grant.status).in_(UNFINISHED),
    )  # fmt: skip
    ends_first = sa.case((col(Grant.status).in_(CLOSING), 0), else_=1)
    some = wanted.order_by(ends_first, col(Grant.alert_after_s), col(Grant.id)).limit(AT_A_TIME)
    return some.with_for_update(skip_locked=True)


@cache
def _next_probes() -> sa.Select[GrantId]:
    """Of each target the first in line, unless one of its grants is being tried, or was a moment ago."""
    now, long_due, just_claimed, quiet = (
        sa.bindparam(name, type_=UtcDateTime()) for name in ("now", "long_due", "just_claimed", "quiet")
    )
    due_at, unanswered_at, claimed_by = col(Grant.due_at), col(Grant.unanswered_at), col(Grant.claimed_by)
    is_due, is_claimed = due_at.between(long_due, now), claimed_by.is_not(None) & (due_at > just_claimed)
    is_waiting = (due_at > now) & claimed_by.is_(None)
    places = func.row_number().over(partition_by=[at_target(), is_waiting], order_by=[unanswered_at, col(Grant.id)])
    latest = func.max(unanswered_at).over(partition_by=at_target())
    in_hand = func.sum(sa.case((is_due | is_claimed, 1), else_=0)).over(partition_by=at_target())
    marked = sa.select(
        col(Grant.id), is_waiting.label("waiting"), places.label("place"), latest.label("latest"),
        in_hand.label("in_hand"),
    ).where(unanswered_at.is_not(None), due_at.is_not(None)).subquery()  # fmt: skip
    first = (marked.c.waiting, marked.c.place == 1, marked.c.in_hand == 0, marked.c.latest <= quiet)
    return sa.select(marked.c.id).where(*first)
