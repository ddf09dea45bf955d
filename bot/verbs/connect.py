"""Connect: opens a modal at once and has a worker put the secret into it; the bot never sees it."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from access.grants.revoke import reveal
from access.ids import GrantId
from bot import ids
from bot.identity import Who, still_member
from bot.payload import pressed
from bot.refusals import beside, in_modal, refusals
from bot.reply import Reply
from bot.slack_context import SlackContext
from bot.views.modals import preparing


async def button(ack: AsyncAck, body: dict[str, Any], respond: Reply, slack: SlackContext, who: Who) -> None:
    async with slack.acknowledged(ack), refusals(beside(body, respond, slack.client)):
        # First the modal: its trigger lives three seconds, and the secret needs to know where to go.
        opened = await slack.client.views_open(trigger_id=body["trigger_id"], view=preparing())
        view_id = str((opened["view"] or {})["id"])
        async with refusals(in_modal(slack.client, view_id, "How to connect")):
            await still_member(slack, who, ids.CONNECT)
            await slack.do(reveal, grant_id=GrantId(pressed(body)), by=who.actor, view=view_id)
