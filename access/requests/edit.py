"""The requester changes a pending request: the next version, which every approver is asked about anew."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from access.actors import Actor
from access.approvers import people_now
from access.catalog import PersonEntry
from access.core import Core, load_grant, load_request
from access.decisions import keep_asked
from access.durations import typed_duration
from access.errors import AlreadyDecided, Conflict, InvalidInput, NotYours, RequestLapsed
from access.grants.admission import refuse_while_closed
from access.ids import RequestId
from access.models import Request, RequestStatus, VersionOrigin
from access.people import is_same, requester_of
from access.policy.decide import Ask, render
from access.policy.facts import ask_again
from access.policy.fingerprint import button_value, parse_button
from access.requests.extend import extended_before
from access.requests.narrow import TypedTime, read_time
from access.requests.submit import Preview, decide_all, preview
from access.requests.versions import AS_ASKED, Made, post_version, successor
from access.unit_of_work import LostRace, UnitOfWork
from access.words import clean


@dataclass(frozen=True, kw_only=True)
class Editable:
    """What would be changed, before it is."""

    request: Request
    button: str
    """By which the version is known that is shown."""
    time: str
    """How long, or until when, as its requester would type it."""
    terms: Preview


def may_edit(core: Core, *, request_id: RequestId, by: Actor, zone: ZoneInfo) -> Editable:
    """Raises a Refusal unless this person could change it now. `zone`: the requester's, for an end."""
    with core.refusals_recorded(by, "request.edit", request_id):
        person = core.person(by, core.policy.current())
        with core.database.read() as session:
            request = load_request(session, request_id)
        _refuse_unless_theirs(request, person, core.clock.now())
        terms = preview(core, requester=by, entitlement=request.entitlement, lapses_at=request.lapses_at)
    button = button_value(request.id, request.version, request.fingerprint)
    return Editable(request=request, button=button, time=as_typed(request, zone), terms=terms)


def edit(core: Core, *, button: str, by: Actor, time: TypedTime, reason: str) -> Request:
    """What was voted is void, and it lapses when the first version would have. Raises a Refusal with what to mend.

    `button`: of the version that was shown.
    """
    shown = parse_button(button)
    with core.refusals_recorded(by, "request.edit", shown.request_id):
        policy = core.policy.current()
        person = core.person(by, policy)
        with core.work(by) as work:
            refuse_while_closed(work.session)
            request = load_request(work.session, shown.request_id)
            _refuse_unless_theirs(request, person, work.now)
            if request.version != shown.version:
                raise _changed_meanwhile(work, request, shown.version)
            ask, unread = _asked(work, request, time, reason)
            people = people_now(work.session, policy)
            decision = decide_all(policy, people, ask, unread)
            if (ask.duration, ask.until, decision.terms.reason) == (request.duration, request.until, request.reason):
                raise InvalidInput("reason", "Change the time or the reason; both are as they were.")
            trace = render(decision.trace).splitlines()
            made = Made(
                origin=VersionOrigin.EDITED, by=requester_of(request), values=AS_ASKED, details={"trace": trace}
            )
            try:
                post_version(work, request, ask, decision.terms, made, providers=core.providers)
            except LostRace:
                work.session.refresh(request)
                _refuse_unless_theirs(request, person, work.now)
                raise _changed_meanwhile(work, request, shown.version) from None
            keep_asked(work, people, request)
    return request


def as_typed(request: Request, zone: ZoneInfo) -> str:
    if request.duration is not None:
        return typed_duration(request.duration)
    assert request.until is not None, "a request has a duration or an end"
    return f"until {request.until.astimezone(zone):%H:%M}"


def _refuse_unless_theirs(request: Request, person: PersonEntry, now: datetime) -> None:
    if not is_same(person, requester_of(request)):
        raise NotYours("Only the person who asked can change a request.")
    if request.status != RequestStatus.PENDING:
        raise AlreadyDecided(f"This request is already {request.status}, so it can't be changed. You can ask again.")
    if now >= request.lapses_at:
        raise RequestLapsed


def _changed_meanwhile(work: UnitOfWork, request: Request, version: int) -> Conflict:
    after = successor(work.session, request, version)
    if after is not None and after.origin == VersionOrigin.NARROWED:
        what = f"{after.made_by} has narrowed the time of this request while you were writing."
    else:
        what = "This request has changed while you were writing."
    return Conflict(f"{what} Nothing of this was sent. Press Change it again to see it as it is now.")


def _asked(work: UnitOfWork, request: Request, time: TypedTime, reason: str) -> tuple[Ask, InvalidInput | None]:
    """What is asked now; and why the time could not be read, to be told with all else that is wrong."""
    asked = replace(ask_again(request, work.now, extended=extended_before(work, request)), reason=clean(reason).text)
    ends = load_grant(work.session, request.extends).expires_at if request.extends else None
    asked = replace(asked, open_until=ends)
    if time.text.strip() == as_typed(request, time.zone):
        return asked, None  # an end far ahead, and its seconds, are not to be read from the words
    try:
        wanted = read_time(time, now=max(request.starts_at or work.now, work.now))
    except InvalidInput as unread:
        return replace(asked, duration=None, until=None), unread
    if not isinstance(wanted, timedelta):
        return replace(asked, duration=None, until=wanted), None
    # More time is asked for until an end, as the form of an extension reads it.
    return (
        replace(asked, duration=None, until=ends + wanted) if ends else replace(asked, duration=wanted, until=None)
    ), None
