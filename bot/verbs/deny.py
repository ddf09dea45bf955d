"""Deny: the click asks why, the answer decides."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from access.models import Verdict
from access.requests.review import may_deny, review
from bot import ids
from bot.identity import Who, still_member
from bot.payload import pack, place, pressed, typed, unpack
from bot.refusals import ephemeral, in_fields, refusals
from bot.reply import Reply
from bot.slack_context import SlackContext
from bot.views.modals import denial


async def button(ack: AsyncAck, body: dict[str, Any], respond: Reply, slack: SlackContext, who: Who) -> None:
    async with slack.acknowledged(ack), refusals(ephemeral(respond)):
        value = pressed(body)
        request = await slack.do(may_deny, button=value, reviewer=who.actor)
        view = denial(request, pack(value, place(body)))
        await slack.client.views_open(trigger_id=body["trigger_id"], view=view)


async def modal(ack: AsyncAck, view: dict[str, Any], slack: SlackContext, who: Who) -> None:
    async with refusals(in_fields(ack, ids.COMMENT)):
        await still_member(slack, who, ids.DENY)
        value, card = unpack(view)
        comment = typed(view, ids.COMMENT)
        await slack.do(
            review,
            button=value,
            reviewer=who.actor,
            verdict=Verdict.DENY,
            comment=comment,
            card=card,
        )
        await ack()
