"""Done: the holder gives the access back."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from access import operations
from access.ids import GrantId
from bot.face import Face
from bot.identity import Who
from bot.payload import pressed
from bot.refusals import aside, confirm, refusals
from bot.reply import Reply
from bot.views.answer import returned


async def done(ack: AsyncAck, body: dict[str, Any], respond: Reply, face: Face, who: Who) -> None:
    async with face.acknowledged(ack), refusals(aside(body, respond, face.client)):
        grant = await face.do(operations.finish, grant_id=GrantId(pressed(body)), by=who.slack)
        await confirm(body, respond, returned(grant))
