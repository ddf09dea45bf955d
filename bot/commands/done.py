"""/access done [<id>]: the holder gives the access back."""

from access import operations
from bot.commands.asked import Asked, identifier
from bot.views.answer import returned
from bot.views.blocks import Message


async def run(asked: Asked) -> Message:
    found = await asked.face.do(operations.grant_to_return, text=identifier(asked, "done"), by=asked.who.slack)
    return returned(await asked.face.do(operations.finish, grant_id=found.id, by=asked.who.slack))
