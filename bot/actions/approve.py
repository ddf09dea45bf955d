"""Approve: one click on the card. The card itself is told by a worker."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from access import operations
from access.errors import AlreadyReviewed
from access.models import Verdict
from bot import ids
from bot.face import Face
from bot.identity import Who, still_member
from bot.payload import place, pressed
from bot.refusals import refusals, whisper
from bot.reply import Reply


async def approve(ack: AsyncAck, body: dict[str, Any], respond: Reply, face: Face, who: Who) -> None:
    async with face.acknowledged(ack), refusals(whisper(respond)):
        await still_member(face, who, ids.APPROVE)
        try:
            await face.do(
                operations.review,
                button=pressed(body),
                reviewer=who.slack,
                verdict=Verdict.APPROVE,
                card=place(body),
            )
        except AlreadyReviewed as reviewed:
            if not reviewed.twice:  # the card tells what the first click did
                raise
