"""What roles allow: seen at each look at a target, and told when it becomes more than the security team has accepted.

Granting goes on meanwhile: the cards say what is new. More things of a kind that was accepted are a line of the digest.
"""

import hashlib
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from access.actors import Actor
from access.canonical import canonical
from access.catalog import Resource
from access.comparisons import ask
from access.core import Core
from access.errors import NotFound, NotSecurity, ProviderError, RightsChanged
from access.grants.claims import Targets, unexpected
from access.ids import RightsId, ulid
from access.models import Alert, AlertKind, CheckKind, EntitlementRights, Grant, PeriodicCheck, Request, RequestStatus
from access.people import People
from access.ports import EVERYBODY, Deadline, RoleRights
from access.store import compare_and_set, insert_unless_there
from access.unit_of_work import UnitOfWork

logger = logging.getLogger(__name__)

RECORDED, CHANGED, ACCEPTED = "rights.recorded", "rights.changed", "rights.accepted"
MOST = 300
"""Kinds of rights that a row holds; those beyond are one, by their hash."""
_FRESH = timedelta(minutes=1)
"""A target that does not say what roles allow is not asked again with every grant."""
_TOLD = 20
"""Kinds that an event or a sentence names."""


@dataclass(frozen=True)
class Seen:
    """What one look showed, by the role's name in the policy; `places`: by which settings and definition."""

    rights: Mapping[str, RoleRights]
    places: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class RightsNote:
    """What somebody who asks for a role, or decides about it, must know of it."""

    creates: tuple[str, ...]
    """What can be made with it and may stay behind."""
    more: tuple[str, ...]
    """What it, or everybody, may do that the security team has not accepted."""
    since: datetime | None


def look(targets: Targets, resource: Resource | None, deadline: Deadline) -> Seen | None:
    """Never raises: what else was seen at this look counts all the same. None: nothing is told, or nothing was said."""
    if resource is None:
        return None
    try:
        return _look(targets, resource, deadline)
    except ProviderError as error:
        logger.warning("what the roles of %s allow is not known: %s", resource.id, error.sentence)
    except Exception as error:
        unexpected(resource.id, error)
    return None


def _look(targets: Targets, resource: Resource, deadline: Deadline) -> Seen | None:
    provider = targets.of(resource.provider, resource.settings, resource.id)
    if not provider.capabilities.of(resource.settings).tells_rights:
        return None
    roles = {role.name: type(provider).Role.model_validate(role.definition) for role in resource.roles.values()}
    rights = {one.role: one for one in provider.role_rights(roles, deadline)}
    # With defaults, as in every version: another hash would accept anew whatever the roles allow.
    where = {"provider": resource.provider, "settings": dict(resource.all_settings)}
    places = {role.name: _hash(where | {"role": dict(role.all_definition)}) for role in resource.roles.values()}
    return Seen(rights, places | {EVERYBODY: _hash(where)})


def _hash(value: dict[str, Any]) -> str:
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def write(work: UnitOfWork, resource: str, seen: Seen, channel: str | None) -> None:
    """In the transaction that says that the look was made."""
    known = {row.role: row for row in work.session.exec(select(EntitlementRights).filter_by(resource=resource))}
    for role in sorted(seen.rights.keys() & seen.places.keys()):
        row, rights, place = known.get(role), seen.rights[role], seen.places[role]
        if row is None:
            _record(work, resource, rights, place)
        elif row.place != place:
            _record_anew(work, row, rights, place)
        elif (row.fingerprint, row.creates) != (rights.fingerprint, list(rights.creates)):
            _change(work, row, rights, channel)


def _record(work: UnitOfWork, resource: str, rights: RoleRights, place: str) -> None:
    """What is there at the first look counts as known: the policy that named the role was read by people."""
    allows = _kinds(rights)
    row = EntitlementRights(
        id=RightsId(ulid(work.now)), resource=resource, role=rights.role, place=place, fingerprint=rights.fingerprint,
        allows=allows, accepted=allows, creates=list(rights.creates), first_seen=work.now, changed_at=work.now,
    )  # fmt: skip
    if insert_unless_there(work.session, row):
        work.record(RECORDED, subject_of(row), allows=allows[:_TOLD], kinds=len(allows), fingerprint=row.fingerprint)
        _retell(work, row)


