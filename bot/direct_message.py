"""A person writes to the bot: what is written is not read, and the answer says what to type instead."""

from typing import Any

from bot.refusals import answering, post, refusals
from bot.slack_context import SlackContext
from bot.views.help import what_to_type


async def received(body: dict[str, Any], slack: SlackContext) -> None:
    """Slack says so once, and sometimes twice: a second answer says the same."""
    event = body["event"]
    async with slack.ack_priority.work(), refusals(answering(slack, event)):
        await post(slack, event["channel"], what_to_type())
