"""I removed it by hand: the target is asked at once, and its answer shows on the alert."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from access import operations
from access.ids import GrantId
from bot import ids
from bot.face import Face
from bot.identity import Who, still_member
from bot.payload import pressed
from bot.refusals import refusals, whisper
from bot.reply import Reply
from bot.views.answer import looked_at


async def removed(ack: AsyncAck, body: dict[str, Any], respond: Reply, face: Face, who: Who) -> None:
    async with face.acknowledged(ack), refusals(whisper(respond)):
        await still_member(face, who, ids.BY_HAND)
        grant = await face.do(operations.removed_by_hand, grant_id=GrantId(pressed(body)), by=who.slack)
        await respond(looked_at(grant))
