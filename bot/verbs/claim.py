"""Claim: an approver is looking at a request, and says so; pressed again, not any more."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from access.requests.claim import claim
from bot import ids
from bot.identity import Who, still_member
from bot.payload import pressed
from bot.refusals import ephemeral, refusals
from bot.reply import Reply
from bot.slack_context import SlackContext


async def button(ack: AsyncAck, body: dict[str, Any], respond: Reply, slack: SlackContext, who: Who) -> None:
    async with slack.acknowledged(ack), refusals(ephemeral(respond)):
        await still_member(slack, who, ids.CLAIM)
        await slack.do(claim, button=pressed(body), by=who.actor)
