"""Extend: the click asks how much longer and why, the answer makes a request."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from access import operations
from access.ids import GrantId
from bot import ids
from bot.asking import read_when
from bot.face import Face
from bot.identity import Who
from bot.payload import pressed, typed
from bot.refusals import aside, beneath, refusals
from bot.reply import Reply
from bot.views.answer import asked_in_modal
from bot.views.extension import extension_form


async def ask_how_long(ack: AsyncAck, body: dict[str, Any], respond: Reply, face: Face, who: Who) -> None:
    async with face.acknowledged(ack), refusals(aside(body, respond, face.client)):
        about = await face.do(operations.may_extend, grant_id=GrantId(pressed(body)), by=who.slack)
        await face.client.views_open(trigger_id=body["trigger_id"], view=extension_form(about))


async def extend(ack: AsyncAck, view: dict[str, Any], face: Face, who: Who) -> None:
    async with refusals(beneath(ack, ids.DURATION, ids.REASON)):
        when = read_when(typed(view, ids.DURATION), now=face.core.clock.now(), zone=who.zone)
        request = await face.do(
            operations.extend,
            grant_id=GrantId(view["private_metadata"]),
            by=who.slack,
            duration=when.duration,
            until=when.until,
            reason=typed(view, ids.REASON),
            unread=when.unread,
        )
        facts = await face.do(operations.card_of, request.id)
        await ack(response_action="update", view=asked_in_modal(facts))
