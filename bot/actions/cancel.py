"""Cancel: who asked takes the request back."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from access import operations
from access.ids import RequestId
from bot.face import Face
from bot.identity import Who
from bot.payload import pressed
from bot.refusals import aside, confirm, refusals
from bot.reply import Reply
from bot.views.answer import taken_back


async def cancel(ack: AsyncAck, body: dict[str, Any], respond: Reply, face: Face, who: Who) -> None:
    async with face.acknowledged(ack), refusals(aside(body, respond, face.client)):
        request = await face.do(operations.cancel, request_id=RequestId(pressed(body)), by=who.slack)
        await confirm(body, respond, taken_back(request))
