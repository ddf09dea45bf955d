"""The one place that reads the host's clock: host time plus the measured offset of the database."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time; virtual in tests."""

    def now(self) -> datetime:
        """The present, aware and in UTC."""
        ...

    @property
    def offset(self) -> timedelta:
        """How far the database's clock is ahead of the host's, as last measured."""
        ...


@dataclass
class HostClock:
    """The host's clock, corrected by the offset of the database's."""

    offset: timedelta = field(default=timedelta(0))

    def now(self) -> datetime:
        return host_now() + self.offset


def host_now() -> datetime:
    """What the host's clock says, uncorrected."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds that only ever grow; for time-outs and durations inside one process."""
    return time.monotonic()
