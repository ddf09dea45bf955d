"""The kinds of role that a bot can be asked to give, and what each lets its holder do."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Power:
    """What the holder can do with it, as statements that work while the access is there and must fail afterwards."""

    name: str
    roles: tuple[str, ...]
    reads: tuple[str, ...] = ()
    """Each gives rows."""
    writes: tuple[str, ...] = ()
    """Each changes data, or would."""
    creates: bool = False

    @property
    def writes_rows(self) -> bool:
        return _LEDGER in self.writes

    @property
    def uses(self) -> tuple[str, ...]:
        return (*self.reads, *self.writes)


_VAULT = "SELECT word FROM vault ORDER BY id"
_LEDGER = "UPDATE ledger SET word = word WHERE id = 1"
_CREATE = "CREATE VIEW workshop.made_afterwards AS SELECT 1 AS one; DROP VIEW workshop.made_afterwards"

POWERS = (
    Power("columns", ("support_read",), reads=("SELECT email FROM customers ORDER BY id",)),
    Power("reads", ("reads",), reads=(_VAULT,)),
    Power("writes", ("writes",), reads=("SELECT word FROM ledger ORDER BY id",), writes=(_LEDGER,)),
    Power("creates", ("creates",), reads=(_VAULT,), writes=(_CREATE,), creates=True),
    Power("role in between", ("through",), reads=(_VAULT,)),
    Power("several", ("reads", "writes"), reads=(_VAULT,), writes=(_LEDGER,)),
    Power("connects", ("connects",)),
)