def _record_anew(work: UnitOfWork, row: EntitlementRights, rights: RoleRights, place: str) -> None:
    """The policy lets the role mean something else, or somewhere else: that was decided where the policy is."""
    allows = _kinds(rights)
    if _set(
        work, row, place=place, fingerprint=rights.fingerprint, allows=allows, accepted=allows,
        creates=list(rights.creates), first_seen=work.now, changed_at=work.now, wider_since=None,
    ):  # fmt: skip
        work.record(RECORDED, subject_of(row), allows=allows[:_TOLD], kinds=len(allows), fingerprint=rights.fingerprint)
        work.close_alerts(subject_of(row), AlertKind.RIGHTS)
        _retell(work, row)


def _change(work: UnitOfWork, row: EntitlementRights, rights: RoleRights, channel: str | None) -> None:
    """What was taken away is accepted no longer: given again, it is new."""
    if row.fingerprint == rights.fingerprint:  # what everybody may make has changed, and is told as such
        if _set(work, row, creates=list(rights.creates)):
            _retell(work, row)
        return
    allows = _kinds(rights)
    accepted = [kind for kind in row.accepted if kind in allows]
    more = [kind for kind in allows if kind not in accepted]
    added, taken = _without(allows, row.allows), _without(row.allows, allows)
    if not _set(
        work, row, fingerprint=rights.fingerprint, allows=allows, accepted=accepted, creates=list(rights.creates),
        changed_at=work.now, wider_since=(row.wider_since or work.now) if more else None,
    ):  # fmt: skip
        return
    subject = subject_of(row)
    work.record(
        CHANGED, subject, added=added[:_TOLD], taken=taken[:_TOLD], not_accepted=len(more), fingerprint=row.fingerprint
    )
    if more:
        work.open_alert(
            AlertKind.RIGHTS, subject, _sentence(row, more), channel=channel, resource=row.resource, name=row.role
        )
        work.alerts_changed(subject, AlertKind.RIGHTS)
    else:
        work.close_alerts(subject, AlertKind.RIGHTS)
    _retell(work, row)


def look_soon(core: Core, granted: Collection[Grant]) -> None:
    """Has a target looked at now where something was just granted whose rights were never seen.

    On its own, and not with what was granted: looks and grants are held in another order there.
    """
    wanted = {(one.resource, one.role) for one in granted if _tells(core, one)}
    if not wanted:
        return
    with core.database.read() as session:
        rows = select(EntitlementRights.resource, EntitlementRights.role)
        seen = set(session.exec(rows.where(col(EntitlementRights.resource).in_({one for one, _ in wanted}))).all())
        resources = {resource for resource, role in wanted if (resource, role) not in seen}
        looks = select(PeriodicCheck.subject).where(
            PeriodicCheck.kind == CheckKind.DRIFT, col(PeriodicCheck.subject).in_(resources)
        )
        fresh = session.exec(looks.where(col(PeriodicCheck.looked_at) > core.clock.now() - _FRESH)).all()
    soon = sorted(resources - set(fresh))
    if soon:
        ask(core, soon)


def _tells(core: Core, grant: Grant) -> bool:
    known = core.providers.get(grant.provider)
    return known is not None and known.capabilities.of(grant.settings).tells_rights


def subject_of(row: EntitlementRights) -> str:
    """As alerts and events name it."""
    return f"{row.resource}/{row.role}"


def rights_of(session: Session, alert: Alert) -> EntitlementRights | None:
    """What the role allows now that an alert of this kind is about."""
    if alert.kind != AlertKind.RIGHTS:
        return None
    return session.exec(select(EntitlementRights).filter_by(resource=alert.resource, role=alert.name)).first()


def not_accepted(row: EntitlementRights) -> list[str]:
    return _without(row.allows, row.accepted)


