"""Accept, and Accept all: standing access that was found is known to the security team from now on."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from access import operations
from bot import ids
from bot.face import Face
from bot.identity import Who, still_member
from bot.payload import pressed
from bot.refusals import refusals, whisper
from bot.reply import Reply
from bot.views.standing import accepted as said


async def accepted(ack: AsyncAck, body: dict[str, Any], respond: Reply, face: Face, who: Who) -> None:
    async with face.acknowledged(ack), refusals(whisper(respond)):
        await still_member(face, who, ids.ACCEPT_STANDING)
        done = await face.do(operations.accept_standing, button=pressed(body), by=who.slack)
        await respond(said(done))
