"""Looks that get no answer: what could not be looked at for three times its interval is an alert until it is seen."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from sqlmodel import col, or_, select

from access.durations import format_duration
from access.ids import LookId, made_at, ulid
from access.models import Alert, AlertKind, Look, LookKind
from access.operations import drift, leave
from access.operations.approvers import is_at_approver
from access.operations.gate import being_compared
from access.operations.work import Cause, Work
from access.store import compare_and_set, insert_unless_there

UNANSWERED = ":unanswered"
"""After the name of a resource the subject of the alert that nobody can say what stands there."""
MEMBERS = "members"
"""The subject of the alert that nobody can say who is a member still."""
PATIENCE = 3
"""Intervals."""
BREAK = timedelta(minutes=2)
"""Who was not called for so long was not looked at either, and that is said by other alerts."""
_WITHOUT_A_BREAK = "without a break"


def note_silence(work: Work, last_call: datetime | None, *, channel: str | None) -> None:
    """For every call of the roster; `last_call`: when it was called before."""
    since = _called_since(work, last_call)
    # Of a restored database a target that does not answer has the gate closed, which is alert enough.
    places = [] if being_compared(work.session) else list(_silent(work, LookKind.DRIFT, drift.EVERY, since))
    people = list(_silent(work, LookKind.MEMBER, leave.EVERY, since))
    _settle(work, AlertKind.DRIFT, [unanswered(row, work.now - answered) for row, answered in places], channel)
    _settle(work, AlertKind.SWEEP, [members_unknown(people, work.now)] if people else [], channel)


def _called_since(work: Work, last_call: datetime | None) -> datetime:
    """Since when the roster has been called without a break."""
    row = work.session.exec(select(Look).filter_by(kind=LookKind.ROSTER, subject=_WITHOUT_A_BREAK)).first()
    if row is None:
        new = Look(id=LookId(ulid(work.now)), kind=LookKind.ROSTER, subject=_WITHOUT_A_BREAK, due_at=work.now)
        new.looked_at = work.now
        insert_unless_there(work.session, new)
        return work.now
    if last_call is not None and row.looked_at is not None and work.now - last_call <= BREAK:
        return row.looked_at
    values = {"fence": row.fence + 1, "due_at": work.now, "looked_at": work.now}
    compare_and_set(work.session, Look, row.id, expected={"fence": row.fence}, values=values)
    return work.now


def _silent(work: Work, kind: LookKind, every: timedelta, since: datetime) -> Iterator[tuple[Look, datetime]]:
    """With the time of the last answer, or since when one could have come. Who only decides has nothing to lose."""
    for row in work.session.exec(select(Look).filter_by(kind=kind).order_by(col(Look.subject))):
        if is_at_approver(row):
            continue
        answered = max(row.looked_at or made_at(row.id) or since, since)
        if work.now - answered > PATIENCE * every:
            yield row, answered


def unanswered(row: Look, silent: timedelta) -> Cause:
    why = f": {row.problem.rstrip('.')}" if row.problem else ""
    sentence = (
        f"{row.subject} could not be compared with what was granted for {format_duration(silent)}{why}. "
        "What stands there without a grant is not found meanwhile."
    )
    return Cause(f"{row.subject} {UNANSWERED}", sentence, row.subject)


def members_unknown(silent: list[tuple[Look, datetime]], now: datetime) -> Cause:
    whom = "1 person is still a member" if len(silent) == 1 else f"{len(silent)} people are still members"
    lasts = format_duration(now - min(answered for _, answered in silent))
    why = next((f": {row.problem.rstrip('.')}" for row, _ in silent if row.problem), "")
    sentence = (
        f"For {lasts} Slack has not said whether {whom}{why}. Who has left keeps what is open meanwhile, until its end."
    )
    return Cause(MEMBERS, sentence)


def _settle(work: Work, kind: AlertKind, causes: Iterable[Cause], channel: str | None) -> None:
    """Opens these of the kind, and closes others that this module had opened."""
    ours = or_(col(Alert.subject) == MEMBERS, col(Alert.subject).endswith(f" {UNANSWERED}", autoescape=True))
    known = set(work.session.exec(select(Alert.subject).filter_by(kind=kind, closed_at=None).where(ours)))
    found = {cause.subject: cause for cause in causes}
    for subject in sorted(known - found.keys()):
        work.close_alerts(subject, kind)
    new = [found[subject] for subject in sorted(found.keys() - known)]
    if new:
        work.open_alerts(kind, new, channel=channel)
