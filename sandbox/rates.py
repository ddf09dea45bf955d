"""Rate limits: one bucket a method, and for posting one a channel too, on the workspace's clock."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.facts import limit

TIERS = {
    "apps.connections.open": 1,
    "conversations.list": 2,
    "usergroups.list": 2,
    "usergroups.users.list": 2,
    "users.list": 2,
    "bots.info": 3,
    "chat.delete": 3,
    "chat.update": 3,
    "conversations.info": 3,
    "conversations.open": 3,
    "team.info": 3,
    "users.lookupByEmail": 3,
    "chat.postEphemeral": 4,
    "conversations.members": 4,
    "users.info": 4,
    "views.open": 4,
    "views.publish": 4,
    "views.push": 4,
    "views.update": 4,
}
"""The tier of each method. auth.test, chat.getPermalink and blocks.validate have limits nobody states: none here."""

GENEROUS = 20
"""How many times larger a burst may be when `strict` is off, so that a busy test is not a rate limit's test."""


@dataclass
class Bucket:
    """Tokens that come back with time; empty means wait."""

    burst: float
    a_second: float
    tokens: float
    at: float

    def wait(self, now: float) -> float:
        """Takes one token and gives 0, or gives the seconds until there is one."""
        self.tokens = min(self.burst, self.tokens + max(now - self.at, 0) * self.a_second)
        self.at = now
        if self.tokens >= 1:
            self.tokens -= 1
            return 0
        return (1 - self.tokens) / self.a_second


class Rates:
    """All buckets. Strict: a burst is a minute's worth. Otherwise bursts are larger, the pace is the same."""

    def __init__(self, clock: Callable[[], float], *, strict: bool) -> None:
        self._clock = clock
        self._size = 1 if strict else GENEROUS
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def retry_after(self, method: str, channel: str = "") -> int:
        """Counts one call; the whole seconds to wait when it is one too many, else 0."""
        if method == "chat.postMessage":
            in_channel = self._wait(("in channel", channel), limit("rate.channel_burst"), limit("rate.channel_second"))
            anywhere = self._wait((method, ""), limit("rate.team_minute"), limit("rate.team_minute") / 60)
            return math.ceil(max(in_channel, anywhere))
        if method not in TIERS:
            return 0
        a_minute = limit(f"rate.tier_{TIERS[method]}")
        return math.ceil(self._wait((method, ""), a_minute, a_minute / 60))

    def _wait(self, key: tuple[str, str], burst: int, a_second: float) -> float:
        size = burst * self._size
        bucket = self._buckets.setdefault(key, Bucket(size, a_second, size, self._clock()))
        return bucket.wait(self._clock())
