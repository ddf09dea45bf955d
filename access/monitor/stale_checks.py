"""Looks that get no answer: what could not be looked at for three times its interval is an alert until it is seen."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from sqlmodel import col, select

from access.approvers import is_at_approver
from access.durations import format_duration
from access.grants.admission import being_compared
from access.ids import CheckId, made_at, ulid
from access.models import Alert, AlertKind, AlertVariant, CheckKind, PeriodicCheck
from access.monitor import offboarding
from access.reconcile import drift
from access.store import compare_and_set, insert_unless_there
from access.unit_of_work import Cause, UnitOfWork

UNANSWERED = ":unanswered"
"""After the name of a resource the key of the alert that nobody can say what stands there."""
MEMBERS = "members"
"""The key of the alert that nobody can say who is a member still."""
PATIENCE = 3
"""Intervals."""
BREAK = timedelta(minutes=2)
"""Who was not called for so long was not looked at either, and that is said by other alerts."""
_WITHOUT_A_BREAK = "without a break"


def note_silence(work: UnitOfWork, last_call: datetime | None, *, channel: str | None) -> None:
    """For every call of the roster; `last_call`: when it was called before."""
    since = _called_since(work, last_call)
    # Of a restored database a target that does not answer has the gate closed, which is alert enough.
    intervals = {CheckKind.MEMBER: offboarding.EVERY} | (
        {} if being_compared(work.session) else {CheckKind.DRIFT: drift.EVERY}
    )
    silent = dict[CheckKind, list[tuple[PeriodicCheck, datetime]]]()
    for row, answered in _silent(work, intervals, since):
        silent.setdefault(CheckKind(row.kind), []).append((row, answered))
    people = silent.get(CheckKind.MEMBER)
    places = [unanswered(row, work.now - answered) for row, answered in silent.get(CheckKind.DRIFT, [])]
    _settle(
        work,
        {AlertKind.DRIFT: places, AlertKind.SWEEP: [members_unknown(people, work.now)] if people else []},
        channel,
    )


def _called_since(work: UnitOfWork, last_call: datetime | None) -> datetime:
    """Since when the roster has been called without a break."""
    row = work.session.exec(select(PeriodicCheck).filter_by(kind=CheckKind.ROSTER, subject=_WITHOUT_A_BREAK)).first()
    if row is None:
        new = PeriodicCheck(
            id=CheckId(ulid(work.now)), kind=CheckKind.ROSTER, subject=_WITHOUT_A_BREAK, due_at=work.now
        )
        new.looked_at = work.now
        insert_unless_there(work.session, new)
        return work.now
    if last_call is not None and row.looked_at is not None and work.now - last_call <= BREAK:
        return row.looked_at
    values = {"fence": row.fence + 1, "due_at": work.now, "looked_at": work.now}
    compare_and_set(work.session, PeriodicCheck, row.id, expected={"fence": row.fence}, values=values)
    return work.now


def _silent(
    work: UnitOfWork, intervals: Mapping[CheckKind, timedelta], since: datetime
) -> Iterator[tuple[PeriodicCheck, datetime]]:  # fmt: skip
    """With the time of the last answer, or since when one could have come. Who only decides has nothing to lose."""
    for row in work.session.exec(
        select(PeriodicCheck).where(col(PeriodicCheck.kind).in_(intervals)).order_by(col(PeriodicCheck.subject))
    ):
        if is_at_approver(row):
            continue
        answered = max(row.looked_at or made_at(row.id) or since, since)
        if work.now - answered > PATIENCE * intervals[CheckKind(row.kind)]:
            yield row, answered


def unanswered(row: PeriodicCheck, silent: timedelta) -> Cause:
    why = f": {row.problem.rstrip('.')}" if row.problem else ""
    sentence = (
        f"{row.subject} could not be compared with what was granted for {format_duration(silent)}{why}. "
        "What stands there without a grant is not found meanwhile."
    )
    return Cause(f"{row.subject} {UNANSWERED}", sentence, row.subject, variant=AlertVariant.UNANSWERED)


def members_unknown(silent: list[tuple[PeriodicCheck, datetime]], now: datetime) -> Cause:
    whom = "1 person is still a member" if len(silent) == 1 else f"{len(silent)} people are still members"
    lasts = format_duration(now - min(answered for _, answered in silent))
    why = next((f": {row.problem.rstrip('.')}" for row, _ in silent if row.problem), "")
    sentence = (
        f"For {lasts} Slack has not said whether {whom}{why}. A person who has left keeps open access until its end."
    )
    return Cause(MEMBERS, sentence, variant=AlertVariant.MEMBERS)


def _settle(work: UnitOfWork, causes: Mapping[AlertKind, Sequence[Cause]], channel: str | None) -> None:
    """Opens these, and closes others of their kinds that this module had opened."""
    ours = col(Alert.variant).in_((AlertVariant.MEMBERS, AlertVariant.UNANSWERED))
    open_ones = select(Alert.kind, Alert.subject).where(col(Alert.closed_at).is_(None), col(Alert.kind).in_(causes))
    known = {(AlertKind(kind), subject) for kind, subject in work.session.exec(open_ones.where(ours))}
    found = {(kind, cause.subject): cause for kind, of_kind in causes.items() for cause in of_kind}
    for kind, subject in sorted(known - found.keys()):
        work.close_alerts(subject, kind)
    for wanted in causes:
        new = [found[one] for one in sorted(found.keys() - known) if one[0] == wanted]
        if new:
            work.open_alerts(wanted, new, channel=channel)
