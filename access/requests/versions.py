"""The versions of a request: what makes a new one, and what is said to who has an old one before them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session, select

from access.errors import RequestChanged
from access.ids import VersionId, ulid
from access.models import MessageKind, Request, RequestStatus, RequestVersion, VersionOrigin
from access.people import Party
from access.policy.decide import Ask, Terms
from access.policy.facts import whole_seconds
from access.ports import Provider
from access.requests.binding import bound
from access.requests.remind import remind_anew
from access.requests.submit import resolved
from access.store import compare_and_set
from access.unit_of_work import URGENT, LostRace, UnitOfWork

UNCLAIMED: Mapping[str, None] = dict.fromkeys(("claimed_by", "claimed_by_slack", "claimed_at", "claim_until"))
"""Nobody has read what a new version says."""
AS_ASKED: Mapping[str, None] = dict.fromkeys(
    ("narrowed_from", "narrowed_by", "narrowed_by_slack", "asked_duration_s", "asked_until")
)
"""Of what its requester has asked anew."""
_ACTIONS: Mapping[VersionOrigin, str] = {
    VersionOrigin.RULE: "request.changed", VersionOrigin.EDITED: "request.edited",
    VersionOrigin.NARROWED: "request.narrowed",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Made:
    """What makes a version."""

    origin: VersionOrigin
    by: Party | None = None
    """None: the policy."""
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Columns of the request that change with it."""
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What its event says besides."""
    seq: int | None = None
    """No vote may have come since this `decision_seq` was read; None: whatever was voted is void."""


BY_RULE = Made(origin=VersionOrigin.RULE)
"""The terms of the policy are others by now."""


def post_version(
    work: UnitOfWork, request: Request, ask: Ask, terms: Terms, made: Made, *,
    providers: Mapping[str, type[Provider]],
) -> None:  # fmt: skip
    """The next version, with a card of its own; the buttons of the present one are void. Raises LostRace."""
    before, version = request.fingerprint, request.version + 1
    work.request_changed(request)  # for who could decide so far
    values: dict[str, Any] = {
        **made.values, **UNCLAIMED, **resolved(ask, terms, providers), **bound(work, request.id, version, ask, terms),
        "duration_s": whole_seconds(terms.duration), "until": terms.until, "reason": terms.reason, "version": version,
    }  # fmt: skip
    expected = {"status": RequestStatus.PENDING, "version": request.version}
    expected |= {} if made.seq is None else {"decision_seq": made.seq}
    if not compare_and_set(work.session, Request, request.id, expected=expected, values=values):
        raise LostRace
    work.session.refresh(request)
    work.session.add(
        RequestVersion(
            id=VersionId(ulid(work.now)), request_id=request.id, version=version, origin=made.origin,
            made_by=made.by.name if made.by else None, made_by_slack=made.by.account if made.by else None, at=work.now,
        )
    )  # fmt: skip
    work.record(
        _ACTIONS[made.origin], request.id, version=version, fingerprint=request.fingerprint, before=before,
        duration_s=request.duration_s, until=request.until, reason=request.reason, **made.details,
    )  # fmt: skip
    work.request_changed(request)
    work.tell(MessageKind.REVIEW, request.id, request.channel, version=version, urgency=URGENT)
    remind_anew(work, request, terms.reminders)


def successor(session: Session, request: Request, version: int) -> RequestVersion | None:
    """What voided this older version. None: the rule had changed, as a process of the version before has seen."""
    if version >= request.version:
        return None
    return session.exec(select(RequestVersion).filter_by(request_id=request.id, version=version + 1)).first()


def request_changed(session: Session, request: Request, version: int) -> RequestChanged:
    """For who decides on a version that is void."""
    after = successor(session, request, version)
    if after is None or after.origin == VersionOrigin.RULE:
        return RequestChanged()
    edited = after.origin == VersionOrigin.EDITED
    what = f"{after.made_by} has {'changed' if edited else 'narrowed the time of'} this request since this was posted."
    return RequestChanged(f"{what} Please decide on the new card, which says what is asked now.")
