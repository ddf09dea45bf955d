"""Publishes Home tabs: one at a time for each person, and never an older one over a newer one."""

import logging
from dataclasses import dataclass

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from access.ids import RequestId
from access.messages.home import HomeFacts
from access.messages.outbox import Claimed, Delivery
from bot.views.home import home
from workers.permalinks import Permalinks

logger = logging.getLogger(__name__)

_NOBODY_LOOKS = frozenset({"not_enabled", "user_not_found", "user_not_visible", "users_not_found"})
"""There is no Home to show it on, until somebody changes that and looks."""


@dataclass(frozen=True)
class HomePublisher:
    """Shows on a person's Home what the rows say."""

    client: WebClient
    addresses: Permalinks

    def publish(self, claimed: Claimed, facts: HomeFacts) -> Delivery:
        """Raises SlackApiError."""
        message = claimed.message
        # The hash is that of the view we published last: if another stands there, a slower worker must not hide it.
        # After any trouble the facts were read anew, so the second try may replace whatever stands there.
        known = message.ts if message.attempts == 1 else None
        view = home(facts, self._addresses(facts))
        try:
            answer = self.client.views_publish(user_id=message.destination, view=view, hash=known)
        except SlackApiError as error:
            name = error.response.get("error")
            if name in _NOBODY_LOOKS or _has_left(error):
                logger.warning("the Home of %s cannot be shown: %s", message.destination, name)
                return Delivery(claimed)
            if name == "hash_conflict":
                return Delivery(claimed, problem="Another view stands on this Home.")
            raise
        return Delivery(claimed, channel=message.destination, ts=str((answer["view"] or {})["hash"]))

    def _addresses(self, facts: HomeFacts) -> dict[RequestId, str]:
        places = {one.request.id: one.card for one in facts.waiting if one.card is not None}
        places |= dict(facts.mine.cards) if facts.mine else {}
        return {request: link for request, place in places.items() if (link := self.addresses.of(place))}


def _has_left(error: SlackApiError) -> bool:
    """Slack has no name of its own for a person who was deactivated: it says which argument it does not take."""
    said = error.response.get("response_metadata") or {}
    return error.response.get("error") == "invalid_arguments" and "user_id" in str(said.get("messages"))
