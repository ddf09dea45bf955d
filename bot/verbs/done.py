"""Done: the holder gives the access back."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from access.grants.revoke import return_access
from access.ids import GrantId
from access.queries.find import grant_to_return
from bot.identity import Who
from bot.invocation import Invocation, identifier
from bot.payload import pressed
from bot.refusals import beside, confirm, refusals
from bot.reply import Reply
from bot.slack_context import SlackContext
from bot.views.answer import returned
from bot.views.blocks import Rendered


async def command(invocation: Invocation) -> Rendered:
    """/access done [<id>]"""
    slack, by = invocation.slack, invocation.who.actor
    found = await slack.do(grant_to_return, text=identifier(invocation, "done"), by=by)
    return returned(await slack.do(return_access, grant_id=found.id, by=by))


async def button(ack: AsyncAck, body: dict[str, Any], respond: Reply, slack: SlackContext, who: Who) -> None:
    async with slack.acknowledged(ack), refusals(beside(body, respond, slack.client)):
        grant = await slack.do(return_access, grant_id=GrantId(pressed(body)), by=who.actor)
        await confirm(body, respond, returned(grant))
