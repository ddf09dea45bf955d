"""Shared access: on a target where grants share what they give, an end removes only what no other grant needs.

A shared role is a role of one principal on a target; each grant that needs it claims it. One grant at a time holds its
lock, so that no removal is under way at the target while another grant is being given. What stood there
before the first of them is written down before anything is given, and is neither added nor removed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

import sqlalchemy as sa
from sqlalchemy import func, or_, update
from sqlmodel import Session, col, select

from access.canonical import canonical
from access.errors import BadConfig, ProviderError
from access.grants.claims import IN_FLIGHT, Claimed, RoleLock, spec_of, unexpected
from access.ids import GrantId, RoleClaimId, SharedRoleId, ulid
from access.lifecycle import CLOSING, HELD
from access.models import Grant, GrantStatus, RoleClaim, SharedRole
from access.ports import Isolation, Observation, Provider, Rights
from access.store import compare_and_set, insert_unless_there
from access.unit_of_work import UnitOfWork

PUT_OFF = timedelta(seconds=0.5)
"""Another grant holds the lock; it is released in a moment."""
LOOK_LASTS = timedelta(seconds=60)
"""A look at what stands there is taken again if nothing was given for so long after it."""
MAY_HAVE_GIVEN = (*HELD, GrantStatus.REVOKING)


@dataclass(frozen=True)
class _Holder:
    """Who holds a share, and how their grant stands."""

    share: SharedRoleId
    owner: GrantId
    status: str
    pre_existing: bool | None
    looked_at: datetime | None


def enqueue(
    work: UnitOfWork, grants: Iterable[Grant], providers: Mapping[GrantId, Provider | ProviderError]
) -> dict[GrantId, Rights | ProviderError]:
    """What those of the grants give that share anything; their shares are held until the commit, in one order."""
    wanted = dict[GrantId, Rights | ProviderError]()
    shares = dict[SharedRoleId, SharedRole]()
    holds = list[RoleClaim]()
    for grant in grants:
        rights = _rights(grant, providers[grant.id])
        if rights is None:
            continue
        wanted[grant.id] = rights
        for share in [] if isinstance(rights, ProviderError) else _shares(grant, rights):
            shares[share.id] = share
            holds.append(RoleClaim(id=RoleClaimId(ulid(work.now)), grant_id=grant.id, share_id=share.id))
    for identifier in sorted(shares):
        insert_unless_there(work.session, shares[identifier])
    lock_shared_roles(work.session, shares)
    # After that: a row that refers to another locks it, and two who both have would wait for each other.
    for hold in holds:
        insert_unless_there(work.session, hold)
    return wanted


def lock_shared_roles(session: Session, shares: Iterable[SharedRoleId]) -> None:
    """Until the commit nobody else changes them; taken in one order, so that no two wait for each other."""
    identifiers = sorted(set(shares))
    if identifiers:
        rows = select(SharedRole.id).where(col(SharedRole.id).in_(identifiers)).order_by(col(SharedRole.id))
        session.exec(rows.with_for_update()).all()


def lock_roles(session: Session, claimed: Iterable[Claimed]) -> None:
    lock_shared_roles(session, [share for one in claimed if one.lock for share in one.lock.fences])


def acquire(work: UnitOfWork, grant: Grant, rights: Rights, *, until: datetime) -> RoleLock | None:
    """The lock for this grant until then; None: another one holds it. The rows are held by `enqueue`."""
    work.write()  # how the others stand is read below
    owner = origin_of(grant)
    shares = {share.role: share.id for share in _shares(grant, rights)}
    fences, before = dict[SharedRoleId, int](), dict[SharedRoleId, datetime]()
    rows = select(SharedRole.id, SharedRole.locked_by, SharedRole.locked_until, SharedRole.fence).where(
        col(SharedRole.id).in_(shares.values())
    )
    for share, locked_by, locked_until, fence in work.session.exec(rows):
        identifier = SharedRoleId(share)
        fences[identifier] = fence + 1
        if locked_until is None or locked_until <= work.now:
            continue
        if locked_by != owner:
            return None
        before[identifier] = locked_until
    for identifier, fence in sorted(fences.items()):
        # Should this process die, nobody knows what it still asked for.
        busy = max(until + IN_FLIGHT, before.get(identifier, until))
        _set(work.session, identifier, fence - 1, locked_by=owner, locked_until=busy, fence=fence)
    holders = _holders(work.session, shares.values(), owner)
    stood = {role: _stood(work, grant, share, holders) for role, share in shares.items()}
    others = {one.share for one in holders if one.owner != owner and one.status in HELD}
    return RoleLock(
        owner=owner, shares=shares, fences=fences, before=before, until=until,
        standing=frozenset(role for role, before_us in stood.items() if before_us),
        needed=frozenset(role for role, share in shares.items() if share in others),
        unknown=frozenset(role for role, before_us in stood.items() if before_us is None),
    )  # fmt: skip


def release(work: UnitOfWork, lock: RoleLock, *, until: datetime | None = None) -> None:
    """It is done there; `until`: what it asked of the target may still be carried out until then."""
    for identifier, fence in sorted(lock.fences.items()):
        moments = [moment for moment in (lock.before.get(identifier), until) if moment and moment > work.now]
        values = {"locked_until": max(moments)} if moments else {"locked_by": None, "locked_until": None}
        _set(work.session, identifier, fence, **values)


def note(work: UnitOfWork, lock: RoleLock, seen: Observation) -> None:
    """Writes down what stood there before us, while the lock of who looked still lasts."""
    for role in sorted(lock.unknown):
        share = lock.shares[role]
        if _fence(work.session, share) == lock.fences[share]:
            _note(work, lock.owner, share, pre_existing=role in seen.standing)


def origin_of(grant: Grant) -> GrantId:
    """The id under which the target and the ledger know it."""
    return grant.supersedes_grant_id or grant.id


def share_id(provider: str, place: str, role: str, principal: str) -> SharedRoleId:
    return SharedRoleId(sha256(canonical([provider, place, role, principal]).encode()).hexdigest())


def shares(grant: Grant, provider: Provider) -> bool:
    """Whether what this grant gives may be what another gives too."""
    return provider.capabilities.of(grant.settings).isolation is not Isolation.PER_GRANT


def _rights(grant: Grant, provider: Provider | ProviderError) -> Rights | ProviderError | None:
    if isinstance(provider, ProviderError) or not shares(grant, provider):
        return None
    try:
        return provider.rights(spec_of(grant, grant.expires_at or grant.start_by))
    except ProviderError as error:
        return error
    except Exception as error:
        return BadConfig(f"The provider cannot say what it would give ({unexpected(grant.id, error)}).")


def _shares(grant: Grant, rights: Rights) -> list[SharedRole]:
    return [
        SharedRole(
            id=share_id(grant.provider, rights.place, role, grant.principal),
            provider=grant.provider, place=rights.place, role=role, principal=grant.principal,
        )
        for role in sorted(rights.roles)
    ]  # fmt: skip


def _stood(work: UnitOfWork, grant: Grant, share: SharedRoleId, holders: Sequence[_Holder]) -> bool | None:
    """Whether it stood there before us; None: nobody knows, and this grant may look."""
    owner = origin_of(grant)
    noted = [one for one in holders if one.share == share and one.pre_existing is not None]
    own = next((one for one in noted if one.owner == owner), None)
    if grant.status != GrantStatus.SCHEDULED and own is not None:
        return own.pre_existing
    if grant.status in CLOSING:
        return False  # given before shared roles were counted: then it is ours to take away
    others = [one for one in noted if one.owner != owner and one.status in MAY_HAVE_GIVEN]
    if others:
        # What stands there now may be theirs; what they saw before is what counts.
        _note(work, owner, share, pre_existing=bool(others[0].pre_existing))
        return others[0].pre_existing
    fresh = own is not None and own.looked_at is not None and work.now < own.looked_at + LOOK_LASTS
    return own.pre_existing if own is not None and fresh else None


def _holders(session: Session, shares: Iterable[SharedRoleId], owner: GrantId) -> list[_Holder]:
    """Those that count: whatever may have been given, and the owner's own."""
    rows = (
        sa.select(
            col(RoleClaim.share_id),
            func.coalesce(col(Grant.supersedes_grant_id), col(Grant.id)),
            col(Grant.status),
            col(RoleClaim.pre_existing),
            col(RoleClaim.looked_at),
        )
        .join(Grant, col(Grant.id) == col(RoleClaim.grant_id))
        .where(
            col(RoleClaim.share_id).in_(list(shares)),
            or_(col(Grant.id) == owner, col(Grant.supersedes_grant_id) == owner, col(Grant.status).in_(MAY_HAVE_GIVEN)),
        )
        .order_by(col(RoleClaim.id))
    )
    return [_Holder(*row) for row in session.connection().execute(rows)]


def _note(work: UnitOfWork, owner: GrantId, share: SharedRoleId, *, pre_existing: bool) -> None:
    known = {"grant_id": owner, "share_id": share}
    values = {"pre_existing": pre_existing, "looked_at": work.now}
    work.session.connection().execute(update(RoleClaim).filter_by(**known).values(values))


def _fence(session: Session, share: SharedRoleId) -> int | None:
    """None: a failover or a restore forgot it."""
    return session.exec(select(SharedRole.fence).where(SharedRole.id == share)).first()


def _set(session: Session, share: SharedRoleId, seen: int, **values: object) -> None:
    """Whoever has it by now keeps it."""
    compare_and_set(session, SharedRole, share, expected={"fence": seen}, values=values)
