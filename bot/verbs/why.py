"""/access why: how a request was decided, for who has to do with it."""

from access.queries.why import why
from bot.invocation import Invocation, identifier
from bot.views.blocks import Rendered
from bot.views.why import why_list


async def command(invocation: Invocation) -> Rendered:
    """/access why [<id>]"""
    wanted = identifier(invocation, "why", "The id stands beneath each card and answer.")
    return why_list(await invocation.slack.do(why, text=wanted, by=invocation.who.actor))
