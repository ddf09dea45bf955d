"""Revoke: the security team is asked why, then the access ends."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from access.grants.revoke import may_revoke, revoke
from access.ids import GrantId
from access.queries.find import grant_to_revoke
from bot import ids
from bot.identity import Who, still_member
from bot.invocation import Invocation, identifier
from bot.payload import pressed, typed
from bot.refusals import ephemeral, in_fields, refusals
from bot.reply import Reply
from bot.slack_context import SlackContext
from bot.views.modals import revocation


async def command(invocation: Invocation) -> None:
    """/access revoke [<id> | <person>]"""
    slack, by = invocation.slack, invocation.who.actor
    text = identifier(invocation, "revoke", "The card shows it; a name will do.")
    found = await slack.do(grant_to_revoke, text=text, by=by, mentioned=invocation.mentioned)
    grant = await slack.do(may_revoke, grant_id=found.id, by=by)
    await slack.client.views_open(trigger_id=invocation.trigger_id, view=revocation(grant))


async def button(ack: AsyncAck, body: dict[str, Any], respond: Reply, slack: SlackContext, who: Who) -> None:
    async with slack.acknowledged(ack), refusals(ephemeral(respond)):
        grant = await slack.do(may_revoke, grant_id=GrantId(pressed(body)), by=who.actor)
        await slack.client.views_open(trigger_id=body["trigger_id"], view=revocation(grant))


async def modal(ack: AsyncAck, view: dict[str, Any], slack: SlackContext, who: Who) -> None:
    async with refusals(in_fields(ack, ids.REASON)):
        await still_member(slack, who, ids.REVOKE)
        grant_id = GrantId(view["private_metadata"])
        await slack.do(revoke, grant_id=grant_id, by=who.actor, reason=typed(view, ids.REASON))
        await ack()
