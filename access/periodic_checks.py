"""Looking outside again and again: who and what is looked at, claiming a look that is due, and when the next one is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zlib import crc32

from sqlalchemy import delete
from sqlmodel import col, select

from access.actors import system
from access.core import Core
from access.ids import CheckId, ulid
from access.models import CheckKind, PeriodicCheck
from access.ports import AgendaItem
from access.store import compare_and_set, insert_unless_there
from access.unit_of_work import UnitOfWork

CLAIM = timedelta(seconds=60)


@dataclass(frozen=True)
class Claimed:
    """One look that this worker alone takes until its claim ends."""

    look: PeriodicCheck

    @property
    def id(self) -> str:
        return self.look.id


@dataclass(frozen=True)
class CheckOutcome:
    """What came of a look. `problem`: there was no answer, which says nothing about what was looked at."""

    claimed: Claimed
    problem: str = ""
    healthy: bool = True


def check_item(identifier: str) -> AgendaItem:
    return AgendaItem(f"look:{identifier}")


def keep_checks(work: UnitOfWork, wanted: Mapping[CheckKind, Mapping[str, timedelta]]) -> None:
    """Has a look for each of these subjects and for no other of the kinds; a new one comes within its span."""
    spans = {(kind, subject): span for kind, subjects in wanted.items() for subject, span in subjects.items()}
    rows = work.session.exec(
        select(PeriodicCheck.kind, PeriodicCheck.subject, PeriodicCheck.id).where(col(PeriodicCheck.kind).in_(wanted))
    )
    there = {(CheckKind(kind), subject): identifier for kind, subject, identifier in rows}
    for kind, subject in sorted(spans.keys() - there.keys()):
        due_at = work.now + spans[kind, subject] * spread(kind, subject)
        insert_unless_there(
            work.session, PeriodicCheck(id=CheckId(ulid(work.now)), kind=kind, subject=subject, due_at=due_at)
        )  # fmt: skip
    left = sorted(there[one] for one in there.keys() - spans.keys())
    if left:
        work.session.connection().execute(delete(PeriodicCheck).where(col(PeriodicCheck.id).in_(left)))


def spread(kind: CheckKind, subject: str) -> float:
    """0 to 1, always the same for a subject: a hundred people who asked at nine are not all looked at in one second."""
    return crc32(f"{kind}:{subject}".encode()) / 2**32


def claim_checks(core: Core, ids: Sequence[str], kind: CheckKind) -> list[Claimed]:
    """Looks before it locks: a look may be of another kind."""
    with core.database.read() as session:
        wanted = session.exec(
            select(PeriodicCheck.id).where(col(PeriodicCheck.id).in_(ids), PeriodicCheck.kind == kind)
        ).all()
    if not wanted:
        return []
    taken = list[PeriodicCheck]()
    with core.work(system("looks")) as work:
        due = (
            select(PeriodicCheck)
            .where(col(PeriodicCheck.id).in_(wanted), col(PeriodicCheck.due_at) <= work.now)
            .order_by(col(PeriodicCheck.id))
        )
        for look in work.session.exec(due).all():
            if _set(work, look, fence=look.fence + 1, due_at=work.now + CLAIM):
                taken.append(look)
    return [Claimed(look) for look in taken]


def release_checks(core: Core, claimed: Sequence[Claimed]) -> None:
    if not claimed:
        return
    with core.work(system("looks")) as work:
        for one in sorted(claimed, key=lambda one: one.id):
            _set(work, one.look, due_at=work.now)


def check_again(
    work: UnitOfWork, look: PeriodicCheck, *, after: timedelta, answered: bool = True, **values: object
) -> bool:
    """False: the claim had run out and another has it."""
    if answered:
        values["looked_at"] = work.now
    return _set(work, look, due_at=work.now + after, **values)


def check_no_more(work: UnitOfWork, look: PeriodicCheck) -> None:
    work.session.connection().execute(
        delete(PeriodicCheck).where(col(PeriodicCheck.id) == look.id, col(PeriodicCheck.fence) == look.fence)
    )


def _set(work: UnitOfWork, look: PeriodicCheck, *, due_at: datetime, **values: object) -> bool:
    values["due_at"] = due_at
    won = compare_and_set(work.session, PeriodicCheck, look.id, expected={"fence": look.fence}, values=values)
    if won:
        work.due.append((check_item(look.id), due_at))
    if won and look in work.session:
        work.session.refresh(look)
    return won
