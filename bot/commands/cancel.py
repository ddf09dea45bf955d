"""/access cancel [<id>]: who asked takes the request back."""

from access import operations
from bot.commands.asked import Asked, identifier
from bot.views.answer import taken_back
from bot.views.blocks import Message


async def run(asked: Asked) -> Message:
    found = await asked.face.do(operations.request_to_cancel, text=identifier(asked, "cancel"), by=asked.who.slack)
    return taken_back(await asked.face.do(operations.cancel, request_id=found.id, by=asked.who.slack))
