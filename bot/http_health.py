"""Says whether the bot can do its work, quickly, whatever its listeners are waiting for."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field

from sqlmodel import select

from access.core import Core
from access.models import AuditHead

logger = logging.getLogger(__name__)

PATIENCE = 1.0
"""Seconds."""


def _database(core: Core) -> None:
    with core.database.read() as session:
        session.exec(select(AuditHead)).one()


def _policy(core: Core) -> None:
    core.policy.current()


CHECKS: Mapping[str, Callable[[Core], None]] = {"database": _database, "policy": _policy}


@dataclass
class Health:
    """At most one look at each thing at a time, so that asking often costs nothing more."""

    core: Core
    executor: Executor
    """A thread for each check, used for nothing else: the listeners' threads may all be waiting."""
    patience: float = PATIENCE
    _looking: dict[str, asyncio.Future[bool]] = field(default_factory=dict)

    async def look(self) -> dict[str, bool]:
        """What can be used just now, by name; what does not answer in time cannot."""
        looking = {name: self._look(name) for name in CHECKS}
        await asyncio.wait(looking.values(), timeout=self.patience)
        return {name: one.done() and one.result() for name, one in looking.items()}

    def _look(self, name: str) -> asyncio.Future[bool]:
        running = self._looking.get(name)
        if running is None or running.done():
            running = asyncio.get_running_loop().run_in_executor(self.executor, self._works, name)
            self._looking[name] = running
        return running

    def _works(self, name: str) -> bool:
        try:
            CHECKS[name](self.core)
        except Exception as error:
            # The answer goes to whoever asks, so the reason goes to the log only.
            logger.warning("not ready: %s (%s)", name, type(error).__name__)
            return False
        return True
