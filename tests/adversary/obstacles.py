"""What an obstacle is, and which cases make no sense."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.adversary.attack import Attack
from tests.adversary.house import MODES, Mode, Way
from tests.adversary.powers import Power


@dataclass(frozen=True)
class Obstacle:
    """Something that a holder, a colleague or the server's owner does before the end."""

    name: str
    play: Callable[[Attack], None]
    needs_create: bool = False
    """Only who may create can do it."""
    needs_reads: bool = False
    needs_writes: bool = False
    """Only who may write rows of the ledger can do it."""
    modes: tuple[Mode, ...] = MODES
    not_by: tuple[Way, ...] = ()
    waits: tuple[Mode, ...] = ()
    """Modes in which nobody but who holds the lock can let the end through: it goes through when he does, and the
    row says meanwhile what is in the way."""

    def makes_sense(self, power: Power, mode: Mode, way: Way) -> bool:
        wanted = (
            (self.needs_create, power.creates),
            (self.needs_reads, power.reads),
            (self.needs_writes, power.writes_rows),
        )
        return mode in self.modes and way not in self.not_by and all(there or not need for need, there in wanted)
