"""What was approved is what is given: a grant's row is held against its request, the votes on it and the decided end.

Only who can write the database can bring about a difference. Then nothing is given and nothing is revealed; ending goes
on, by what was approved. docs/adr/0020-what-was-approved.md.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from access.actors import system
from access.audit_words import read_event
from access.bulk import one_of
from access.core import Core, held_grants, load_grant, load_request
from access.errors import NotUsableYet
from access.grants.votes import approvals
from access.ids import GrantId, RequestId
from access.lifecycle import FINISHED
from access.models import Alert, AlertKind, AlertVariant, AuditEvent, Grant, GrantStatus, Request, RequestStatus, Review
from access.people import is_alike, requester_of, reviewer_of, subject_of
from access.policy.chain import Approved, stages_of, state, votes_of
from access.policy.facts import fingerprint_of_rows
from access.unit_of_work import UnitOfWork

START_WINDOW = timedelta(minutes=15)
"""A grant that is not active this long after its start ends as late."""
CHANGED = ":changed"
"""After the id of a grant the key of the alert that its row was changed."""
ALERT_LASTS = timedelta(days=1)
"""So long at least, also when the access is proven gone before: a digest has named it by then."""
COPIED = (
    "requester", "subject", "subject_slack", "resource", "role", "level", "provider", "principal", "settings",
    "definition", "scope", "duration_s", "until", "alert_after_s",
)  # fmt: skip
"""What a grant has from its request."""
ACTOR = system("integrity")
CLAIMED = "grant.activating"
"""The event of the first claim."""
UNREADABLE = (TypeError, ValueError, LookupError, AttributeError, OverflowError)
"""What comes of a column into which somebody has written something of another kind; no other row suffers from it."""
AT_A_TIME = 500
Channel = Callable[[], str | None]
"""Where the security team reads: asked for when there is something to say."""
_FOLLOWS = ("end_due_at", "alert_at", "target_expiry_stale_since")
"""What is set right with the end."""


def approved_start(request: Request) -> datetime:
    """Not before what was asked for, and not before it was decided."""
    decided_at = request.decided_at or request.asked_at
    return max(request.starts_at or decided_at, decided_at)


def differences(session: Session, grant: Grant) -> list[str]:
    """What of a grant that is to be opened is not as it was approved; by the names of the columns."""
    try:
        request = load_request(session, grant.request_id)
        return _differences(request, grant, approvals(session, request))
    except UNREADABLE:
        return ["request"]


def _differences(request: Request, grant: Grant, votes: Sequence[Review]) -> list[str]:
    found = what_differs(request, grant, votes)
    starts_at = approved_start(request)
    if grant.starts_at != starts_at:
        found.append("starts_at")
    if grant.start_by > starts_at + START_WINDOW:
        found.append("start_by")
    if grant.status == GrantStatus.SCHEDULED and grant.expires_at is not None:
        found.append("expires_at")  # it is written down at the first claim
    return found


def what_differs(request: Request, grant: Grant, votes: Sequence[Review]) -> list[str]:
    """The same for access that may be open: all but its times."""
    found = [column for column in COPIED if getattr(grant, column) != getattr(request, column)]
    # Over the very values that the provider is told.
    if not found and _fingerprint_of(request, grant) != request.fingerprint:
        found.append("fingerprint")
    if not _is_voted(request, votes):
        found.append("votes")
    return found


def _fingerprint_of(request: Request, given: Request | Grant) -> str | None:
    """Of what was asked, with the values of `given`; None where they are not what was stored, or of the right kind."""
    try:
        return fingerprint_of_rows(request, given)
    except UNREADABLE:
        return None


def is_as_asked(request: Request) -> bool:
    """Whether the row says what its fingerprint is of."""
    return _fingerprint_of(request, request) == request.fingerprint


def is_approved(session: Session, request: Request) -> bool:
    """Whether the row says what was voted on."""
    return is_as_asked(request) and _is_voted(request, approvals(session, request))


def decided_ends(
    session: Session, ids: Sequence[GrantId], *, besides: RequestId | None = None
) -> dict[GrantId, datetime]:  # fmt: skip
    """Until when each may last: what was asked from the first claim on, or until the end of an approved extension.

    The first claim is read from the log, which nobody changes without being found. `besides`: an extension that does
    not count yet. What cannot be read is not among them.
    """
    asked = sa.select(
        col(Grant.id), col(Request.until), col(Request.duration_s), col(Request.starts_at), col(Request.decided_at),
        col(Request.asked_at),
    ).join(Request, col(Request.id) == col(Grant.request_id))  # fmt: skip
    claimed = _claimed_ends(session, ids)
    ends = dict[GrantId, datetime]()
    for row in _readable(session, asked, col(Grant.id), ids):
        with suppress(*UNREADABLE):
            ends[row.id] = _first_end(row, claimed.get(row.id))
    extensions = select(Request.id).where(col(Request.extends).in_(ids), Request.status == RequestStatus.APPROVED)
    for identifier in session.exec(extensions).all():
        if identifier == besides:
            continue
        with suppress(*UNREADABLE):
            request = session.get_one(Request, identifier)
            grant, until = request.extends, request.until
            if grant is not None and until is not None and is_approved(session, request):
                ends[grant] = max(ends[grant], until)
    return ends


def hold_to_approval(work: UnitOfWork, grants: Collection[Grant], *, channel: Channel) -> set[GrantId]:
    """Sets right what was changed in rows that are held and may be on a target; the ids of those.

    Nothing is refused here: access ends as it was opened, at the earlier of the two ends.
    """
    wrong = _changed_copies(work.session, grants)
    lasting = {grant.id: grant.expires_at for grant in grants if _lasts(grant, work.now)}
    ends = decided_ends(work.session, list(lasting)) if lasting else {}
    right = set[GrantId]()
    for grant in grants:
        values = _as_approved(work, grant, wrong.get(grant.id, ()), channel)
        end, said = ends.get(grant.id), lasting.get(grant.id)
        if end is not None and said is not None and said > end:
            alert_at = end + timedelta(seconds=grant.alert_after_s)
            values |= {"expires_at": end, "end_due_at": end, "alert_at": alert_at, "target_expiry_stale_since": None}
        elif grant.status == GrantStatus.ACTIVE and _is_due_too_late(grant.due_at, grant.expires_at):
            values |= {"due_at": grant.expires_at}
        if values:
            right.add(grant.id)
            _set_right(work, grant, values, channel)
    return right


def _as_approved(work: UnitOfWork, grant: Grant, columns: Sequence[str], channel: Channel) -> dict[str, Any]:
    if not columns:
        return {}
    with suppress(*UNREADABLE):
        request = work.session.get_one(Request, grant.request_id)
        if is_approved(work.session, request):
            return {column: getattr(request, column) for column in columns}
    # The request was changed too and says nothing better.
    alert(work, grant, columns, "it ends as the row says", channel=channel())
    return {}


def ends_too_late(session: Session, grant: Grant, *, besides: RequestId | None = None) -> bool:
    """Whether its row says a later end than was decided."""
    return (
        grant.expires_at is not None and grant.expires_at > decided_ends(session, [grant.id], besides=besides)[grant.id]
    )


def usable(core: Core, grant_id: GrantId) -> Grant:
    """The row of open access that says what was approved, for making a secret from it. Raises NotUsableYet."""
    with core.database.read() as session:
        grant = load_grant(session, grant_id)
        if not _lasts(grant, core.clock.now()):
            raise NotUsableYet("This access is not open any more.")
        request = load_request(session, grant.request_id)
        columns = what_differs(request, grant, approvals(session, request))
        if ends_too_late(session, grant):
            columns.append("expires_at")
    if not columns:
        return grant
    with core.work(ACTOR) as work:
        held = held_grants(work.session, [grant.id])
        if not hold_to_approval(work, held, channel=core.security_channel):
            alert(work, grant, columns, "nothing is revealed", channel=core.security_channel())
    raise NotUsableYet("The record of this access was changed after the approval. The security team has been told.")


def check_open(core: Core) -> None:
    """For every call of the roster: the ends of all that is open, and the alerts of what is over."""
    with core.database.read() as session:
        wrong = list(_that_end_too_late(session))
        old = _over_for_long(session, core.clock.now())
    if not wrong and not old:
        return
    with core.work(ACTOR) as work:
        if wrong:
            hold_to_approval(work, held_grants(work.session, wrong), channel=core.security_channel)
        for subject in sorted(old):
            work.close_alerts(subject, AlertKind.DRIFT)


def alert(work: UnitOfWork, grant: Grant, columns: Sequence[str], what: str, *, channel: str | None) -> None:
    """`what` became of it, to end the sentence."""
    named = ", ".join(columns)
    sentence = f"The row of {grant.entitlement} of {grant.subject} was changed after the approval ({named}); {what}."
    work.open_alert(
        AlertKind.DRIFT, f"{grant.id} {CHANGED}", sentence, channel=channel, resource=grant.resource,
        grant_id=grant.id, variant=AlertVariant.CHANGED,
    )  # fmt: skip


def _set_right(work: UnitOfWork, grant: Grant, values: Mapping[str, Any], channel: Channel) -> None:
    columns = [column for column in values if column not in _FOLLOWS]
    alert(work, grant, columns, "it ends as it was approved", channel=channel())
    # By the fence whoever works on it from the changed row loses.
    end = values.get("expires_at", grant.expires_at)
    due_at = end if grant.status == GrantStatus.ACTIVE else work.now
    work.set_grant(grant, **{**values, "fence": grant.fence + 1, "due_at": due_at})
    work.record("grant.set-right", grant.id, outcome="failure", columns=columns, expires_at=grant.expires_at)
    work.changed(grant.request_id)


@cache
def _same_copies(dialect: str) -> sa.Select[GrantId]:
    """Those whose columns say what the request says, by the very text; whether others do is seen when they are read."""
    copies = [(getattr(Grant, column), getattr(Request, column)) for column in COPIED]
    texts = [[sa.cast(one, sa.Text) if isinstance(one.type, sa.JSON) else one for one in copy] for copy in copies]
    same = [copy.is_not_distinct_from(asked) for copy, asked in texts]
    chosen = sa.select(col(Grant.id)).join(Request, col(Request.id) == col(Grant.request_id))
    return chosen.where(one_of(col(Grant.id), "ids", dialect), *same)


def _changed_copies(session: Session, grants: Iterable[Grant]) -> dict[GrantId, list[str]]:
    """By the columns alone: asked at every end and almost never true."""
    ids = {"ids": [grant.id for grant in grants]}
    same = set(session.connection().execute(_same_copies(session.get_bind().dialect.name), ids).scalars())
    rows = {grant.id: grant for grant in grants if grant.id not in same}
    if not rows:
        return {}
    asked = sa.select(col(Request.id), *(getattr(Request, column) for column in COPIED))
    ids = sorted({grant.request_id for grant in rows.values()})
    requests = {row.id: row for row in _readable(session, asked, col(Request.id), ids)}
    found = dict[GrantId, list[str]]()
    for grant in rows.values():
        request = requests.get(grant.request_id)
        columns = [one for one in COPIED if request is None or getattr(grant, one) != getattr(request, one)]
        if columns:
            found[grant.id] = columns
    return found


def _claimed_ends(session: Session, ids: Sequence[GrantId]) -> dict[GrantId, datetime]:
    claimed = sa.select(col(AuditEvent.object_id), col(AuditEvent.entry)).where(
        col(AuditEvent.object_id).in_(ids), col(AuditEvent.action) == CLAIMED
    )
    found = session.connection().execute(claimed.order_by(col(AuditEvent.seq).desc()))  # so that the first one stays
    ends = dict[GrantId, datetime]()
    for identifier, entry in found:
        with suppress(*UNREADABLE):
            ends[GrantId(str(identifier))] = datetime.fromisoformat(read_event(entry).details["expires_at"])
    return ends


def _readable(
    session: Session, statement: sa.Select[*tuple[Any, ...]], column: Any, ids: Sequence[str]
) -> list[Any]:  # fmt: skip
    """The rows with one of these values, but those that cannot be read."""
    try:
        return list(session.connection().execute(statement.where(column.in_(ids))).all())
    except UNREADABLE:
        return [row for one in ids for row in _readable(session, statement, column, [one])] if len(ids) > 1 else []


def _first_end(asked: Any, claimed: datetime | None) -> datetime:
    """The log may lack the claim, where an older database was put back; then it began at the latest that it could."""
    if asked.until is not None:
        return asked.until
    decided_at = asked.decided_at or asked.asked_at
    latest = max(asked.starts_at or decided_at, decided_at) + START_WINDOW + timedelta(seconds=asked.duration_s or 0)
    return latest if claimed is None else min(claimed, latest)


def _that_end_too_late(session: Session) -> Iterator[GrantId]:
    open_now = sa.select(col(Grant.id), col(Grant.expires_at), col(Grant.due_at)).where(
        col(Grant.status) == GrantStatus.ACTIVE
    )
    for rows in session.connection().execute(open_now.order_by(col(Grant.id))).partitions(AT_A_TIME):
        ends = decided_ends(session, [row.id for row in rows])
        for row in rows:
            end = ends.get(row.id)
            if (end is not None and row.expires_at > end) or _is_due_too_late(row.due_at, row.expires_at):
                yield row.id


def _over_for_long(session: Session, now: datetime) -> set[str]:
    """Alerts whose access is proven gone."""
    over = select(Alert.subject).join(Grant, col(Grant.id) == col(Alert.grant_id)).where(
        Alert.kind == AlertKind.DRIFT, Alert.variant == AlertVariant.CHANGED, col(Alert.closed_at).is_(None),
        col(Alert.opened_at) < now - ALERT_LASTS, col(Grant.status).in_(FINISHED),
    )  # fmt: skip
    return set(session.exec(over))


def _lasts(grant: Grant, now: datetime) -> bool:
    return grant.status == GrantStatus.ACTIVE and grant.expires_at is not None and grant.expires_at > now


def _is_due_too_late(due_at: datetime | None, expires_at: datetime | None) -> bool:
    """Of open access: nobody would look when it ends."""
    return expires_at is not None and (due_at is None or due_at > expires_at)


def _is_voted(request: Request, votes: Sequence[Review]) -> bool:
    """By so many others as the chain wants, on what the row says."""
    if request.status != RequestStatus.APPROVED:
        return False
    parties = (requester_of(request), subject_of(request))
    others = [
        vote
        for vote in votes
        if vote.fingerprint == request.fingerprint and not any(is_alike(reviewer_of(vote), party) for party in parties)
    ]
    try:
        return isinstance(state(stages_of(request.chain), votes_of(others)), Approved)
    except UNREADABLE:
        return False
