"""/access extend [<id>]: the holder is asked how much longer and why."""

from access import operations
from bot.commands.asked import Asked, identifier
from bot.views.extension import extension_form


async def run(asked: Asked) -> None:
    found = await asked.face.do(operations.grant_to_extend, text=identifier(asked, "extend"), by=asked.who.slack)
    about = await asked.face.do(operations.may_extend, grant_id=found.id, by=asked.who.slack)
    await asked.face.client.views_open(trigger_id=asked.trigger_id, view=extension_form(about))
