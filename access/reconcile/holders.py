"""Of those who hold what we can give on a target: whom no grant of ours explains."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import col, or_, select

from access.grants.shared_access import share_id
from access.ids import SharedRoleId
from access.lifecycle import UNFINISHED
from access.models import Grant, RoleClaim
from access.ports import Holder
from access.unit_of_work import UnitOfWork

_MOST = 500
"""Values in one statement."""


@dataclass(frozen=True)
class Seen:
    """A holder, and the provider that told of it."""

    provider: str
    holder: Holder

    @property
    def share(self) -> SharedRoleId:
        one = self.holder
        return share_id(self.provider, one.place, one.role, one.principal)

    @property
    def is_doubtful(self) -> bool:
        """A grant may have been the reason when the target was asked, and be over when its answer is looked at."""
        return self.holder.ours is None or self.holder.grant_id is not None

    @property
    def name(self) -> str:
        """For people."""
        one = self.holder
        return f"{one.role} of {one.principal}{f' through {one.via}' if one.via else ''}, by no grant"


def unexplained(work: UnitOfWork, seen: Sequence[Seen], listed: Iterable[str]) -> list[Seen]:
    """`listed`: the names of what bears our mark, which is looked after by that.

    What the bot's account itself gave is told or ended one by one and never accepted: nobody else may use it.
    """
    known = set(listed)
    gifts = {(one.provider, one.holder.place, one.holder.role, one.holder.principal) for one in seen if _is_gift(one)}
    left = [one for one in seen if one.holder.principal not in known and not _is_looked_after(one, gifts)]
    alive = set(_with_a_live_row(work, {one.holder.grant_id for one in left if one.holder.grant_id}))
    needed = needed_shares(work, {one.share for one in left if one.holder.ours is None})
    return [
        one
        for one in left
        if one.holder.grant_id not in alive and not (one.holder.ours is None and one.share in needed)
    ]


def _is_gift(one: Seen) -> bool:
    return bool(one.holder.ours) and not one.holder.via


def _is_looked_after(one: Seen, gifts: set[tuple[str, str, str, str]]) -> bool:
    """It is a gift of the bot's account, or comes with one that was listed."""
    held = one.holder
    return _is_gift(one) or (bool(held.ours) and (one.provider, held.place, held.via, held.principal) in gifts)


def needed_shares(work: UnitOfWork, shares: set[SharedRoleId]) -> set[SharedRoleId]:
    """Those that a grant needs, or may still have on the target."""
    found = set[SharedRoleId]()
    for some in _chunks(shares):
        held = select(RoleClaim.share_id).join(Grant, col(Grant.id) == col(RoleClaim.grant_id))
        alive = held.where(col(RoleClaim.share_id).in_(some), col(Grant.status).in_(UNFINISHED))
        found |= {SharedRoleId(one) for one in work.session.exec(alive)}
    return found


def _with_a_live_row(work: UnitOfWork, marks: set[str]) -> Iterator[str]:
    for some in _chunks(marks):
        same = or_(col(Grant.id).in_(some), col(Grant.supersedes_grant_id).in_(some))
        live = select(Grant).where(same, col(Grant.status).in_(UNFINISHED))
        yield from (grant.supersedes_grant_id or grant.id for grant in work.session.exec(live))


def _chunks(values: set[Any]) -> Iterator[list[Any]]:
    ordered = sorted(values)
    yield from (ordered[start : start + _MOST] for start in range(0, len(ordered), _MOST))
