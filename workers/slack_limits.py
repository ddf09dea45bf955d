"""What Slack's refusal of a call says, and what this process leaves alone before all others hear of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from slack_sdk.errors import SlackApiError

from access import clock
from access.messages.rate_limits import POST, Call, Limited, wait_of


def limited_by(error: SlackApiError) -> Limited | None:
    """Which call Slack counts too many of; None: it refuses for another reason."""
    response: Any = error.response
    if getattr(response, "status_code", 200) != 429:
        return None
    method = str(response.api_url).rpartition("/")[2]
    given = (response.req_args or {}).get("json") or {}
    call = Call(method, str(given.get("channel", ""))) if method == POST else Call(method)
    return Limited(call, wait_of(response.headers))


@dataclass(frozen=True)
class Pauses:
    """What was claimed before a refusal is not sent after it; the rows say it to everybody a moment later."""

    _until: dict[Call, float] = field(default_factory=dict[Call, float])

    def note(self, limited: Limited) -> None:
        """Slack has just said so."""
        self._until[limited.call] = clock.monotonic() + limited.wait.total_seconds()

    def of(self, calls: Iterable[Call]) -> Limited | None:
        """The longest of what these have to wait for."""
        now = clock.monotonic()
        waits = [Limited(call, timedelta(seconds=self._until[call] - now)) for call in calls if call in self._until]
        return max((one for one in waits if one.wait > timedelta(0)), key=lambda one: one.wait, default=None)
