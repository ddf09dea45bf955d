"""Accept what a role allows: the security team has seen it. The alert closes, and cards warn of it no longer."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from access import operations
from bot import ids
from bot.face import Face
from bot.identity import Who, still_member
from bot.payload import pressed
from bot.refusals import refusals, whisper
from bot.reply import Reply


async def accept(ack: AsyncAck, body: dict[str, Any], respond: Reply, face: Face, who: Who) -> None:
    async with face.acknowledged(ack), refusals(whisper(respond)):
        await still_member(face, who, ids.ACCEPT_RIGHTS)
        await face.do(operations.accept_rights, button=pressed(body), by=who.slack)
