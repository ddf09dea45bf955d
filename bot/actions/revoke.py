"""Revoke: security's click asks why, the answer ends the access."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from access import operations
from access.ids import GrantId
from bot import ids
from bot.face import Face
from bot.identity import Who, still_member
from bot.payload import pressed, typed
from bot.refusals import beneath, refusals, whisper
from bot.reply import Reply
from bot.views.modals import revocation


async def ask_why(ack: AsyncAck, body: dict[str, Any], respond: Reply, face: Face, who: Who) -> None:
    async with face.acknowledged(ack), refusals(whisper(respond)):
        grant = await face.do(operations.may_revoke, grant_id=GrantId(pressed(body)), by=who.slack)
        await face.client.views_open(trigger_id=body["trigger_id"], view=revocation(grant))


async def revoke(ack: AsyncAck, view: dict[str, Any], face: Face, who: Who) -> None:
    async with refusals(beneath(ack, ids.REASON)):
        await still_member(face, who, ids.REVOKE)
        grant_id = GrantId(view["private_metadata"])
        await face.do(operations.revoke, grant_id=grant_id, by=who.slack, reason=typed(view, ids.REASON))
        await ack()
