"""Cancel: who asked takes the request back."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from access.ids import RequestId
from access.queries.find import request_to_cancel
from access.requests.cancel import cancel
from bot.identity import Who
from bot.invocation import Invocation, identifier
from bot.payload import pressed
from bot.refusals import beside, confirm, refusals
from bot.reply import Reply
from bot.slack_context import SlackContext
from bot.views.answer import taken_back
from bot.views.blocks import Rendered


async def command(invocation: Invocation) -> Rendered:
    """/access cancel [<id>]"""
    slack, by = invocation.slack, invocation.who.actor
    found = await slack.do(request_to_cancel, text=identifier(invocation, "cancel"), by=by)
    return taken_back(await slack.do(cancel, request_id=found.id, by=by))


async def button(ack: AsyncAck, body: dict[str, Any], respond: Reply, slack: SlackContext, who: Who) -> None:
    async with slack.acknowledged(ack), refusals(beside(body, respond, slack.client)):
        request = await slack.do(cancel, request_id=RequestId(pressed(body)), by=who.actor)
        await confirm(body, respond, taken_back(request))
