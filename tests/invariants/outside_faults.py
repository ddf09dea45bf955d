"""Wrong variants of what minds things done behind our back: at targets, to Redis, to the database itself."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from access.grants import start
from access.models import GrantStatus, Verdict
from access.monitor.timers import Timers
from access.ports import Deadline, GrantSpec
from access.reconcile import drift, restored
from access.reconcile.drift import Drift
from access.requests import review, submit
from access.unit_of_work import UnitOfWork
from tests.invariants.choices import ENTITLEMENTS, Hand
from tests.invariants.faults import Fault, Story, around
from tests.invariants.machine import Life
from tests.invariants.rules import RESOURCES
from tests.invariants.watched import WatchedTown
from workers.agenda import RedisAgenda
from workers.timer_repair import Comparing

READ, LEDGER = "customers-db/read", "ledger-db/read"


def _nothing(*_: Any, **__: Any) -> None:
    return None


@contextmanager
def _no_gate() -> Generator[None]:
    """It is compared, and everything goes on meanwhile."""
    with (
        patch.object(start, "blocked", _nothing),
        patch.object(restored, "_end_what_may_have_been_opened", _nothing),
        patch.object(review, "refuse_while_closed", _nothing),
        patch.object(submit, "refuse_while_closed", _nothing),
    ):
        yield


@contextmanager
def _beginning_again() -> Generator[None]:
    """What was about to begin is begun when all is compared."""
    with (
        patch.object(restored, "OPENING", ()),
        patch.object(restored, "_ON_ITS_WAY", (GrantStatus.REVOKING,)),
    ):
        yield


def _all_is_ours(self: Drift, work: UnitOfWork, result: Any, unmatched: Any) -> set[str]:
    del self, work
    return {one.name for one in unmatched if one.grant_id} if result.lost_since else set()


def _taking_it_away(end_stray: Callable[..., Any]) -> Callable[..., Any]:
    def wrong(self: Drift, work: UnitOfWork, resource: str, unmatched: Any, channel: Any) -> None:
        settings = {"server": RESOURCES[resource]}
        spec = GrantSpec(
            grant_id=unmatched.grant_id, resource=resource, role="", definition={}, settings=settings, scope={},
            principal="", expires_at=work.now,
        )  # fmt: skip
        self.targets.of("fake", settings, resource).revoke(spec, None, Deadline.after(5))
        end_stray(self, work, resource, unmatched, channel)

    return wrong


def _marked_before_told(self: Comparing) -> None:
    number, _ = self._add_missing()  # pyright: ignore[reportPrivateUsage] -- what is seeded is wrong
    self._agenda.begin_filling()  # pyright: ignore[reportPrivateUsage] -- as above
    self._agenda.end_filling()  # pyright: ignore[reportPrivateUsage] -- as above
    self._schedule.timers.filled(number)  # pyright: ignore[reportPrivateUsage] -- as above


def _not_ended(self: Drift, work: UnitOfWork, identifier: Any, *rest: Any) -> None:
    """Seen, and told to nobody."""


def _held(life: Life, what: str = READ) -> None:
    life.opens("ann", what, 60, None)
    life.all_is_done_in_time_for(10)


def _compared_twice(life: Life) -> None:
    for seconds in (600, 61, 1):
        life.nobody_looks_for(seconds)
        life.look(None)


def _changed(hand: Hand) -> Story:
    def story(life: Life) -> None:
        _held(life)
        life.somebody_changes_a_target(hand, 0)
        _compared_twice(life)

    return story


def _shared_right_taken(life: Life) -> None:
    _held(life, "wiki/read")
    life.somebody_changes_a_target(WatchedTown.a_shared_right_is_taken, 0)
    _compared_twice(life)


def _put_back(life: Life) -> None:
    _held(life)
    life.done("ann", 0, None)
    life.all_is_done_in_time_for(10)
    life.somebody_changes_a_target(WatchedTown.access_is_put_back, 0)
    _compared_twice(life)


def _opened_after_the_copy(life: Life) -> None:
    life.look(None)
    life.the_database_is_copied()
    life.opens("ann", READ, 60, None)
    life.an_old_database_is_put_back()
    life.all_is_done_in_time_for(120)


def _begun_after_the_copy(life: Life) -> None:
    life.ask("ann", READ, 60, None)
    life.decide("kim", Verdict.APPROVE, -1, None)
    life.the_database_is_copied()
    life.look(None)
    life.done("ann", 0, None)
    life.look(None)
    life.an_old_database_is_put_back()
    life.all_is_done_in_time_for(120)


def _given_while_another_target_is_away(life: Life) -> None:
    life.look(None)
    life.the_database_is_copied()
    life.opens("ann", LEDGER, 60, None)
    life.weather("two", "down")
    life.an_old_database_is_put_back()
    life.look(None)
    life.opens("ben", READ, 10, None)


def _beside_a_strangers(life: Life) -> None:
    life.somebody_changes_a_target(WatchedTown.something_that_is_not_ours_appears, 2)
    _opened_after_the_copy(life)


def _flushed(life: Life) -> None:
    _held(life)
    life.redis_is_flushed()
    life.look(None)


def _flushed_and_killed(life: Life) -> None:
    _held(life)
    for crash in range(3):
        life.redis_is_flushed()
        life.look(crash)
        life.nobody_looks_for(300)
        life.look(None)
        life.everything_holds()


def _killed_before_the_hint(life: Life) -> None:
    life.look(None)
    for crash, what in zip(range(6, 12), ENTITLEMENTS, strict=True):
        life.opens("ann", what, 60, crash)
    life.nobody_looks_for(300)
    life.look(None)


OUTSIDE_FAULTS: Mapping[str, Fault] = {
    "an older database": Fault(
        "a restored database is taken for the newest", lambda: patch.object(restored, "detect", lambda _: False),
        _opened_after_the_copy,
    ),
    "no gate": Fault(
        "granted before every target was compared", _no_gate, _given_while_another_target_is_away
    ),
    "begun again": Fault(
        "what an old database was about to begin is begun", _beginning_again, _begun_after_the_copy
    ),
    "forgotten is left": Fault(
        "what a restored database does not know is only told", lambda: patch.object(drift, "lost", lambda *_: set()),
        _opened_after_the_copy,
    ),
    "forgotten is all": Fault(
        "what it does not know must have been ours", lambda: patch.object(Drift, "_forgotten", _all_is_ours),
        _beside_a_strangers,
    ),
    "gone is not found": Fault(
        "what was taken away by hand is still on paper", lambda: patch.object(Drift, "_end_gone", _not_ended),
        _changed(WatchedTown.access_is_removed),
    ),
    "gone where it is shared": Fault(
        "the same where grants share", lambda: patch.object(Drift, "_end_gone", _not_ended), _shared_right_taken
    ),
    "more than was granted": Fault(
        "a right that was added by hand is not seen", lambda: patch.object(Drift, "_end_extra_privileges", _not_ended),
        _changed(WatchedTown.a_right_is_added),
    ),
    "back after its end": Fault(
        "what was put back by hand stays (discord/access)", lambda: patch.object(Drift, "_end_unmatched", _not_ended),
        _put_back,
    ),
    "others' is taken away": Fault(
        "whatever bears a mark like ours is removed", around(Drift, "_end_unmatched", _taking_it_away),
        _changed(WatchedTown.something_that_is_not_ours_appears),
    ),
    "nobody is told of others'": Fault(
        "what nobody can explain is passed over", lambda: patch.object(drift, "_report", _nothing),
        _changed(WatchedTown.something_that_is_not_ours_appears),
    ),
    "a flush is not noticed": Fault(
        "an empty Redis is taken for a full one", lambda: patch.object(RedisAgenda, "was_flushed", lambda _: False),
        _flushed,
    ),
    "a flush is not told": Fault(
        "timers are put in again, and nobody hears of it", lambda: patch.object(Timers, "filled", _nothing),
        _flushed,
    ),
    "marked before it is told": Fault(
        "who dies after filling Redis leaves nothing to notice",
        lambda: patch.object(Comparing, "fill", _marked_before_told), _flushed_and_killed,
    ),
    "a hint that is lost": Fault(
        "timers are compared, and none is added", lambda: patch.object(Comparing, "_add_missing", lambda _: (0, 0)),
        _killed_before_the_hint,
    ),
}  # fmt: skip
