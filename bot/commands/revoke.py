"""/access revoke [<id> | <person>]: the security team is asked why, then the access ends."""

from access import operations
from bot.commands.asked import Asked, identifier
from bot.views.modals import revocation


async def run(asked: Asked) -> None:
    text, who = identifier(asked, "revoke", "The card shows it; a name will do."), asked.who.slack
    found = await asked.face.do(operations.grant_to_revoke, text=text, by=who, mentioned=asked.mentioned)
    grant = await asked.face.do(operations.may_revoke, grant_id=found.id, by=asked.who.slack)
    await asked.face.client.views_open(trigger_id=asked.trigger_id, view=revocation(grant))
