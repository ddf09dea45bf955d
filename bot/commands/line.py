"""/access <resource/role> <time> <reason>: asks in one line, without the form."""

from access import operations
from bot.commands.asked import Asked
from bot.views.answer import asked as asked_for
from bot.views.blocks import Message

USAGE = "<resource/role> <time> <reason>"
EXAMPLE = "customers-db/read 2h why you need it"


async def run(asked: Asked) -> Message:
    face, who = asked.face, asked.who
    request = await face.do(operations.submit_line, requester=who.slack, text=asked.words, zone=who.zone)
    return asked_for(await face.do(operations.card_of, request.id))
