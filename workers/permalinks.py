"""The addresses of messages, for buttons and links that lead to them."""

from dataclasses import dataclass, field

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from access.requests.remind import Place

_MOST = 10_000


@dataclass(frozen=True)
class Permalinks:
    """Asks Slack once for each: an address never changes."""

    client: WebClient
    _known: dict[Place, str] = field(default_factory=dict)

    def of(self, place: Place) -> str | None:
        """None when there is no such message any more. Raises SlackApiError."""
        if place not in self._known:
            if len(self._known) >= _MOST:
                self._known.clear()
            try:
                answer = self.client.chat_getPermalink(channel=place.channel, message_ts=place.ts)
            except SlackApiError as error:
                if error.response.get("error") not in ("message_not_found", "channel_not_found"):
                    raise
                return None
            self._known[place] = str(answer["permalink"])
        return self._known[place]
