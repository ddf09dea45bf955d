"""/access <resource/role> <time> <reason>: asks in one line, without the form; for what is open, to extend it."""

from access import operations
from access.durations import format_duration
from access.errors import AlreadyHeld
from access.ids import GrantId
from bot.commands.asked import Asked
from bot.views.answer import asked as asked_for
from bot.views.blocks import Message
from bot.views.extension import extension_form

USAGE = "<resource/role> <time> <reason>"
EXAMPLE = "customers-db/read 2h why you need it"


async def run(asked: Asked) -> Message | None:
    face, who = asked.face, asked.who
    try:
        request = await face.do(operations.submit_line, requester=who.slack, text=asked.words, zone=who.zone)
    except AlreadyHeld as held:
        about = await face.do(operations.may_extend, grant_id=GrantId(held.grant), by=who.slack)
        longer = format_duration(held.duration) if held.duration else ""
        view = extension_form(about, longer=longer, reason=held.reason)
        await face.client.views_open(trigger_id=asked.trigger_id, view=view)
        return None
    return asked_for(await face.do(operations.card_of, request.id))
