"""Approve: one click on the card. The card itself is told by a worker."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from access.errors import AlreadyReviewed
from access.models import Verdict
from access.requests.review import review
from bot import ids
from bot.identity import Who, still_member
from bot.payload import place, pressed
from bot.refusals import ephemeral, refusals
from bot.reply import Reply
from bot.slack_context import SlackContext


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
