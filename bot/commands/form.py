"""/access: the form."""

from access import operations
from bot.commands.asked import Asked
from bot.views.blocks import Message
from bot.views.form import nothing_to_ask, request_form


async def run(asked: Asked) -> Message | None:
    choices = await asked.face.do(operations.requestable, requester=asked.who.slack)
    if not choices:
        return nothing_to_ask()
    await asked.face.client.views_open(trigger_id=asked.trigger_id, view=request_form(choices))
    return None
