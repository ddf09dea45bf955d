"""How long approvers usually take to answer: of many, never of one person."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import select
from sqlmodel import Session, col

from access.ids import Person, SlackUser
from access.lifecycle import ANSWERED
from access.models import AuditEvent, Request, Review
from access.policy.chain import stages_of
from access.ports import Json

FEWEST = 5
"""Decisions: of fewer, nothing usual can be said."""
NEWEST = 50
"""So many count: people and habits change."""
_READ = 300
"""So many of all decisions are looked through for those."""
LAPSED = "request.lapsed"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One request that was decided, or that nobody answered."""

    resource: str
    groups: frozenset[str]
    took: timedelta
    """`timedelta.max`: nobody answered."""
    name: Person | None = None
    account: SlackUser | None = None


def recent_answers(session: Session) -> list[Answer]:
    """The newest decisions, the newest first, and what lapsed meanwhile."""
    # From the votes and the log: of requests there are many more, for canaries make some every few minutes.
    chain = cast("Any", col(Request.chain))  # its type is not known to the last
    decided = (
        select(
            col(Review.at), col(Review.reviewer), col(Review.reviewer_slack), col(Request.asked_at),
            col(Request.resource), chain, col(Review.request_id), col(Review.stage),
        )
        .join(Request, (col(Request.id) == col(Review.request_id)) & (col(Request.version) == col(Review.version)))
        .where(col(Request.status).in_(ANSWERED))
        .order_by(col(Review.id).desc()).limit(_READ)
    )  # fmt: skip
    rows = session.connection().execute(decided).all()
    answers = [
        Answer(
            resource=resource, groups=_groups(asked, stage), took=max(at - began, timedelta(0)), name=name,
            account=account,
        )
        for (at, name, account, _, resource, asked, _, stage), began in zip(rows, _began(rows), strict=True)
    ]  # fmt: skip
    return [*answers, *_lapsed(session, rows[-1][0])] if rows else []


def _lapsed(session: Session, since: datetime) -> list[Answer]:
    chain = cast("Any", col(Request.chain))
    lapsed = (
        select(col(Request.resource), chain)
        .join(AuditEvent, col(AuditEvent.object_id) == col(Request.id))
        .where(col(AuditEvent.action) == LAPSED, col(AuditEvent.at) >= since)
        .order_by(col(AuditEvent.seq).desc()).limit(_READ)
    )  # fmt: skip
    rows = session.connection().execute(lapsed)
    return [Answer(resource=resource, groups=_groups(asked, 1), took=timedelta.max) for resource, asked in rows]


def _groups(chain: Json, stage: int) -> frozenset[str]:
    stages = stages_of(chain)
    return frozenset(stages[stage - 1].groups) if stage <= len(stages) else frozenset()


def _began(rows: Sequence[Any]) -> list[datetime]:
    """Since when each of these votes was waited for: the one before it on the same request, or the asking."""
    latest: dict[str, datetime] = {}
    began: list[datetime] = []
    for row in reversed(rows):
        asked_at: datetime = row.asked_at
        began.append(latest.get(row.request_id, asked_at))
        latest[row.request_id] = row.at
    return began[::-1]


def usual_time(answers: Sequence[Answer], *, resource: str, groups: Collection[str]) -> timedelta | None:
    """The median of what these groups took for this resource, or else for any; None: too little is known.

    What lapsed took longer than everything: else a group that seldom answers would look quick.
    """
    theirs = [one for one in answers if one.groups == frozenset(groups)]
    here = _median([one for one in theirs if one.resource == resource])
    return _median(theirs) if here is None else here


def _median(answers: Sequence[Answer]) -> timedelta | None:
    decided = [one for one in answers if one.took < timedelta.max][:NEWEST]
    if len(decided) < FEWEST or _people(decided) < 2:
        return None
    lapsed = [one for one in answers if one.took == timedelta.max]
    median = sorted(one.took for one in (*decided, *lapsed))[(len(decided) + len(lapsed)) // 2]
    return median if median < timedelta.max else None


def _people(decided: Sequence[Answer]) -> int:
    """How many different ones decided: by name and by account, as with votes."""
    return min(len({one.name for one in decided}), len({one.account for one in decided}))
