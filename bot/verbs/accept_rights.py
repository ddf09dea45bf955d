"""Accept what a role allows: the security team has seen it. The alert closes, and cards warn of it no longer."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from access.grants.role_rights import accept_rights
from bot import ids
from bot.identity import Who, still_member
from bot.payload import pressed
from bot.refusals import ephemeral, refusals
from bot.reply import Reply
from bot.slack_context import SlackContext


async def button(ack: AsyncAck, body: dict[str, Any], respond: Reply, slack: SlackContext, who: Who) -> None:
    async with slack.acknowledged(ack), refusals(ephemeral(respond)):
        await still_member(slack, who, ids.ACCEPT_RIGHTS)
        await slack.do(accept_rights, button=pressed(body), by=who.actor)
