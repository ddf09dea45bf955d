"""Details: all that is known of a request, in a window for the one who pressed."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from access.ids import RequestId, SlackChannel
from access.messages.facts import card_of
from access.queries.details import details
from bot.identity import Who
from bot.payload import place, pressed
from bot.refusals import ephemeral, refusals
from bot.reply import Reply
from bot.slack_context import SlackContext
from bot.views.details import details_view


async def button(ack: AsyncAck, body: dict[str, Any], respond: Reply, slack: SlackContext, who: Who) -> None:
    async with slack.acknowledged(ack), refusals(ephemeral(respond)):
        request = RequestId(pressed(body))
        where = SlackChannel(place(body).channel)
        shown = await slack.do(details, request_id=request, by=who.actor, channel=where)
        view = details_view(shown, await slack.do(card_of, request))
        await slack.client.views_open(trigger_id=body["trigger_id"], view=view)
