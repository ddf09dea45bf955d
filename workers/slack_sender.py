"""The business of the queue `tell`: posts and updates messages so that they show what the rows say."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from access.faults import describe
from access.message_kinds import Way, traits_of
from access.messages.facts import CardFacts, Facts
from access.messages.outbox import Claimed, Delivery, Outbox
from access.messages.rate_limits import calls_of
from access.models import MessageKind
from access.ports import Deadline
from access.requests.remind import BatchReminderFacts, ReminderFacts
from bot.views.blocks import Rendered
from bot.views.undelivered import why
from workers.delivery import RATE_LIMITED, UNAVAILABLE, failure_of
from workers.digest_poster import DigestPoster
from workers.home_publisher import HomePublisher
from workers.message_views import VIEWS
from workers.paging import Pages
from workers.permalinks import Permalinks
from workers.shared_channels import SharedChannels, SharedOutside
from workers.slack_limits import Pauses, limited_by

logger = logging.getLogger(__name__)

_GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "is_inactive"})
"""The message cannot be changed any more: it is said anew."""
SLOW_DOWN = "Slack asks us to slow down."
_HAS_LEFT = frozenset({"channel_not_found", "user_not_found", "user_disabled", "is_archived"})
"""What Slack says of a direct message to a person who may have been deactivated."""
_SERVER_ERROR = 500
_LEFT = "Slack shows this account as deactivated."


@dataclass(frozen=True)
class SlackSender:
    """Words by the views, deliveries by Slack; what came of it is written by the core."""

    telling: Outbox
    client: WebClient
    homes: HomePublisher
    digests: DigestPoster
    pages: Pages
    shared: SharedChannels
    addresses: Permalinks
    pauses: Pauses = field(default_factory=Pauses)

    def claim(self, ids: Sequence[str]) -> list[Claimed]:
        return self.telling.claim(ids)

    def act(self, claimed: Claimed, deadline: Deadline) -> Delivery:
        """Posts the message, or updates the one that stands there. Never raises."""
        paused = self.pauses.of(calls_of(claimed.message))
        if paused is not None:
            return Delivery(claimed, problem=SLOW_DOWN, limited=paused, failure=RATE_LIMITED)
        try:
            return self._tell(claimed, claimed.facts, deadline)
        except SlackApiError as error:
            return self._refused(claimed, error)
        except SharedOutside:
            failure = failure_of(claimed.message, "is_ext_shared")
            logger.error("the %s notice %s is not posted: %s", claimed.message.kind, claimed.id, failure.cause)
            return Delivery(claimed, problem=why(failure.where, failure.code), failure=failure)
        except (OSError, TimeoutError) as error:
            problem = f"Slack cannot be reached ({type(error).__name__})."
            return Delivery(claimed, problem=problem, failure=UNAVAILABLE, healthy=False)
        except Exception as error:
            # A message that cannot be drawn must not stop the others; it is tried again and stays visible as untold.
            logger.error("the %s notice %s cannot be told: %s", claimed.message.kind, claimed.id, describe(error))
            problem = f"The message cannot be drawn ({type(error).__name__})."
            return Delivery(claimed, problem=problem, failure=failure_of(claimed.message, "undrawable"))

    def commit(self, results: Sequence[Delivery]) -> None:
        self.telling.commit(results)

    def release(self, claimed: Sequence[Claimed]) -> None:
        self.telling.release(claimed)

    def _refused(self, claimed: Claimed, error: SlackApiError) -> Delivery:
        if self._has_left(claimed, error):
            return Delivery(claimed, gone=_LEFT)
        told = refused(claimed, error)
        if told.limited is not None:
            self.pauses.note(told.limited)
        return told

    def _has_left(self, claimed: Claimed, error: SlackApiError) -> bool:
        """Whether the person is deactivated to whom this was to be said: then it reaches no one, ever."""
        person = claimed.message.destination
        if not person.startswith(("U", "W")) or error.response.get("error") not in _HAS_LEFT:
            return False
        try:
            profile: dict[str, Any] = self.client.users_info(user=person)["user"] or {}
        except (SlackApiError, OSError):
            return False  # it is tried again
        return profile.get("id") == person and profile.get("deleted") is True

    def _tell(self, claimed: Claimed, facts: Any, deadline: Deadline) -> Delivery:
        way = traits_of(claimed.message.kind).way
        if way == Way.PAGE:
            return self.pages.send(claimed, facts, deadline)  # Slack's client has a time-out of its own
        self.shared.refuse(claimed.message.destination)
        match way:
            case Way.HOME:
                return self.homes.publish(claimed, facts)
            case Way.DIGEST:
                return self.digests.post(claimed, facts)
            case Way.REPLY:
                return self._reply(claimed, facts)
            case Way.MESSAGE:
                return self._say(claimed, self._rendered(claimed, facts))
            case Way.MODAL:
                raise AssertionError("this process holds no key to any target")

    def _reply(self, claimed: Claimed, facts: ReminderFacts | BatchReminderFacts) -> Delivery:
        if facts.card is None:
            return Delivery(claimed, problem="The card to remind of is not posted yet.")
        return self._post(claimed, self._rendered(claimed, facts), facts.card.channel, thread_ts=facts.card.ts)

    def _rendered(self, claimed: Claimed, facts: Facts) -> Rendered:
        of_access = self._of_access(facts) if isinstance(facts, CardFacts) else None
        return VIEWS[MessageKind(claimed.message.kind)](facts, of_access)

    def _of_access(self, facts: CardFacts) -> str | None:
        """None where there is none, or Slack does not give it now: the words need no link."""
        try:
            return self.addresses.of(facts.access) if facts.access else None
        except (SlackApiError, OSError) as error:
            logger.info("Slack gives no address of a message: %s", describe(error))
            return None

    def _say(self, claimed: Claimed, rendered: Rendered) -> Delivery:
        message = claimed.message
        if message.channel and message.ts:
            try:
                self.client.chat_update(
                    channel=message.channel, ts=message.ts, text=rendered.text, blocks=rendered.blocks,
                    parse="none", link_names=False,
                )  # fmt: skip
                return Delivery(claimed, channel=message.channel, ts=message.ts)
            except SlackApiError as error:
                if error.response.get("error") not in _GONE:
                    raise
        return self._post(claimed, rendered, message.destination)

    def _post(self, claimed: Claimed, rendered: Rendered, channel: str, thread_ts: str | None = None) -> Delivery:
        answer = self.client.chat_postMessage(
            channel=channel, text=rendered.text, blocks=rendered.blocks, thread_ts=thread_ts,
            unfurl_links=False, unfurl_media=False,
        )  # fmt: skip
        return Delivery(claimed, channel=answer["channel"], ts=answer["ts"])


def refused(claimed: Claimed, error: SlackApiError) -> Delivery:
    """What Slack said, as a sentence; with when to come back where it says so."""
    limited = limited_by(error)
    if limited is not None:
        return Delivery(claimed, problem=SLOW_DOWN, limited=limited, failure=RATE_LIMITED)
    response: Any = error.response
    name = response.get("error", "an error")
    logger.error(
        "Slack refuses the %s notice %s to %s: %s", claimed.message.kind, claimed.id, claimed.message.recipient, name
    )
    failure = (
        UNAVAILABLE if getattr(response, "status_code", 200) >= _SERVER_ERROR else failure_of(claimed.message, name)
    )
    problem = "Slack answers with an error of its own." if failure == UNAVAILABLE else why(failure.where, failure.code)
    return Delivery(claimed, problem=problem, failure=failure)
