"""A database that was restored from a backup: noticed by what is remembered outside, and compared with every target.

Until that is done the gate is closed (admission.py). docs/adr/0014-a-restored-database.md.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import cast

from sqlalchemy import update
from sqlmodel import Session, col, func, or_, select

from access.actors import Actor, system
from access.comparisons import SECOND_LOOK, compare_anew, not_comparable, resources_to_compare
from access.core import Core, held_grants
from access.durations import format_duration
from access.grants.admission import RESTORED, being_compared
from access.grants.revoke import start_removal
from access.lifecycle import OPENING
from access.log_checkpoint import FOREIGN_MARK, LogCheckpoint
from access.models import (
    Alert,
    AlertKind,
    AlertVariant,
    AuditEvent,
    AuditHead,
    CheckKind,
    EndedBy,
    Grant,
    GrantStatus,
    PeriodicCheck,
)
from access.unit_of_work import Cause, UnitOfWork

DATABASE = "database"
ACTOR = system("restored")
MAY_HAVE_BEEN_OPENED = "The database was restored from a backup and does not know what became of it. Please ask again."
_NOTICED = (
    "The database is older than it was: event {event} of its log was written before, and is now missing or different. "
    "What was done {when} is not known. Nothing new is granted until every target has been compared with it."
)
COMPARE_BY_HAND = (
    "The provider of {resource} cannot list Countersign's access there. What was opened after the backup has no record "
    "any more and is not found by itself. Compare it by hand."
)
_FORGED = (
    "Redis held a mark of the audit log that this installation did not write. It was ignored and written over, and "
    "stopped nothing. If the job key was exchanged without COUNTERSIGN_JOB_KEY_OLD, that is why. Otherwise "
    "someone else writes into Redis: change its password and look at who can reach it."
)
UNCOMPARED = ":uncompared"
"""After the name of a resource the key of the alert that a person must compare it by hand."""
NOTHING_SHARED = datetime.fromtimestamp(0, UTC)
"""It was restored to what it was before its first event."""
_ON_ITS_WAY = (*OPENING, GrantStatus.REVOKING)
_MOST = 500


def watch(core: Core) -> bool:
    """For every sweep. True while the gate is closed."""
    return detect(core) and _go_on(core)


def detect(core: Core) -> bool:
    """Closes the gate when the log does not have what is remembered of it; then remembers how far it is now.

    True while the gate is closed.
    """
    remembered = core.marks.known()
    # In this order: what is remembered was written before, so the log must have it.
    with core.database.read() as session:
        head = session.exec(select(AuditHead)).one()
        missing = _not_compared(session, [mark for mark in remembered if not _has(session, head, mark)])
        closed = being_compared(session) is not None
        since = _last_before(session, missing) if missing else head.at
    if missing:
        event = max(mark.seq for mark in missing)
        begin(core, since, _NOTICED.format(event=event, when=_when(since)), actor=ACTOR)
        with core.database.read() as session:
            head = session.exec(select(AuditHead)).one()
    if core.marks.refused():
        _tell_of_forgery(core)
    core.marks.note(LogCheckpoint(head.seq, head.hash, head.at))
    return closed or bool(missing)


def _not_compared(session: Session, missing: Sequence[LogCheckpoint]) -> Sequence[LogCheckpoint]:
    """Those that are newer than the last comparison began: else an old mark, kept and put back, would close the gate.

    What was done before that moment, in whichever life of the database, was found by that comparison.
    """
    if not missing:
        return missing
    newest = select(func.max(AuditEvent.at)).where(AuditEvent.action == RESTORED)
    begun = cast("datetime | None", session.exec(newest).one())  # typed as if there were always one
    return [mark for mark in missing if begun is None or mark.at > begun]


def _tell_of_forgery(core: Core) -> None:
    with core.work(ACTOR) as work:
        work.open_alert(
            AlertKind.JOBS, FOREIGN_MARK, _FORGED, channel=core.security_channel(), variant=AlertVariant.FOREIGN_MARK
        )


def begin(core: Core, since: datetime, sentence: str, *, actor: Actor) -> None:
    """Closes the gate and has every target compared at once. `since`: what was done after it is not known."""
    with core.database.read() as session:
        resources, others = resources_to_compare(core, session), not_comparable(core, session)
    if others:
        sentence += f" To compare by hand, because their providers cannot list our access: {', '.join(others)}."
    causes = [
        Cause(_uncompared(one), COMPARE_BY_HAND.format(resource=one), one, variant=AlertVariant.UNCOMPARED)
        for one in others
    ]
    channel = core.security_channel()
    with core.work(actor) as work:
        work.record(RESTORED, None, since=since)
        work.open_alert(AlertKind.RESTORED, DATABASE, sentence, channel=channel)
        _note_since(work, since)
        work.open_alerts(AlertKind.DRIFT, causes, channel=channel)
        compare_anew(work, sorted(resources))


def _note_since(work: UnitOfWork, since: datetime) -> None:
    """Of several restores before all is compared, what was lost by any counts."""
    opened = update(Alert).where(
        col(Alert.kind) == AlertKind.RESTORED, col(Alert.closed_at).is_(None),
        or_(col(Alert.since).is_(None), col(Alert.since) > since),
    )  # fmt: skip
    work.session.connection().execute(opened.values(since=since))


def end_by_hand(core: Core, *, actor: Actor) -> None:
    """Somebody has looked, and takes the blame: opens the gate, whatever was not compared by itself."""
    with core.work(actor) as work:
        others = by_hand(work.session)
        work.record("database.compared", None, by_hand=True, not_compared=others)
        work.close_alerts(DATABASE, AlertKind.RESTORED)
        for resource in others:
            work.close_alerts(_uncompared(resource), AlertKind.DRIFT)


def by_hand(session: Session) -> list[str]:
    """Resources that somebody must still compare by hand, and say that they did. They do not hold up the gate."""
    left = select(Alert.resource).filter_by(kind=AlertKind.DRIFT, variant=AlertVariant.UNCOMPARED, closed_at=None)
    return sorted(resource for resource in session.exec(left) if resource is not None)


def last_known(core: Core) -> datetime:
    """The time of the newest event."""
    with core.database.read() as session:
        return session.exec(select(AuditHead.at)).one()


def what_is_left(core: Core, session: Session, alert: Alert) -> list[str]:
    """Sentences: what must still be looked at, or proven gone, before anything new is granted."""
    if core.known_policy() is None:
        return ["The access policy cannot be used, so not all targets are known."]
    rows = {row.subject: row for row in session.exec(select(PeriodicCheck).filter_by(kind=CheckKind.DRIFT))}
    left = [
        f"{resource} has not been compared yet{_why_not(rows.get(resource))}."
        for resource in sorted(resources_to_compare(core, session))
        if not _is_compared(rows.get(resource), alert.opened_at)
    ]
    going = session.exec(
        select(func.count()).select_from(Grant).where(
            or_(
                col(Grant.status).in_(_ON_ITS_WAY),
                (col(Grant.status) == GrantStatus.ACTIVE) & (col(Grant.expires_at) <= core.clock.now()),
            )
        )
    ).one()  # fmt: skip
    grants = "1 grant is" if going == 1 else f"{going} grants are"
    return [*left, f"{grants} not proven gone yet."] if going else left


def _go_on(core: Core) -> bool:
    with core.database.read() as session:
        alert = being_compared(session)
        if alert is None:
            return False
        left = what_is_left(core, session, alert)
        begun = session.exec(select(Grant.id).where(col(Grant.status).in_(OPENING)).limit(_MOST)).all()
    if begun:
        _end_what_may_have_been_opened(core, begun)
    elif not left:
        took = format_duration(core.clock.now() - alert.opened_at)
        with core.work(ACTOR) as work:
            work.record("database.compared", None, by_hand=False, took=took, not_compared=by_hand(work.session))
            work.close_alerts(DATABASE, AlertKind.RESTORED)
        return False
    return True


def _end_what_may_have_been_opened(core: Core, begun: Iterable[str]) -> None:
    """It was approved before the backup. After it, it may have been opened, and ended or taken back again."""
    with core.work(ACTOR) as work:
        for grant in held_grants(work.session, begun):
            if grant.status in OPENING:
                start_removal(work, grant, EndedBy.DRIFT, at=work.now, reason=MAY_HAVE_BEEN_OPENED)


def _uncompared(resource: str) -> str:
    return f"{resource} {UNCOMPARED}"


def _has(session: Session, head: AuditHead, mark: LogCheckpoint) -> bool:
    if mark.seq >= head.seq:
        return (mark.seq, mark.hash) == (head.seq, head.hash)
    if mark.seq == 0:
        return True  # before the first event
    return session.exec(select(AuditEvent.hash).where(AuditEvent.seq == mark.seq)).first() == mark.hash


def _last_before(session: Session, missing: Sequence[LogCheckpoint]) -> datetime:
    """The newest event that is as old as what is missing: all after it belongs to another life."""
    shared = select(func.max(AuditEvent.at)).where(col(AuditEvent.at) <= min(mark.at for mark in missing))
    return session.exec(shared).one() or NOTHING_SHARED


def _when(since: datetime) -> str:
    return "until now" if since == NOTHING_SHARED else f"after {since:%Y-%m-%d %H:%M:%S} UTC"


def _is_compared(row: PeriodicCheck | None, since: datetime) -> bool:
    """There was an answer since, and no second look is near."""
    if row is None or row.problem or row.looked_at is None or row.looked_at < since:
        return False
    return row.due_at - row.looked_at > SECOND_LOOK


def _why_not(row: PeriodicCheck | None) -> str:
    if row is not None and row.problem:
        return f": {row.problem.rstrip('.')}"
    return ""
