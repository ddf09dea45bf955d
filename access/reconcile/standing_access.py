"""Standing access: each look at a target is compared with what is known to stand there without a grant (ADR 19).

What is found is new until a person of the security team accepts it. A member that was made anew, a wider option, and
what was taken away and given again are new; what became narrower stays what it was.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, func, or_, select

from access.alerts.grouping import TOLD_ALONE
from access.canonical import canonical
from access.ids import StandingId, ulid
from access.models import (
    Alert,
    AlertKind,
    CheckKind,
    Message,
    MessageKind,
    PeriodicCheck,
    StandingAccess,
    StandingStatus,
)
from access.ports import Holder
from access.reconcile.holders import Seen
from access.store import Change, compare_and_set_all, insert_all_unless_there
from access.unit_of_work import URGENT, UnitOfWork

NEW, ACCEPTED, GONE = StandingStatus.NEW, StandingStatus.ACCEPTED, StandingStatus.GONE
FORGOTTEN_AFTER = timedelta(hours=1)
"""What no resource of the policy leads to any more is given up; one that was just renamed has looked by then."""
AT_A_TIME = 100
"""Of one event."""
_MOST = 500
"""Of one statement."""


@dataclass(frozen=True)
class CheckOutcome:
    """What one look at a resource's targets showed: everybody whom no grant explains."""

    resource: str
    at: datetime
    """When the target was asked: what was written after that is newer."""
    seen: Sequence[Seen]
    channel: str | None
    whole: bool
    """It was looked where the policy has the resource: what it led to and was not seen is gone."""


def settle(work: UnitOfWork, looks: Sequence[CheckOutcome]) -> None:
    """Writes what these looks showed; the alert of each place opens, changes or closes with it."""
    for look in looks:
        _settle_one(work, look)


def lock_alerts(work: UnitOfWork, looks: Sequence[CheckOutcome]) -> None:
    """Before anything is written, so that nobody closes an alert while somebody finds what it must tell of."""
    resources = {look.resource for look in looks}
    known = select(StandingAccess.place_id).where(
        col(StandingAccess.resource).in_(resources), col(StandingAccess.status) != GONE
    )
    places = {place_of(one, look.resource) for look in looks for one in look.seen}
    hold_alerts(work.session, places | set(work.session.exec(known.distinct())))


def hold_alerts(session: Session, places: Iterable[str]) -> None:
    """In one order, and before the rows that they tell of."""
    about = select(Alert.id).where(Alert.kind == AlertKind.STANDING, col(Alert.closed_at).is_(None))
    session.exec(about.where(col(Alert.subject).in_(sorted(places))).order_by(col(Alert.id)).with_for_update()).all()


def held_rows(session: Session, *conditions: Any) -> Sequence[StandingAccess]:
    """Those that stand, held until the commit, in one order."""
    wanted = select(StandingAccess).where(col(StandingAccess.status) != GONE, *conditions)
    fresh = wanted.order_by(col(StandingAccess.id)).with_for_update().execution_options(populate_existing=True)
    return session.exec(fresh).all()


def place_of(one: Seen, resource: str) -> str:
    """A provider that has no word for its target has one target a resource."""
    return sha256(canonical([one.provider, one.holder.place or resource]).encode()).hexdigest()[:32]


def known_slots(session: Session, slots: Iterable[str]) -> set[str]:
    stands = select(StandingAccess.slot).where(col(StandingAccess.status) != GONE)
    return set(session.exec(stands.where(col(StandingAccess.slot).in_(list(slots)))))


def slot_of(one: Seen, resource: str) -> str:
    """What makes it another one, beside its options."""
    held = one.holder
    member = held.member_id or held.principal
    parts = [place_of(one, resource), member, held.role, held.via, held.grantor, held.given_id]
    return sha256(canonical(parts).encode()).hexdigest()


