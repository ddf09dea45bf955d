"""Looking outside again and again: who and what is looked at, claiming a look that is due, and when the next one is."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlmodel import col, select

from access.ids import LookId, ulid
from access.models import Look, LookKind
from access.operations.core import Core
from access.operations.work import Work
from access.ports import AgendaItem
from access.store import compare_and_set, insert_unless_there

CLAIM = timedelta(seconds=60)


@dataclass(frozen=True)
class Claimed:
    """One look that this worker alone takes until its claim ends."""

    look: Look

    @property
    def id(self) -> str:
        return self.look.id


@dataclass(frozen=True)
class Looked:
    """What came of a look. `problem`: there was no answer, which says nothing about what was looked at."""

    claimed: Claimed
    problem: str = ""
    healthy: bool = True


def look_item(identifier: str) -> AgendaItem:
    return AgendaItem(f"look:{identifier}")


def keep_looks(work: Work, wanted: Mapping[LookKind, Mapping[str, timedelta]]) -> None:
    """Has a look for each of these subjects and for no other of the kinds; a new one comes by chance within its span.

    By chance, so that a hundred people who asked at nine are not asked after in the same second for ever.
    """
    spans = {(kind, subject): span for kind, subjects in wanted.items() for subject, span in subjects.items()}
    rows = work.session.exec(select(Look.kind, Look.subject, Look.id).where(col(Look.kind).in_(wanted)))
    there = {(LookKind(kind), subject): identifier for kind, subject, identifier in rows}
    for kind, subject in sorted(spans.keys() - there.keys()):
        due_at = work.now + spans[kind, subject] * random.random()  # noqa: S311 -- spread, not a secret
        insert_unless_there(
            work.session, Look(id=LookId(ulid(work.now)), kind=kind, subject=subject, due_at=due_at)
        )  # fmt: skip
    left = sorted(there[one] for one in there.keys() - spans.keys())
    if left:
        work.session.connection().execute(delete(Look).where(col(Look.id).in_(left)))


def claim_looks(core: Core, ids: Sequence[str], kind: LookKind) -> list[Claimed]:
    """Looks before it locks: it is asked about every item of its queue and seldom meant."""
    with core.database.read() as session:
        wanted = session.exec(select(Look.id).where(col(Look.id).in_(ids), Look.kind == kind)).all()
    if not wanted:
        return []
    taken = list[Look]()
    with core.work("system:looks") as work:
        due = select(Look).where(col(Look.id).in_(wanted), col(Look.due_at) <= work.now).order_by(col(Look.id))
        for look in work.session.exec(due).all():
            if _set(work, look, fence=look.fence + 1, due_at=work.now + CLAIM):
                taken.append(look)
    return [Claimed(look) for look in taken]


def release_looks(core: Core, claimed: Sequence[Claimed]) -> None:
    if not claimed:
        return
    with core.work("system:looks") as work:
        for one in sorted(claimed, key=lambda one: one.id):
            _set(work, one.look, due_at=work.now)


def look_again(work: Work, look: Look, *, after: timedelta, answered: bool = True, **values: object) -> bool:
    """False: the claim had run out and another has it."""
    if answered:
        values["looked_at"] = work.now
    return _set(work, look, due_at=work.now + after, **values)


def look_no_more(work: Work, look: Look) -> None:
    work.session.connection().execute(delete(Look).where(col(Look.id) == look.id, col(Look.fence) == look.fence))


def _set(work: Work, look: Look, *, due_at: datetime, **values: object) -> bool:
    values["due_at"] = due_at
    won = compare_and_set(work.session, Look, look.id, expected={"fence": look.fence}, values=values)
    if won:
        work.due.append((look_item(look.id), due_at))
    if won and look in work.session:
        work.session.refresh(look)
    return won
