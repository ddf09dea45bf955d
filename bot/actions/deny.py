"""Deny: the click asks why, the answer decides."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from access import operations
from access.models import Verdict
from bot import ids
from bot.face import Face
from bot.identity import Who, still_member
from bot.payload import pack, place, pressed, typed, unpack
from bot.refusals import beneath, refusals, whisper
from bot.reply import Reply
from bot.views.modals import denial


async def ask_why(ack: AsyncAck, body: dict[str, Any], respond: Reply, face: Face, who: Who) -> None:
    async with face.acknowledged(ack), refusals(whisper(respond)):
        button = pressed(body)
        request = await face.do(operations.may_deny, button=button, reviewer=who.slack)
        view = denial(request, pack(button, place(body)))
        await face.client.views_open(trigger_id=body["trigger_id"], view=view)


async def deny(ack: AsyncAck, view: dict[str, Any], face: Face, who: Who) -> None:
    async with refusals(beneath(ack, ids.COMMENT)):
        await still_member(face, who, ids.DENY)
        button, card = unpack(view)
        comment = typed(view, ids.COMMENT)
        await face.do(
            operations.review,
            button=button,
            reviewer=who.slack,
            verdict=Verdict.DENY,
            comment=comment,
            card=card,
        )
        await ack()
