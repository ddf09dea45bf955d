"""What a sweep must see to: one question to the rows, so that a second in which nothing happens costs one statement.

The question is made of the table of chores, and they of the same statements that find the rows themselves.
"""

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from access.core import Core
from access.errors import PolicyError
from access.log_checkpoint import LogCheckpoint
from access.messages.digest import make
from access.models import AuditHead
from access.monitor.chores import CHORES, DAY, HAS_CANARY, HOUR, NOW, POLICY, RESTORED, Chore
from access.monitor.due import any_is_due

_DUE = "due"


@dataclass(frozen=True)
class SweepPlan:
    """The chores that have, or may have, something to do, in their order; and whether an item is due."""

    chores: tuple[Chore, ...] = field(default_factory=lambda: CHORES)
    due: bool = True

    @property
    def anything(self) -> bool:
        """Also what is due only once a chore has been done."""
        return bool(self.chores) or self.due


def plan_sweep(core: Core) -> SweepPlan:
    """Asks once. Where the answer is of no use, every chore is to look for itself."""
    try:
        policy = core.policy.current()
    except PolicyError:
        return SweepPlan()
    remembered = core.marks.known()
    now = core.clock.now()
    day = make.newest_day(policy, now)
    asked = {
        NOW.key: now, DAY.key: day, HOUR.key: make.moment_of(policy, day), POLICY.key: policy.sha256,
        HAS_CANARY.key: policy.canary is not None,
    }  # fmt: skip
    with core.database.read() as session:
        found = session.connection().execute(_question(), asked).mappings().first()
    if found is None:
        return SweepPlan()
    head = LogCheckpoint(found["seq"], found["hash"], found["at"])
    as_remembered = all((mark.seq, mark.hash) == (head.seq, head.hash) for mark in remembered)
    as_remembered = as_remembered and not core.marks.refused()
    if as_remembered:
        core.marks.note(head)
    forced = () if as_remembered else (RESTORED,)
    return SweepPlan(tuple(one for one in CHORES if found[one.name] or one in forced), due=found[_DUE])


@cache
def _question() -> sa.Select[*tuple[Any, ...]]:
    """One row: the head of the log, and what there is to do."""
    return sa.select(
        col(AuditHead.seq), col(AuditHead.hash), col(AuditHead.at),
        *(chore.asks().label(chore.name) for chore in CHORES), any_is_due(NOW).label(_DUE),
    )  # fmt: skip
