"""I removed it by hand: the target is asked at once, and its answer shows on the alert."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from access.grants.removed_by_hand import removed_by_hand
from access.ids import GrantId
from bot import ids
from bot.identity import Who, still_member
from bot.payload import pressed
from bot.refusals import ephemeral, refusals
from bot.reply import Reply
from bot.slack_context import SlackContext
from bot.views.answer import looked_at


async def button(ack: AsyncAck, body: dict[str, Any], respond: Reply, slack: SlackContext, who: Who) -> None:
    async with slack.acknowledged(ack), refusals(ephemeral(respond)):
        await still_member(slack, who, ids.BY_HAND)
        grant = await slack.do(removed_by_hand, grant_id=GrantId(pressed(body)), by=who.actor)
        await respond(looked_at(grant))
