"""The canary: a harmless entitlement is opened and closed the whole way again and again, and a failure is told.

It is granted without a reviewer, because the policy names it, nobody can ask for it, and its receiver is nobody.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlmodel import Session, col, select

from access.actors import system
from access.catalog import Canary, Entitlement, Policy
from access.core import Core
from access.durations import format_duration
from access.errors import PolicyError
from access.ids import BatchId, RequestId, SlackUser, ulid_of
from access.models import Alert, AlertKind, Grant, Request, RequestStatus
from access.policy.canary import BEGUN, LASTS, LATE, NOBODY, REASON, canary_ask, canary_terms
from access.policy.decide import Terms
from access.requests.binding import bound
from access.requests.review import schedule
from access.requests.submit import resolved
from access.store import insert_unless_there
from access.unit_of_work import UnitOfWork

_ACTOR = system("canary")
_RUNS = 24
"""So many are looked back on: while one of them hangs, no other is begun."""


@dataclass(frozen=True)
class Standing:
    """How the newest finished run of each canary went."""

    well: int
    failing: int
    opened: timedelta
    """The slowest of those that went well: from its start to the open door."""
    late: timedelta
    """The latest of them: from when it was due to end to when it was proven gone."""


def run_canaries(core: Core) -> None:
    """For every sweep: begins the runs whose time has come, and opens and closes the alerts about those before."""
    try:
        policy = core.policy.current()
    except PolicyError:
        return  # nothing is granted; that alert is another
    canary = policy.canary
    if canary is not None:
        for entitlement in canary.entitlements:
            _run(core, policy, canary, entitlement)
    _tell(core, canary)


def standing(core: Core, session: Session) -> Standing | None:
    """None where the policy has no canary."""
    policy = core.known_policy()
    if policy is None or policy.canary is None:
        return None
    finished = [
        next((run for run in _runs(session, policy.canary, one, core.clock.now()) if run.ended_at), None)
        for one in policy.canary.entitlements
    ]
    well = [run for run in finished if run is not None and not _trouble(run, core.clock.now())]
    return Standing(
        well=len(well), failing=len([run for run in finished if run is not None]) - len(well),
        opened=max((_between(run.starts_at, run.activated_at) for run in well), default=timedelta()),
        late=max((_between(run.end_due_at, run.proven_at) for run in well), default=timedelta()),
    )  # fmt: skip


def _run(core: Core, policy: Policy, canary: Canary, entitlement: Entitlement) -> None:
    now = core.clock.now()
    identifier = _id(canary, entitlement, now)
    with core.database.read() as session:
        if session.get(Request, identifier) is not None:
            return
        if any(run.ended_at is None for run in _runs(session, canary, entitlement, now)):
            return
    granted = canary_terms(policy, entitlement)
    assert granted is not None, "a checked policy has every entitlement that it names"
    with core.work(_ACTOR) as work:
        request = _request(work, identifier, granted, core)
        if insert_unless_there(work.session, request):  # else another timekeeper has begun it
            work.record(BEGUN, request.id, resource=request.resource, role=request.role)
            schedule(core, work, request)


def _request(work: UnitOfWork, identifier: RequestId, granted: Terms, core: Core) -> Request:
    ask = canary_ask(granted.entitlement, work.now)
    return Request(
        id=identifier, batch_id=BatchId(identifier), status=RequestStatus.APPROVED, requester=NOBODY,
        requester_slack=SlackUser(""), subject=NOBODY, subject_slack=SlackUser(""),
        duration_s=int(LASTS.total_seconds()), reason=REASON, asked_at=work.now, lapses_at=work.now,
        decided_at=work.now, decided_because="The policy has this canary.",
        **resolved(ask, granted, core.providers) | bound(work, identifier, 1, ask, granted),
    )  # fmt: skip


def _id(canary: Canary, entitlement: Entitlement, at: datetime, back: int = 0) -> RequestId:
    """By its turn on the clock, so that of two timekeepers one begins it."""
    turn = int(at.timestamp() // canary.every.total_seconds()) - back
    begins = datetime.fromtimestamp(turn * canary.every.total_seconds(), UTC)
    return RequestId(ulid_of(begins, f"canary {entitlement}"))


def _runs(session: Session, canary: Canary, entitlement: Entitlement, now: datetime) -> list[Grant]:
    """The newest first."""
    ids = [_id(canary, entitlement, now, back) for back in range(_RUNS)]
    found = select(Grant).where(col(Grant.request_id).in_(ids)).order_by(col(Grant.id).desc())
    return list(session.exec(found))


def _tell(core: Core, canary: Canary | None) -> None:
    """An alert is open from the first failure to the next run that goes well, or until the policy drops the canary."""
    now = core.clock.now()
    entitlements = {str(one): one for one in canary.entitlements} if canary else {}
    with core.database.read() as session:
        alerted = set(session.exec(select(Alert.subject).filter_by(kind=AlertKind.CANARY, closed_at=None)))
        newest = {
            name: next(iter(_runs(session, canary, one, now)), None) for name, one in entitlements.items() if canary
        }
    troubles = {name: words for name, run in newest.items() if run is not None and (words := _trouble(run, now))}
    well = {name for name, run in newest.items() if run is not None and run.ended_at and name not in troubles}
    close = alerted & (well | (alerted - entitlements.keys()))
    wanted = troubles.keys() - alerted
    if not wanted and not close:
        return
    with core.work(_ACTOR) as work:
        for name in sorted(wanted):
            sentence = f"Access to {name} was tried and {troubles[name]}."
            work.open_alert(
                AlertKind.CANARY, name, sentence, channel=core.security_channel(),
                resource=entitlements[name].resource, name=entitlements[name].role,
            )  # fmt: skip
        for name in sorted(close):
            work.close_alerts(name, AlertKind.CANARY)


def _trouble(run: Grant, now: datetime) -> str:
    """What went wrong, to follow "was tried and"; empty while it goes well, or may still."""
    because = (run.problem or run.end_reason).rstrip(".")
    said = f": {because}" if because else ""
    if run.ended_at is not None:
        return "" if run.activated_at else f"did not open{said}"
    if run.activated_at is None and now > run.starts_at + LATE:
        return f"has not opened after {format_duration(now - run.starts_at)}{said}"
    if run.end_due_at is not None and now > run.end_due_at + LATE:
        return f"is not proven gone {format_duration(now - run.end_due_at)} after its end{said}"
    return ""


def _between(earlier: datetime | None, later: datetime | None) -> timedelta:
    return later - earlier if earlier and later else timedelta()
