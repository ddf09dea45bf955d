"""Ask for access: the button on the Home opens the form."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from access import operations
from bot.face import Face
from bot.identity import Who
from bot.refusals import aside, refusals
from bot.reply import Reply
from bot.views.form import NOTHING_TO_ASK, request_form
from bot.views.modals import notice


async def ask(ack: AsyncAck, body: dict[str, Any], respond: Reply, face: Face, who: Who) -> None:
    async with face.acknowledged(ack), refusals(aside(body, respond, face.client)):
        choices = await face.do(operations.requestable, requester=who.slack)
        view = request_form(choices) if choices else notice("Ask for access", NOTHING_TO_ASK)
        await face.client.views_open(trigger_id=body["trigger_id"], view=view)
