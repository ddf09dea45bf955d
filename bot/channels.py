"""Looks whether the bot can post where the policy sends it, and whether only our own people read there."""

from dataclasses import dataclass

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from access.catalog import Policy
from access.ids import SlackChannel


@dataclass(frozen=True)
class Trouble:
    """Why a channel will not do, and what helps."""

    channel: SlackChannel
    sentence: str
    cure: str

    def __str__(self) -> str:
        return f"{self.channel}: {self.sentence} {self.cure}"


def channels_of(policy: Policy) -> list[SlackChannel]:
    """Every channel that the policy names."""
    return sorted({policy.security.channel, policy.digest.channel, *policy.card_channels()})


async def check_channels(client: AsyncWebClient, policy: Policy) -> list[Trouble]:
    """One for each channel that will not do; nothing when all is well."""
    return [trouble for channel in channels_of(policy) if (trouble := await _trouble(client, channel))]


async def _trouble(client: AsyncWebClient, channel: SlackChannel) -> Trouble | None:
    try:
        answer = await client.conversations_info(channel=channel)
    except SlackApiError as error:
        return _unseen(channel, str(error.response.get("error")))
    found = answer["channel"] or {}
    if found.get("is_archived"):
        return Trouble(channel, "It is archived.", "Name another channel in the policy.")
    if found.get("is_ext_shared") or found.get("is_pending_ext_shared"):
        sentence = "It is shared with another company, who would read every request."
        return Trouble(channel, sentence, "Name a channel in the policy that only your own people are in.")
    if not found.get("is_member"):
        return Trouble(channel, "The bot is not in it.", "Invite the bot there: /invite @Countersign.")
    return None


def _unseen(channel: SlackChannel, error: str) -> Trouble:
    if error == "channel_not_found":
        sentence = "There is no such channel, or it is private and the bot is not in it."
        return Trouble(channel, sentence, "Invite the bot there: /invite @Countersign; or correct the id.")
    if error == "missing_scope":
        sentence = "Slack does not let the bot look at it: a scope is missing."
        return Trouble(channel, sentence, "Update the app from its manifest and install it again.")
    return Trouble(channel, f"Slack does not say what it is ({error}).", "Try again in a minute.")
