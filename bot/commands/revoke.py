"""/access revoke <id>: the security team is asked why, then the access ends."""

from access import operations
from bot.commands.asked import Asked, identifier
from bot.views.modals import revocation


async def run(asked: Asked) -> None:
    found = await asked.face.do(operations.find_to_revoke, text=identifier(asked, "revoke"), by=asked.who.slack)
    grant = await asked.face.do(operations.may_revoke, grant_id=found.id, by=asked.who.slack)
    await asked.face.client.views_open(trigger_id=asked.trigger_id, view=revocation(grant))
