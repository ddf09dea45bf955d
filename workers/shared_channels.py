"""Channels that another company reads: looked at before each message, because one may become so while we run."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from access import clock

SECONDS = 30.0
"""How long an answer is good for: a call before each message would cost as much as the message."""
_CHANNEL = ("C", "G")


class SharedOutside(Exception):
    """The channel is shared with another company, or is about to be."""


@dataclass(frozen=True)
class SharedChannels:
    """Asks Slack, and remembers for a moment."""

    client: WebClient
    now: Callable[[], float] = clock.monotonic
    _known: dict[str, tuple[float, bool]] = field(default_factory=dict)

    def refuse(self, channel: str) -> None:
        """Raises SharedOutside. People's own conversations are not shared."""
        if channel.startswith(_CHANNEL) and self._is_shared(channel):
            raise SharedOutside

    def _is_shared(self, channel: str) -> bool:
        asked_at, shared = self._known.get(channel, (float("-inf"), False))
        if self.now() - asked_at < SECONDS:
            return shared
        try:
            found: Any = self.client.conversations_info(channel=channel)["channel"] or {}
            shared = bool(found.get("is_ext_shared") or found.get("is_pending_ext_shared"))
        except SlackApiError:
            pass  # why, the message itself will hear; what was known stays so
        self._known[channel] = self.now(), shared
        return shared
