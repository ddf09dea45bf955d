"""Looks at start whether the bot can post where the policy sends it, and whether only our own people read there."""

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from access.catalog import Policy
from access.ids import SlackChannel


async def check_channels(client: AsyncWebClient, policy: Policy) -> list[str]:
    """One sentence with its cure for each channel that will not do; nothing when all is well."""
    channels = {policy.security.channel, policy.digest.channel, *(rule.channel for rule in policy.rules)}
    return [trouble for channel in sorted(channels) if (trouble := await _trouble(client, channel))]


async def _trouble(client: AsyncWebClient, channel: SlackChannel) -> str | None:
    try:
        answer = await client.conversations_info(channel=channel)
    except SlackApiError as error:
        name = error.response.get("error")
        if name == "channel_not_found":
            return f"{channel}: there is no such channel, or it is private and the bot is not in it; invite the bot."
        return f"{channel}: Slack does not say what it is ({name}); reinstall the app from manifest.yml."
    found = answer["channel"] or {}
    if found.get("is_archived"):
        return f"{channel}: it is archived; name another one in the policy."
    if found.get("is_ext_shared") or found.get("is_pending_ext_shared"):
        return f"{channel}: it is shared with another company, who would read every request; name another one."
    if not found.get("is_member"):
        return f"{channel}: the bot is not in it; invite the bot there."
    return None
