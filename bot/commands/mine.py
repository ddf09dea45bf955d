"""/access mine: what I hold and what I wait for."""

from access import operations
from bot.commands.asked import Asked
from bot.links import card_links
from bot.views.blocks import Message
from bot.views.mine import mine_list


async def run(asked: Asked) -> Message:
    mine = await asked.face.do(operations.mine, person=asked.who.slack)
    return mine_list(mine, asked.face.core.clock.now(), await card_links(asked.face.client, mine.cards))
