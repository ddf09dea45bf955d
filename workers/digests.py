"""Posts digests: part after part, the first in the channel and the others in the thread beneath it."""

from dataclasses import dataclass

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from access.operations.core import Core
from access.operations.digest import DigestFacts, content_of
from access.operations.telling import Claimed, Told
from bot.views.blocks import Message
from bot.views.digest import digest_message, digest_parts
from workers.addresses import Addresses


@dataclass(frozen=True)
class Digests:
    """Each part is a notice of its own, made when the one before it stands: a crash repeats what was not written."""

    core: Core
    client: WebClient
    addresses: Addresses

    def post(self, claimed: Claimed, facts: DigestFacts) -> Told:
        """Raises SlackApiError."""
        content = content_of(self.core, facts.digest.id)
        parts = digest_parts(facts.digest, content)
        places = {piece.place for piece in parts[facts.part - 1] if piece.place is not None}
        addresses = {place: address for place in places if (address := self.addresses.of(place)) is not None}
        message = digest_message(facts.digest, content, parts, facts.part, addresses)
        answer = self._post(claimed.notice.recipient, message, facts.thread_ts)
        return Told(claimed, channel=answer["channel"], ts=answer["ts"], goes_on=facts.part < len(parts))

    def _post(self, channel: str, message: Message, thread_ts: str | None) -> SlackResponse:
        try:
            return self.client.chat_postMessage(
                channel=channel, thread_ts=thread_ts, text=message.text, blocks=message.blocks,
                unfurl_links=False, unfurl_media=False,
            )  # fmt: skip
        except SlackApiError as error:
            if thread_ts is None or error.response.get("error") != "thread_not_found":
                raise
            return self._post(
                channel, message, None
            )  # somebody took the first part away; the rest is said all the same
