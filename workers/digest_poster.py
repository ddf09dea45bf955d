"""Posts digests: part after part, the first in the channel and the others in the thread beneath it."""

from dataclasses import dataclass

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from access.core import Core
from access.messages.digest.make import DigestFacts, content_of
from access.messages.outbox import Claimed, Delivery
from bot.views.blocks import Rendered
from bot.views.digest import digest_message, digest_parts
from workers.permalinks import Permalinks


@dataclass(frozen=True)
class DigestPoster:
    """Each part is a notice of its own, made when the one before it stands: a crash repeats what was not written."""

    core: Core
    client: WebClient
    addresses: Permalinks

    def post(self, claimed: Claimed, facts: DigestFacts) -> Delivery:
        """Raises SlackApiError."""
        content = content_of(self.core, facts.digest.id)
        parts = digest_parts(facts.digest, content)
        places = {piece.place for piece in parts[facts.part - 1] if piece.place is not None}
        addresses = {place: address for place in places if (address := self.addresses.of(place)) is not None}
        rendered = digest_message(facts.digest, content, parts, facts.part, addresses)
        answer = self._post(claimed.message.destination, rendered, facts.thread_ts)
        return Delivery(claimed, channel=answer["channel"], ts=answer["ts"], goes_on=facts.part < len(parts))

    def _post(self, channel: str, rendered: Rendered, thread_ts: str | None) -> SlackResponse:
        try:
            return self.client.chat_postMessage(
                channel=channel, thread_ts=thread_ts, text=rendered.text, blocks=rendered.blocks,
                unfurl_links=False, unfurl_media=False,
            )  # fmt: skip
        except SlackApiError as error:
            if thread_ts is None or error.response.get("error") != "thread_not_found":
                raise
            return self._post(
                channel, rendered, None
            )  # somebody took the first part away; the rest is said all the same
