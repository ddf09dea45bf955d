"""Connect: opens a modal at once and has a worker put the secret into it; the bot never sees it."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from access import operations
from access.ids import GrantId
from bot import ids
from bot.face import Face
from bot.identity import Who, still_member
from bot.payload import pressed
from bot.refusals import aside, in_modal, refusals
from bot.reply import Reply
from bot.views.modals import preparing


async def connect(ack: AsyncAck, body: dict[str, Any], respond: Reply, face: Face, who: Who) -> None:
    async with face.acknowledged(ack), refusals(aside(body, respond, face.client)):
        # First the modal: its trigger lives three seconds, and the secret needs to know where to go.
        opened = await face.client.views_open(trigger_id=body["trigger_id"], view=preparing())
        view_id = str((opened["view"] or {})["id"])
        async with refusals(in_modal(face.client, view_id, "How to connect")):
            await still_member(face, who, ids.CONNECT)
            await face.do(operations.reveal, grant_id=GrantId(pressed(body)), by=who.slack, view=view_id)