def give_up(work: UnitOfWork, resources: Iterable[str]) -> None:
    """For every call of the roster: what is reached by none of these resources any more is not looked at again."""
    if work.policy is None:
        return  # then nobody knows which resources there are
    old = col(StandingAccess.seen_at) < work.now - FORGOTTEN_AFTER
    lost = (col(StandingAccess.resource).not_in(list(resources)), old)
    stands = select(StandingAccess.place_id).where(col(StandingAccess.status) != GONE, *lost).distinct()
    places = work.session.exec(stands).all()
    if not places:
        return
    hold_alerts(work.session, places)
    rows = held_rows(work.session, *lost)
    _move(work, rows, "standing.not-looked-at", {"status": GONE, "gone_at": work.now})
    for place in sorted(places):
        close_if_settled(work, place)


def close_if_settled(work: UnitOfWork, place: str) -> None:
    """The alert closes when everything that stands there is accepted; until then it says how it is now."""
    if number_new(work.session, place):
        work.alerts_changed(place, AlertKind.STANDING)
    else:
        work.close_alerts(place, AlertKind.STANDING)


def number_new(session: Session, place: str) -> int:
    session.flush()
    new = select(func.count()).select_from(StandingAccess).where(
        StandingAccess.place_id == place, StandingAccess.status == NEW
    )  # fmt: skip
    return session.exec(new).one()


def by_hundreds(rows: Sequence[StandingAccess]) -> Iterator[list[dict[str, Any]]]:
    """As events tell of them."""
    for start in range(0, len(rows), AT_A_TIME):
        yield [
            {
                "id": row.id, "principal": row.principal, "member_id": row.member_id, "role": row.role, "via": row.via,
                "grantor": row.grantor, "options": row.options,
            }
            for row in rows[start : start + AT_A_TIME]
        ]  # fmt: skip


def _settle_one(work: UnitOfWork, look: CheckOutcome) -> None:
    found = _by_slot(look)
    places = {place_of(one, look.resource) for one in found.values()}
    here = col(StandingAccess.place_id).in_(places)
    if look.whole:
        here = or_(here, col(StandingAccess.resource) == look.resource)
    rows = {row.slot: row for row in held_rows(work.session, here)}
    # Another resource leads to the same target, and may have looked a moment later than this one.
    gone = [row for slot, row in rows.items() if slot not in found and row.seen_at <= look.at]
    wider = [row for slot, row in rows.items() if slot in found and _is_wider(row, found[slot].holder)]
    kept = [row for slot, row in rows.items() if slot in found and row not in wider]
    changed = [row for row in kept if _words(row) != _words_of(found[row.slot].holder)]
    _move(work, [*gone, *wider], "standing.gone", {"status": GONE, "gone_at": work.now})
    for row in changed:
        _move(work, [row], "standing.changed", _words_of(found[row.slot].holder))
    new = _added(work, look, {slot: found[slot] for slot in found.keys() - {row.slot for row in kept}})
    _seen(work, look, kept)
    for place in sorted(places | {row.place_id for row in rows.values()}):
        touched = any(row.place_id == place for row in (*gone, *wider, *changed))
        _tell(work, place, look, found=[row for row in new if row.place_id == place], touched=touched)


def _by_slot(look: CheckOutcome) -> dict[str, Seen]:
    """A resource may look at the same target by several settings."""
    return {slot_of(one, look.resource): one for one in look.seen}


def _is_wider(row: StandingAccess, holder: Holder) -> bool:
    return bool(holder.options - set(row.options)) or (holder.can_log_in and not row.can_log_in)


def _words(row: StandingAccess) -> Mapping[str, Any]:
    return {"principal": row.principal, "options": row.options, "can_log_in": row.can_log_in}


def _words_of(holder: Holder) -> dict[str, Any]:
    """What may change of a holder that stays the same one."""
    return {"principal": holder.principal, "options": sorted(holder.options), "can_log_in": holder.can_log_in}


