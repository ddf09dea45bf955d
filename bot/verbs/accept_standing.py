"""Accept, and Accept all: standing access that was found is known to the security team from now on."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from access.reconcile.standing_accept import accept_standing
from bot import ids
from bot.identity import Who, still_member
from bot.payload import pressed
from bot.refusals import ephemeral, refusals
from bot.reply import Reply
from bot.slack_context import SlackContext
from bot.views.standing import accepted


async def button(ack: AsyncAck, body: dict[str, Any], respond: Reply, slack: SlackContext, who: Who) -> None:
    async with slack.acknowledged(ack), refusals(ephemeral(respond)):
        await still_member(slack, who, ids.ACCEPT_STANDING)
        done = await slack.do(accept_standing, button=pressed(body), by=who.actor)
        await respond(accepted(done))
