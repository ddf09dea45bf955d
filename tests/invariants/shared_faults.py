"""Wrong variants of what counts where grants share what they give: each must be found by an invariant."""

from collections.abc import Callable, Mapping
from typing import Any
from unittest.mock import PropertyMock, patch

from sqlalchemy import update

from access.grants import shared_access
from access.grants.claims import RoleLock
from access.models import GrantStatus, SharedRole
from tests.invariants.commons import ENTRY
from tests.invariants.faults import Fault, around
from tests.invariants.machine import Life
from tests.invariants.servers import DELAY

READ, FIX = "wiki/read", "wiki/fix"


def _kept(what: Callable[[RoleLock], frozenset[str]]) -> Callable[[], Any]:
    class Wrong(PropertyMock):
        def __get__(self, lock: Any, owner: Any = None) -> Any:
            return what(lock)

    return lambda: patch.object(RoleLock, "kept", new_callable=Wrong)


def _anybodys_turn(take: Callable[..., Any]) -> Callable[..., Any]:
    def wrong(work: Any, grant: Any, rights: Any, *, until: Any) -> Any:
        work.session.connection().execute(update(SharedRole).values(locked_by=None, locked_until=None))
        return take(work, grant, rights, until=until)

    return wrong


def _looking_each_time(stood: Callable[..., Any]) -> Callable[..., Any]:
    def wrong(work: Any, grant: Any, share: Any, holders: Any) -> Any:
        if grant.status == GrantStatus.SCHEDULED:
            holders = [one for one in holders if one.owner == shared_access.origin_of(grant)]
        return stood(work, grant, share, holders)

    return wrong


def _never_looking(stood: Callable[..., Any]) -> Callable[..., Any]:
    def wrong(*given: Any) -> Any:
        return stood(*given) or False

    return wrong


def _both(life: Life) -> None:
    for what in (READ, FIX):
        life.opens("ann", what, 60, None)
        life.all_is_done_in_time_for(10)


def _one_of_both_ends(life: Life) -> None:
    _both(life)
    life.done("ann", 0, None)
    life.look(None)


def _both_end(life: Life) -> None:
    """Looked at before a comparison can find what is left there."""
    _one_of_both_ends(life)
    life.done("ann", 0, None)
    life.look(None)


def _ends_beside_what_stands(life: Life) -> None:
    life.somebody_is_given_by_hand("ann", ENTRY)
    life.opens("ann", READ, 60, None)
    life.all_is_done_in_time_for(10)
    life.done("ann", 0, None)
    life.look(None)


def _given_while_another_is_taken_away(life: Life) -> None:
    """Looked at before two looks at the target can find what is gone."""
    life.opens("ann", READ, 60, None)
    life.all_is_done_in_time_for(10)
    life.weather("commons", "delayed")
    life.done("ann", 0, None)
    life.look(None)
    life.weather("commons", "fine")
    life.opens("ann", FIX, 60, None)
    life.all_is_done_in_time_for(DELAY.total_seconds() + 5)


SHARED_FAULTS: Mapping[str, Fault] = {
    "overlap removal": Fault(
        "an end removes what another grant needs (TEAM)", _kept(lambda lock: lock.standing), _one_of_both_ends
    ),
    "standing access removed": Fault(
        "an end removes what stood there before us", _kept(lambda lock: lock.needed), _ends_beside_what_stands
    ),
    "nobody looks first": Fault(
        "what stands there is taken for ours", around(shared_access, "_stood", _never_looking), _ends_beside_what_stands
    ),
    "ours is taken for theirs": Fault(
        "each looks for itself what stands there", around(shared_access, "_stood", _looking_each_time), _both_end
    ),
    "no turns": Fault(
        "one is given while another is taken away", around(shared_access, "acquire", _anybodys_turn),
        _given_while_another_is_taken_away,
    ),
}  # fmt: skip
