"""How fast a target is called: its rate limit, and a breaker that leaves it alone while it does not answer."""

from dataclasses import dataclass

from access import clock
from access.monitor.routing import MEMBERS

BREAK_AFTER = 5


@dataclass(frozen=True)
class Limits:
    """What one target may be asked to bear."""

    threads: int = 16
    call_seconds: float = 10.0
    """The deadline of a call."""
    grace_seconds: float = 5.0
    """How long after its deadline a call is given up and its thread counted as lost."""
    probe_seconds: float = 2.0
    """How often a target that does not answer is tried, by one call."""
    per_second: float | None = None
    """Calls started in a second; None: as many as the threads manage."""


class Breaker:
    """Opens after five failures on end; from then on one call at a time asks whether the target is back."""

    def __init__(self, probe_seconds: float) -> None:
        self.probe_seconds = probe_seconds
        self._failures = 0
        self._next_probe = 0.0

    @property
    def is_open(self) -> bool:
        return self._failures >= BREAK_AFTER

    def record(self, *, healthy: bool) -> None:
        """Counts the end of a call."""
        self._failures = 0 if healthy else self._failures + 1
        if self.is_open:
            self._next_probe = clock.monotonic() + self.probe_seconds

    def seconds_to_wait(self, running: int) -> float | None:
        """Until a call may start: nought is now, None is when a running one has ended."""
        if not self.is_open:
            return 0.0
        if running:
            return None
        return max(0.0, self._next_probe - clock.monotonic())


class TokenBucket:
    """Lets `per_second` calls start in a second; at most a second's worth is saved up."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._tokens = 1.0
        self._filled_at = clock.monotonic()

    def take(self) -> None:
        """Counts a call that starts."""
        self._tokens -= 1.0

    def seconds_to_wait(self) -> float:
        """Until a call may start."""
        now = clock.monotonic()
        gained = (now - self._filled_at) * self._per_second
        self._tokens = min(max(1.0, self._per_second), self._tokens + gained)
        self._filled_at = now
        return max(0.0, (1.0 - self._tokens) / self._per_second)


def pace(calls_at_once: int, target: str) -> Limits:
    """Slack lets us ask about a hundred people a minute, and the bot needs some of that for those who click."""
    return Limits(threads=2, per_second=1.0) if target == MEMBERS else Limits(threads=calls_at_once)
