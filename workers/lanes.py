"""The lanes of one queue, one for each target: a target that hangs delays no other."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic

from access.faults import describe
from workers.handlers import C, Handler, Queue, R, Router
from workers.lane import Lane
from workers.pacing import Limits

logger = logging.getLogger(__name__)

STOP_SECONDS = 10.0
Ranks = Callable[[Sequence[str]], Mapping[str, int]]
"""(items): the rank of each, the lowest first."""


def _same_for_all(_target: str) -> Limits:
    return Limits()


def ranks_of(queue: Queue, router: Router) -> Ranks:
    """Access ends in the order of its level, and who needs a message most has it first; access begins as it comes."""
    return no_ranks if queue == "grant" else router.ranks


def no_ranks(_ids: Sequence[str]) -> Mapping[str, int]:
    """Who comes first is claimed first."""
    return {}


def _forget(_ids: Sequence[str]) -> None:
    """Who asks by the same clock as the claim has nothing to put right."""


class Lanes(Generic[C, R]):
    """Takes ids and works on them in the background; a target's `limits` are asked for whenever ids come for it.

    `on_leak` is called, from another thread and quickly, when a call outlives its deadline: the thread is lost and the
    process should be replaced when it has finished what it can. `not_won` hears of ids that could not be claimed; it
    must not raise. `ranks` says which of these ids are claimed before those of a higher rank.
    """

    def __init__(
        self,
        business: Handler[C, R],
        *,
        on_leak: Callable[[], None],
        limits: Callable[[str], Limits] = _same_for_all,
        not_won: Callable[[Sequence[str]], None] = _forget,
        ranks: Ranks = no_ranks,
    ) -> None:
        self._business = business
        self._not_won = not_won
        self._on_leak = on_leak
        self._limits = limits
        self._ranks = ranks
        self._lock = threading.Lock()
        self._lanes: dict[str, Lane[C, R]] = {}
        self._stopped = False

    def put(self, target: str, ids: Iterable[str]) -> int:
        """Hands ids to their target's lane and returns at once: how many wait there now.

        After `stop` they are left to the agenda.
        """
        ids = list(ids)
        ranks, limits = self._ranked(ids), self._limits_of(target)
        with self._lock:
            if self._stopped:
                return 0
            lane = self._lanes.get(target)
            if lane is None:
                lane = Lane(target, self._business, limits or Limits(), self._on_leak, self._not_won)
                self._lanes[target] = lane
            elif limits is not None:
                lane.limit(limits)
            return lane.put(ids, ranks)

    def _ranked(self, ids: Sequence[str]) -> Mapping[str, int]:
        try:
            return self._ranks(ids)
        except Exception as error:
            # The database: what cannot be told apart is claimed as it comes.
            logger.warning("who comes first is not known (%s)", describe(error))
            return {}

    def _limits_of(self, target: str) -> Limits | None:
        try:
            return self._limits(target)
        except Exception as error:
            # A third party's provider says them, and access ends however hard its target may be called.
            logger.warning("how hard %s may be called is not known (%s)", target, describe(error))
            return None

    @property
    def busy(self) -> bool:
        """Is anything waiting, under way or not yet committed?"""
        with self._lock:
            lanes = list(self._lanes.values())
        return any(lane.busy for lane in lanes)

    def stop(self, within: float = STOP_SECONDS) -> list[str]:
        """Claims nothing more, releases what has not started, commits what ends within that many seconds.

        Returns the ids that were waiting unclaimed.
        """
        with self._lock:
            self._stopped = True
            lanes = list(self._lanes.values())
        left = [identifier for lane in lanes for identifier in lane.ask_to_stop(within)]
        for lane in lanes:
            lane.join()
        return left
