"""What a dead worker had in hand goes on at once: ends that it had claimed, and what it was sent and had not claimed.

To be wrong costs one more call: an end twice is an end, and by the fence the answer of who was slow counts no more.
A claim on a start or on a target's later end keeps its time, and so does the lock on a shared role, which its own grant
alone takes over: no fence reaches a target. docs/adr/0038-what-waits-goes-at-once.md.
"""

import logging
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, or_
from sqlmodel import col, select

from access.actors import system
from access.bulk import one_of
from access.core import Core, held_grants
from access.models import Grant, GrantStatus, Heartbeat
from access.monitor.due import Moment, all_due, any_is_due
from access.words import counted

logger = logging.getLogger(__name__)

ACTOR = system("silent-workers")
AT_A_TIME = 500
SENT_MOST = 10_000
"""As many of each kind are sent again; the leases of the others run out."""
WORKS = ("timekeeper", "worker grant", "worker revoke", "worker tell")
"""Kinds of processes that are sent what is due."""


def something_in_hand(now: Moment) -> ColumnElement[bool]:
    """Whether a process may hold something: none does while nothing is claimed and nothing is due."""
    claimant = select(Grant.claimed_by).where(col(Grant.claimed_by).is_not(None)).order_by(col(Grant.claimed_by))
    return or_(claimant.limit(1).scalar_subquery().is_not(None), any_is_due(now))


def take_from_silent(core: Core) -> None:
    """Looks who has given no sign of life, and has what they held done by others."""
    silent, new = core.signs.look(_beats(core))
    if silent:
        free_ends(core, silent)
    if new:
        # Which of it was in the hands of the dead no row says. What another worker has already is not claimed twice.
        with core.database.read() as session:
            due = all_due(session, core.clock.now(), SENT_MOST)
        core.agenda.add(due)


def free_ends(core: Core, claimants: Collection[str]) -> None:
    """Makes the ends due that these had claimed. A process that has just begun claimed none of those of its name."""
    claimed = select(Grant.id).where(
        one_of(col(Grant.claimed_by), "claimants", core.database.dialect),
        col(Grant.status) == GrantStatus.REVOKING, col(Grant.due_at) > core.clock.now(),
    )  # fmt: skip
    with core.database.read() as session:
        ids = session.exec(claimed, params={"claimants": sorted(claimants)}).all()
    freed = sum(_free(core, claimants, ids[first : first + AT_A_TIME]) for first in range(0, len(ids), AT_A_TIME))
    if freed:
        logger.warning("%s free: the process that had claimed it is silent", counted(freed, "end is", "ends are"))


def _free(core: Core, claimants: Collection[str], ids: Collection[str]) -> int:
    """How many were as they had been left."""
    freed = 0
    with core.work(ACTOR, together=True) as work:
        for grant in held_grants(work.session, ids):
            if grant.status == GrantStatus.REVOKING and grant.claimed_by in claimants:
                work.set_grant(grant, due_at=work.now)
                freed += 1
    return freed


def _beats(core: Core) -> dict[str, datetime | None]:
    """By process; None for one that holds a claim and whose sign of life was never written."""
    claimants = select(Grant.claimed_by).where(col(Grant.claimed_by).is_not(None), col(Grant.due_at).is_not(None))
    with core.database.read() as session:
        holding = [name for name in session.exec(claimants.distinct()) if name is not None]
        living = select(Heartbeat.name, Heartbeat.beat_at)
        works = or_(col(Heartbeat.kind).in_(WORKS), one_of(col(Heartbeat.name), "holding", core.database.dialect))
        found = session.exec(living.where(works), params={"holding": holding}).all()
    return dict.fromkeys(holding) | dict(found)
