"""/access: the form."""

from access import operations
from bot.commands.asked import Asked
from bot.views.blocks import Message, section
from bot.views.form import NOTHING_TO_ASK, request_form


async def run(asked: Asked) -> Message | None:
    choices = await asked.face.do(operations.requestable, requester=asked.who.slack)
    if not choices:
        return Message(text="There is nothing to ask for", blocks=[section(NOTHING_TO_ASK)])
    await asked.face.client.views_open(trigger_id=asked.trigger_id, view=request_form(choices))
    return None
