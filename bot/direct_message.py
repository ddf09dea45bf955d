"""A person writes to the bot: what is written is not read, and the answer says what to type instead."""

from typing import Any

from bot.face import Face
from bot.refusals import beside, post, refusals
from bot.views.help import what_to_type


async def received(body: dict[str, Any], face: Face) -> None:
    """Slack says so once, and sometimes twice: a second answer says the same."""
    event = body["event"]
    async with face.turns.work(), refusals(beside(face, event)):
        await post(face, event["channel"], what_to_type())
