"""Approve: one click on the card, or with a word and for less time. The card itself is told by a worker."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from access.errors import AlreadyReviewed
from access.models import Verdict
from access.requests.narrow import TypedTime
from access.requests.review import may_approve, review
from bot import ids
from bot.identity import Who, still_member
from bot.payload import pack, place, pressed, typed, unpack
from bot.refusals import ephemeral, in_fields, refusals
from bot.reply import Reply
from bot.slack_context import SlackContext
from bot.views.approval import approval


async def button(ack: AsyncAck, body: dict[str, Any], respond: Reply, slack: SlackContext, who: Who) -> None:
    async with slack.acknowledged(ack), refusals(ephemeral(respond)):
        await still_member(slack, who, ids.APPROVE)
        try:
            await slack.do(
                review,
                button=pressed(body),
                reviewer=who.actor,
                verdict=Verdict.APPROVE,
                card=place(body),
            )
        except AlreadyReviewed as reviewed:
            if not reviewed.twice:  # the card tells what the first click did
                raise


async def button_with(ack: AsyncAck, body: dict[str, Any], respond: Reply, slack: SlackContext, who: Who) -> None:
    async with slack.acknowledged(ack), refusals(ephemeral(respond)):
        value = pressed(body)
        request = await slack.do(may_approve, button=value, reviewer=who.actor)
        view = approval(request, pack(value, place(body)))
        await slack.client.views_open(trigger_id=body["trigger_id"], view=view)


async def modal(ack: AsyncAck, view: dict[str, Any], slack: SlackContext, who: Who) -> None:
    async with refusals(in_fields(ack, ids.COMMENT, ids.DURATION)):
        await still_member(slack, who, ids.APPROVE)
        value, card = unpack(view)
        less = typed(view, ids.DURATION).strip()
        await slack.do(
            review,
            button=value,
            reviewer=who.actor,
            verdict=Verdict.APPROVE,
            comment=typed(view, ids.COMMENT),
            card=card,
            less=TypedTime(text=less, zone=who.zone) if less else None,
        )
        await ack()