def _move(work: UnitOfWork, rows: Sequence[StandingAccess], action: str, values: Mapping[str, Any]) -> None:
    """Compare-and-set with its events; the rows are held, so that nobody can be faster."""
    if not rows:
        return
    ordered = sorted(rows, key=lambda row: row.id)
    won = compare_and_set_all(
        work.session, StandingAccess, (Change(row.id, {"status": row.status}, values) for row in ordered)
    )
    assert won, "the rows of standing access are held"
    for holders in by_hundreds(ordered):
        now = {name: value for name, value in values.items() if name in ("principal", "options", "can_log_in")}
        work.record(action, ordered[0].place_id, resource=ordered[0].resource, holders=holders, **now)


def _added(work: UnitOfWork, look: CheckOutcome, found: Mapping[str, Seen]) -> list[StandingAccess]:
    """What is not known yet; but what was seen to go after this look has gone."""
    later = select(StandingAccess.slot).where(
        col(StandingAccess.slot).in_(list(found)), col(StandingAccess.gone_at) > look.at
    )
    left = set(work.session.exec(later)) if found else set[str]()
    ids = iter(sorted(ulid(work.now) for _ in found))  # so that they are shown in this order
    rows = [
        {
            "id": StandingId(next(ids)), "status": NEW, "slot": slot, "place_id": place_of(one, look.resource),
            "provider": one.provider, "resource": look.resource, "role": one.holder.role, "via": one.holder.via,
            "member_id": one.holder.member_id or one.holder.principal, "grantor": one.holder.grantor,
            "found_at": work.now, "seen_at": look.at, **_words_of(one.holder),
        }
        for slot, one in sorted(found.items(), key=lambda pair: (pair[1].holder.role, pair[1].holder.principal))
        if slot not in left
    ]  # fmt: skip
    if not rows:
        return []
    written = insert_all_unless_there(work.session, StandingAccess, rows)
    mine = col(StandingAccess.id).in_(written)
    new = list(work.session.exec(select(StandingAccess).where(mine).order_by(col(StandingAccess.id))))
    for holders in by_hundreds(new):
        work.record("standing.found", new[0].place_id, resource=look.resource, holders=holders)
    return new


def _seen(work: UnitOfWork, look: CheckOutcome, rows: Sequence[StandingAccess]) -> None:
    """No move: that it stands there still, and by which resource that is known."""
    ids = [row.id for row in rows]
    lives = select(PeriodicCheck.subject).where(PeriodicCheck.kind == CheckKind.DRIFT)
    for start in range(0, len(ids), _MOST):
        these = update(StandingAccess).where(col(StandingAccess.id).in_(ids[start : start + _MOST]))
        older = these.where(col(StandingAccess.seen_at) < look.at).values(seen_at=look.at)
        moved = these.where(col(StandingAccess.resource).not_in(lives)).values(resource=look.resource)
        for statement in (older, moved):
            work.session.connection().execute(statement)


def _tell(work: UnitOfWork, place: str, look: CheckOutcome, *, found: Sequence[StandingAccess], touched: bool) -> None:
    is_open = select(Alert.id).where(
        Alert.kind == AlertKind.STANDING, Alert.subject == place, col(Alert.closed_at).is_(None)
    )
    alert = work.session.exec(is_open).first()
    number = number_new(work.session, place)
    if number and alert is None:
        work.open_alert(AlertKind.STANDING, place, _sentence(look.resource, number), channel=look.channel)
    elif alert is not None and (found or touched or not number):
        close_if_settled(work, place)
        if found and look.channel is not None:
            _ring_again(work, alert, look.channel)


def _ring_again(work: UnitOfWork, alert: str, channel: str) -> None:
    """An update of a message rings nobody's telephone; but who can give roles must not be able to fill the channel."""
    told = select(func.max(Message.version)).where(Message.kind == MessageKind.ALERT, Message.subject == alert)
    last = work.session.exec(told).one() or 0
    if last < TOLD_ALONE:
        work.tell(MessageKind.ALERT, alert, channel, version=last + 1, urgency=URGENT)


def _sentence(resource: str, number: int) -> str:
    roles = "1 role is" if number == 1 else f"{number} roles are"
    return f"{roles} held on {resource} without a grant, and no person of the security team has accepted that."
