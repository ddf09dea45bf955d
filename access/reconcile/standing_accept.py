"""Accepting standing access: what an alert shows of it, and a person's press. What was shown is what is accepted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlmodel import Session, col, func, select

from access.actors import Actor
from access.canonical import canonical
from access.core import Core
from access.errors import AlreadyAccepted, NotForYouToAccept, NotFound, StandingAccessChanged
from access.ids import SlackUser
from access.models import Alert, AlertKind, StandingAccess
from access.people import People
from access.reconcile.standing_access import ACCEPTED, NEW, by_hundreds, close_if_settled, held_rows, hold_alerts
from access.store import Change, compare_and_set_all
from access.unit_of_work import UnitOfWork

ACCEPT = "standing.accept"
SHOWN = 10
"""So many have a line and a button of their own; the others are counted."""
_ONE, _ALL = "one", "all"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What is held at one place without a grant, and was not accepted: everything that the alert shows."""

    resource: str
    number: int
    first: Sequence[StandingAccess]
    accepted: int
    """So many others were."""
    accept_all: str
    """The value of the button."""
    last_accepted_by: SlackUser | None = None
    last_accepted_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """How many a press has accepted, and how many are left there."""

    resource: str
    number: int
    left: int


def accept_one_value(row: StandingAccess) -> str:
    """The value of the button of one."""
    return f"v1.{_ONE}.{row.id}.{_fingerprint([row])}"


def standing_facts(session: Session, alert: Alert) -> Standing | None:
    """As it is now; None where the alert is about something else."""
    if alert.kind != AlertKind.STANDING:
        return None
    here = StandingAccess.place_id == alert.subject
    rows = session.exec(
        select(StandingAccess).where(here, StandingAccess.status == NEW).order_by(col(StandingAccess.id))
    ).all()
    accepted = select(func.count()).select_from(StandingAccess).where(here, StandingAccess.status == ACCEPTED)
    known = select(StandingAccess).where(here).order_by(col(StandingAccess.id).desc()).limit(1)
    newest = session.exec(known).first()
    by = select(StandingAccess).where(here, col(StandingAccess.accepted_at).is_not(None))
    last = session.exec(by.order_by(col(StandingAccess.accepted_at).desc()).limit(1)).first()
    return Standing(
        resource=newest.resource if newest else "", number=len(rows), first=rows[:SHOWN],
        accepted=session.exec(accepted).one(), accept_all=f"v1.{_ALL}.{alert.subject}.{_fingerprint(rows)}",
        last_accepted_by=last.accepted_slack if last else None, last_accepted_at=last.accepted_at if last else None,
    )  # fmt: skip


def accept_standing(core: Core, *, button: str, by: Actor) -> Accepted:
    """Raises a Refusal; what has changed since it was shown is shown anew."""
    version, _, rest = button.partition(".")
    what, identifier, shown = (*rest.split("."), "", "", "")[:3]
    with core.refusals_recorded(by, ACCEPT, identifier or None):
        policy = core.policy.last_valid()
        person = core.person(by, policy)
        if person.name not in People(policy).security():
            raise NotForYouToAccept
        if version != "v1" or what not in (_ONE, _ALL):
            raise NotFound
        with core.work(by) as work:
            place = identifier if what == _ALL else _place_of(work.session, identifier)
            # The alert first, as who finds something does: what is found meanwhile is not accepted, nor left untold.
            hold_alerts(work.session, [place])
            wanted = StandingAccess.place_id == place if what == _ALL else StandingAccess.id == identifier
            rows = held_rows(work.session, wanted, StandingAccess.status == NEW)
            same = bool(rows) and _fingerprint(rows) == shown
            if same:
                _accept(work, rows, person.name, by.slack)
            close_if_settled(work, place)
        if not rows:
            raise AlreadyAccepted
        if not same:
            raise StandingAccessChanged
    return Accepted(resource=rows[0].resource, number=len(rows), left=_left(core, place))


def _accept(work: UnitOfWork, rows: Sequence[StandingAccess], person: str, by: SlackUser) -> None:
    values = {"status": ACCEPTED, "accepted_at": work.now, "accepted_by": person, "accepted_slack": by}
    won = compare_and_set_all(work.session, StandingAccess, (Change(row.id, {"status": NEW}, values) for row in rows))
    assert won, "the rows of standing access are held"
    for holders in by_hundreds(rows):
        work.record(
            "standing.accepted", rows[0].place_id, resource=rows[0].resource, person=person, slack=by, holders=holders
        )


def _place_of(session: Session, identifier: str) -> str:
    place = session.exec(select(StandingAccess.place_id).where(StandingAccess.id == identifier)).first()
    if place is None:
        raise NotFound
    return place


def _left(core: Core, place: str) -> int:
    with core.database.read() as session:
        new = select(func.count()).select_from(StandingAccess).where(
            StandingAccess.place_id == place, StandingAccess.status == NEW
        )  # fmt: skip
        return session.exec(new).one()


def _fingerprint(rows: Sequence[StandingAccess]) -> str:
    """Of all that is shown, or counted, of them."""
    shown = [
        [row.id, row.principal, row.role, row.via, row.grantor, sorted(row.options), row.can_log_in]
        for row in sorted(rows, key=lambda row: row.id)
    ]
    return sha256(canonical(shown).encode()).hexdigest()[:16]
