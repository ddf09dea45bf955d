"""Wrong variants of ending what a hostile holder holds, and of what comes after it."""

from collections.abc import Callable, Mapping
from typing import Any
from unittest.mock import patch

import sqlalchemy as sa
from sqlmodel import col

from access.grants import cleanup, end
from access.grants.cleanup import CleanupHandler
from access.grants.end import RevokeHandler
from access.models import AlertKind, Grant, GrantStatus
from access.ports import Observation, Removal
from access.unit_of_work import UnitOfWork
from tests.invariants.faults import Fault, Story, around
from tests.invariants.hostile import HIDES, Trick
from tests.invariants.machine import Life

READ = "customers-db/read"
AN_HOUR = 3600


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _waiting_for_leftovers(still: Callable[..., bool]) -> Callable[..., bool]:
    return lambda removal, observed: bool(removal.leftover) or still(removal, observed)


def _waiting_for_computations(_: Removal, observed: Observation) -> bool:
    return observed.present


def _believing_it_lingers(removal: Removal, observed: Observation) -> bool:
    return observed.present and (observed.sessions or 0) > removal.lingering


def _pending_is_done(write: Callable[..., None]) -> Callable[..., None]:
    def wrong(self: RevokeHandler, work: UnitOfWork, grant: Grant, result: end.Result) -> None:
        if result.removal is not None and result.removal.state == "pending":
            self._ended(work, grant, {"removed_at": work.now})  # pyright: ignore[reportPrivateUsage] -- seeded
        else:
            write(self, work, grant, result)

    return wrong


def _taken_back(note: Callable[..., None]) -> Callable[..., None]:
    def wrong(self: CleanupHandler, work: UnitOfWork, grant: Grant, found: Any, channel: Any) -> None:
        note(self, work, grant, found, channel)
        if found.sessions_ended:
            work.set_grant(grant, status=GrantStatus.REVOKING, ended_at=None, due_at=work.now)
            work.record("grant.revoking", grant.id, by="drift")

    return wrong


def _not_looked_after(ended: Callable[..., None]) -> Callable[..., None]:
    def wrong(self: RevokeHandler, work: UnitOfWork, grant: Grant, found: Any, *, cleaned_up_for: Any = None) -> None:
        del cleaned_up_for
        ended(self, work, grant, found)

    return wrong


def _forgotten_with_its_leftover(work: UnitOfWork, ids: set[str]) -> None:
    over = sa.update(Grant).where(col(Grant.id).in_(ids), col(Grant.cleanup_until) <= work.now)
    work.session.connection().execute(over.values(cleanup_until=None))


def _but_leftovers(close: Callable[..., None]) -> Callable[..., None]:
    def wrong(self: UnitOfWork, subject: str, *kinds: AlertKind) -> None:
        close(self, subject, *(one for one in kinds if one != AlertKind.LEFTOVER))

    return wrong


# How each comes to light.


def _ended_after(*tricks: Trick, size: int = 1, weather: str = "fine", then: int = 0) -> Story:
    """Opened, fought for, returned; and after so many seconds somebody looks again."""

    def story(life: Life) -> None:
        life.opens("ann", READ, 60, None)
        for trick in tricks:
            life.a_holder_fights(trick, 0, size)
        life.weather("one", weather)
        life.done("ann", 0, None)
        life.all_is_done_in_time_for(10)
        if then:
            _looked_at_after(life, then)

    return story


def _looked_at_after(life: Life, seconds: int) -> None:
    """The roster may have forgotten the look meanwhile, and makes it due within a minute."""
    for pause in (seconds, 61, 61):
        life.nobody_looks_for(pause)
        life.look(None)


def _let_go_after_an_hour(life: Life) -> None:
    _ended_after("makes objects", size=2, then=AN_HOUR)(life)
    life.a_colleague_lets_go(0)
    _looked_at_after(life, 61)


def _locked_and_looked_at_once(life: Life) -> None:
    life.opens("ann", READ, 60, None)
    life.a_holder_fights("reconnects", 0, 1)
    life.a_holder_fights("locks his login", 0, 3)
    life.done("ann", 0, None)
    life.look(None)


_SHOWS = int(HIDES.total_seconds()) + 120

HOSTILE_FAULTS: Mapping[str, Fault] = {
    "an end that waits": Fault(
        "what the holder left must be gone first", around(end, "_still_gives_access", _waiting_for_leftovers),
        _ended_after("makes objects", size=3),
    ),
    "waiting for computations": Fault(
        "a session without rights holds up the end",
        lambda: patch.object(end, "_still_gives_access", _waiting_for_computations), _ended_after("computes"),
    ),
    "lingering is believed": Fault(
        "its rights are not looked at", lambda: patch.object(end, "_still_gives_access", _believing_it_lingers),
        _ended_after("computes", weather="stubborn"),
    ),
    "pending is done": Fault(
        "the rights are gone, the way in is not locked yet", around(RevokeHandler, "_write", _pending_is_done),
        _locked_and_looked_at_once,
    ),
    "an end that is taken back": Fault(
        "by a session that shows late", around(CleanupHandler, "_note", _taken_back), _ended_after("hides", then=_SHOWS)
    ),
    "hidden and not looked for": Fault(
        "nobody looks after the end", around(RevokeHandler, "_ended", _not_looked_after), _ended_after("hides")
    ),
    "looked after for ever": Fault(
        "nobody stops looking", lambda: patch.object(cleanup, "_forget", _nothing), _ended_after("hides", then=_SHOWS)
    ),
    "a leftover is not told": Fault(
        "it is there after an hour", lambda: patch.object(cleanup, "_tell", _nothing),
        _ended_after("makes objects", size=2, then=AN_HOUR),
    ),
    "a leftover is told for ever": Fault(
        "its alert stays when it is gone", around(UnitOfWork, "close_alerts", _but_leftovers), _let_go_after_an_hour
    ),
    "a leftover is forgotten": Fault(
        "with the last look for hidden sessions",
        lambda: patch.object(cleanup, "_forget", _forgotten_with_its_leftover),
        _ended_after("makes objects", size=2, then=_SHOWS),
    ),
}  # fmt: skip