def rights_button(row: EntitlementRights) -> str:
    """By which a click says what it saw."""
    return f"v1.{row.id}.{row.fingerprint[:16]}"


def note_about(session: Session, resource: str, role: str) -> RightsNote | None:
    """None: nothing that needs saying."""
    found = select(EntitlementRights).where(
        EntitlementRights.resource == resource, col(EntitlementRights.role).in_((role, EVERYBODY))
    )
    rows = session.exec(found.order_by(col(EntitlementRights.role).desc())).all()
    creates = tuple(one for row in rows if row.role == role for one in row.creates)
    more = tuple(dict.fromkeys(kind for row in rows for kind in not_accepted(row)))
    since = min((row.wider_since for row in rows if row.wider_since), default=None)
    return RightsNote(creates=creates, more=more, since=since) if creates or more else None


def accept_rights(core: Core, *, button: str, by: Actor) -> EntitlementRights:
    """The security team knows what the role allows now. Raises a Refusal."""
    identifier, fingerprint = _read(button)
    with core.refusals_recorded(by, ACCEPTED, identifier or None):
        policy = core.policy.last_valid()
        person = core.person(by, policy)
        with core.work(by) as work:
            if person.name not in People(policy).security():
                raise NotSecurity("Only the security team can accept what a role allows.")
            row = work.session.get(EntitlementRights, RightsId(identifier))
            if row is None:
                raise NotFound
            if row.fingerprint[:16] != fingerprint:
                raise RightsChanged
            more = not_accepted(row)
            if not more:
                raise RightsChanged("There is nothing left to accept: it was accepted, or taken away.")
            if not _set(work, row, accepted=row.allows, wider_since=None):
                raise RightsChanged
            work.record(
                ACCEPTED, subject_of(row), person=person.name, slack=by.slack, accepted=more[:_TOLD], kinds=len(more),
                fingerprint=row.fingerprint,
            )  # fmt: skip
            work.close_alerts(subject_of(row), AlertKind.RIGHTS)
            _retell(work, row)
    return row


def _read(button: str) -> tuple[str, str]:
    """Id and what was seen; of what is no such button, two that fit nothing."""
    version, _, rest = button.partition(".")
    identifier, _, fingerprint = rest.partition(".")
    return (identifier, fingerprint) if version == "v1" else ("", "")


def _set(work: UnitOfWork, row: EntitlementRights, **values: Any) -> bool:
    """False when somebody was faster."""
    values["fence"] = row.fence + 1
    won = compare_and_set(
        work.session, EntitlementRights, row.id, expected={"fence": row.fence, "fingerprint": row.fingerprint},
        values=values,
    )  # fmt: skip
    if won:
        work.session.refresh(row)
    return won


def _retell(work: UnitOfWork, row: EntitlementRights) -> None:
    """Who is to decide about it now reads what it allows now."""
    waiting = select(Request.id).where(Request.status == RequestStatus.PENDING, Request.resource == row.resource)
    if row.role != EVERYBODY:
        waiting = waiting.where(Request.role == row.role)
    for request in work.session.exec(waiting):
        work.changed(request)


def _sentence(row: EntitlementRights, more: Sequence[str]) -> str:
    who = "Everybody on this server" if row.role == EVERYBODY else f"The role {row.role}"
    named = "; ".join(more[:_TOLD])
    rest = f"; and {len(more) - _TOLD} more" if len(more) > _TOLD else ""
    return f"{who} now also has on {row.resource}: {named}{rest}. The role is still granted."


def _kinds(rights: RoleRights) -> list[str]:
    ordered = sorted(rights.allows)
    if len(ordered) <= MOST:
        return ordered
    rest = hashlib.sha256("\n".join(ordered[MOST:]).encode()).hexdigest()
    return [*ordered[:MOST], f"and {len(ordered) - MOST} more kinds of rights ({rest[:16]})"]


def _without(kinds: Sequence[str], known: Sequence[str]) -> list[str]:
    left_out = set(known)
    return [kind for kind in kinds if kind not in left_out]
