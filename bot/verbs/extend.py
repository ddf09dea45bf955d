"""Extend: the holder is asked how much longer and why; the answer makes a request."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from access.ids import GrantId
from access.messages.facts import card_of
from access.queries.find import grant_to_extend
from access.requests.extend import extend, may_extend
from bot import ids
from bot.asking import read_when
from bot.identity import Who
from bot.invocation import Invocation, identifier
from bot.payload import pressed, typed
from bot.refusals import beside, in_fields, refusals
from bot.reply import Reply
from bot.slack_context import SlackContext
from bot.views.answer import asked_in_modal
from bot.views.extension import extension_form


async def command(invocation: Invocation) -> None:
    """/access extend [<id>]"""
    slack, by = invocation.slack, invocation.who.actor
    found = await slack.do(grant_to_extend, text=identifier(invocation, "extend"), by=by)
    about = await slack.do(may_extend, grant_id=found.id, by=by)
    await slack.client.views_open(trigger_id=invocation.trigger_id, view=extension_form(about))


async def button(ack: AsyncAck, body: dict[str, Any], respond: Reply, slack: SlackContext, who: Who) -> None:
    async with slack.acknowledged(ack), refusals(beside(body, respond, slack.client)):
        about = await slack.do(may_extend, grant_id=GrantId(pressed(body)), by=who.actor)
        await slack.client.views_open(trigger_id=body["trigger_id"], view=extension_form(about))


async def modal(ack: AsyncAck, view: dict[str, Any], slack: SlackContext, who: Who) -> None:
    async with refusals(in_fields(ack, ids.DURATION, ids.REASON)):
        when = read_when(typed(view, ids.DURATION), now=slack.core.clock.now(), zone=who.zone)
        request = await slack.do(
            extend,
            grant_id=GrantId(view["private_metadata"]),
            by=who.actor,
            duration=when.duration,
            until=when.until,
            reason=typed(view, ids.REASON),
            unread=when.unread,
        )
        await ack(response_action="update", view=asked_in_modal(await slack.do(card_of, request.id)))
