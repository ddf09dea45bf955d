"""/access mine: what I hold and what I wait for."""

from access.queries.mine import mine
from bot.invocation import Invocation
from bot.links import card_links
from bot.views.blocks import Rendered
from bot.views.mine import mine_list


async def command(invocation: Invocation) -> Rendered:
    slack = invocation.slack
    found = await slack.do(mine, person=invocation.who.actor)
    return mine_list(found, slack.core.clock.now(), await card_links(slack.client, found.cards))
