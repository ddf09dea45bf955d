"""Change: who asked writes another time or reason; the approvers are asked anew."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from access.ids import RequestId
from access.messages.facts import card_of
from access.requests.edit import edit, may_edit
from access.requests.narrow import TypedTime
from bot import ids
from bot.identity import Who
from bot.payload import pressed, typed
from bot.refusals import beside, in_fields, refusals
from bot.reply import Reply
from bot.slack_context import SlackContext
from bot.views.answer import asked_in_modal
from bot.views.change import change_form


async def button(ack: AsyncAck, body: dict[str, Any], respond: Reply, slack: SlackContext, who: Who) -> None:
    async with slack.acknowledged(ack), refusals(beside(body, respond, slack.client)):
        about = await slack.do(may_edit, request_id=RequestId(pressed(body)), by=who.actor, zone=who.zone)
        await slack.client.views_open(trigger_id=body["trigger_id"], view=change_form(about))


async def modal(ack: AsyncAck, view: dict[str, Any], slack: SlackContext, who: Who) -> None:
    async with refusals(in_fields(ack, ids.REASON, ids.DURATION)):
        request = await slack.do(
            edit,
            button=str(view["private_metadata"]),
            by=who.actor,
            time=TypedTime(text=typed(view, ids.DURATION), zone=who.zone),
            reason=typed(view, ids.REASON),
        )
        await ack(response_action="update", view=asked_in_modal(await slack.do(card_of, request.id)))
