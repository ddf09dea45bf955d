"""/access who: the security team sees who is in now."""

from access.queries.who import who
from bot.invocation import Invocation
from bot.views.blocks import Rendered
from bot.views.who import who_list


async def command(invocation: Invocation) -> Rendered:
    slack = invocation.slack
    return who_list(await slack.do(who, by=invocation.who.actor), slack.core.clock.now())
