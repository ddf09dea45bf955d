"""Ask: by the form, which /access and the button on the Home open, or in one line; what is open, to extend it."""

import json
import logging
from collections.abc import Mapping
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.errors import SlackApiError

from access.durations import format_duration
from access.errors import AlreadyHeld, InvalidInput
from access.ids import GrantId
from access.messages.facts import CardFacts, card_of
from access.policy.refusals import PartsRefused
from access.requests.batch import Batch, Wanted, previews, submit_all
from access.requests.extend import may_extend
from access.requests.submit import asks_for_others, bundles, requestable, suggest
from access.requests.typed_line import read_line
from bot import ids
from bot.asking import read_when
from bot.identity import Who
from bot.invocation import Invocation
from bot.payload import all_chosen, chosen_person, picked, typed
from bot.receiver import not_a_member
from bot.refusals import Fields, Say, beside, in_fields, in_modal, refusals
from bot.reply import Reply
from bot.slack_context import SlackContext
from bot.views.asked_several import asked_all, asked_all_in_modal
from bot.views.blocks import Rendered, View
from bot.views.extension import extension_form
from bot.views.form import (
    MOST_OPTIONS,
    NOTHING_TO_ASK,
    Previews,
    nothing_to_ask,
    request_form,
    suggestions,
)
from bot.views.modals import notice

logger = logging.getLogger(__name__)

USAGE = "<resource/role> <time> <reason>"
EXAMPLE = "customers-db/read 2h why you need it"


async def form(invocation: Invocation) -> Rendered | None:
    """/access"""
    view = await _form(invocation.slack, invocation.who)
    if view is None:
        return nothing_to_ask()
    await invocation.slack.client.views_open(trigger_id=invocation.trigger_id, view=view)
    return None


async def line(invocation: Invocation) -> Rendered | None:
    """/access <resource/role> <time> <reason>"""
    slack, who = invocation.slack, invocation.who
    typed_line = await slack.do(
        read_line, requester=who.actor, text=invocation.words, zone=who.zone, mentions=invocation.mentions
    )
    line, subject = typed_line.line, typed_line.subject
    wanted = Wanted(
        duration=line.duration, until=line.until, reason=line.reason, source="line", starts_at=line.starts_at,
        subject=subject, unread=_with(await not_a_member(slack, who, subject), line.unread),
    )  # fmt: skip
    chosen = [str(one) for one in (line.entitlement, *line.also)]
    try:
        batch = await slack.do(submit_all, requester=who.actor, chosen=chosen, wanted=wanted)
    except AlreadyHeld as held:
        about = await slack.do(may_extend, grant_id=GrantId(held.grant), by=who.actor)
        longer = format_duration(held.duration) if held.duration else ""
        view = extension_form(about, longer=longer, reason=held.reason)
        await slack.client.views_open(trigger_id=invocation.trigger_id, view=view)
        return None
    except PartsRefused as refused:
        rest = f"To ask for the rest, write /access {','.join(refused.possible)} with the time and the reason."
        raise InvalidInput("entitlement", f"{refused.sentence}\n{rest}") from None
    return asked_all(await _cards(slack, batch), batch.left_out)


async def button(ack: AsyncAck, body: dict[str, Any], respond: Reply, slack: SlackContext, who: Who) -> None:
    """Of the Home."""
    async with slack.acknowledged(ack), refusals(beside(body, respond, slack.client)):
        view = await _form(slack, who) or notice("Ask for access", NOTHING_TO_ASK)
        await slack.client.views_open(trigger_id=body["trigger_id"], view=view)


async def suggested(ack: AsyncAck, body: dict[str, Any], slack: SlackContext, who: Who) -> None:
    """What can be chosen, while it is typed."""
    async with refusals(_nothing(ack)):
        words = str(body.get("value") or "")
        found = await slack.do(suggest, requester=who.actor, typed=words, most=MOST_OPTIONS)
        fitting = [
            one
            for one in await slack.do(bundles, requester=who.actor)
            if words.strip().casefold() in f"{one.id} {one.title}".casefold()
        ]
        options = suggestions(found, fitting) if found.total or fitting else []
        await ack(option_groups=options) if options else await ack(options=[])


async def chosen(ack: AsyncAck, body: dict[str, Any], slack: SlackContext, who: Who) -> None:
    """The form shows who will be asked for what is chosen."""
    await ack()
    view = body["view"]
    async with refusals(in_modal(slack.client, view["id"], "Not possible")):
        picked_now = all_chosen(view, ids.ENTITLEMENT, ids.ALSO)
        about = await slack.do(
            previews, requester=who.actor, chosen=picked_now, subject=chosen_person(view, ids.SUBJECT)
        )
        form = await _form(slack, who, about) or notice("Ask for access", NOTHING_TO_ASK)
        try:
            await slack.client.views_update(view_id=view["id"], hash=view["hash"], view=form)
        except SlackApiError as error:
            # Chosen again meanwhile, or closed: the newer click answers for itself.
            if error.response.get("error") not in ("hash_conflict", "not_found"):
                raise
            logger.info("a form had moved on: %s", error.response.get("error"))


async def modal(ack: AsyncAck, view: dict[str, Any], slack: SlackContext, who: Who) -> None:
    """Requests are made, or the field to mend is named; for what is open, the form becomes another.

    Of several of which some are refused, it says which, and asks for the rest when it is sent once more.
    """
    async with refusals(in_fields(ack, ids.ENTITLEMENT, ids.SUBJECT, ids.START, ids.DURATION, ids.REASON)):
        try:
            batch = await _submitted(view, slack, who)
        except AlreadyHeld as held:
            about = await slack.do(may_extend, grant_id=GrantId(held.grant), by=who.actor)
            longer, reason = typed(view, ids.DURATION), typed(view, ids.REASON)
            await ack(response_action="update", view=extension_form(about, longer=longer, reason=reason))
            return
        except PartsRefused as refused:
            await ack(response_action="update", view=await _form(slack, who, left_out=refused.refused))
            return
        cards = await _cards(slack, batch)
        await ack(response_action="update", view=asked_all_in_modal(cards, batch.left_out))


async def _submitted(view: dict[str, Any], slack: SlackContext, who: Who) -> Batch:
    starts_at, now = picked(view, ids.START), slack.core.clock.now()
    subject = chosen_person(view, ids.SUBJECT)
    when = read_when(typed(view, ids.DURATION), now=max(starts_at or now, now), zone=who.zone)
    wanted = Wanted(
        duration=when.duration, until=when.until, starts_at=starts_at, reason=typed(view, ids.REASON), source="form",
        subject=subject, unread=_with(await not_a_member(slack, who, subject), when.unread),
    )  # fmt: skip
    return await slack.do(
        submit_all, requester=who.actor, chosen=all_chosen(view, ids.ENTITLEMENT, ids.ALSO), wanted=wanted,
        told=json.loads(view.get("private_metadata") or "[]"),
    )  # fmt: skip


async def _cards(slack: SlackContext, batch: Batch) -> list[CardFacts]:
    return [await slack.do(card_of, request.id) for request in batch.requests]


async def _form(
    slack: SlackContext, who: Who, about: Previews | None = None, left_out: Mapping[str, str] | None = None
) -> View | None:
    """None: there is nothing that this person may ask for."""
    choices = await slack.do(requestable, requester=who.actor)
    if not choices:
        return None
    return request_form(
        choices, about, bundles=await slack.do(bundles, requester=who.actor),
        for_others=await slack.do(asks_for_others, requester=who.actor), left_out=left_out,
    )  # fmt: skip


def _with(first: InvalidInput | None, other: InvalidInput | None) -> InvalidInput | None:
    """Both are told."""
    if first is None or other is None:
        return first or other
    return InvalidInput(first.field, first.sentence, also=[other])


def _nothing(ack: AsyncAck) -> Say:
    """A list of options has no room for a sentence."""

    async def say(words: str, _: Fields) -> None:
        logger.warning("no options were offered: %s", words)
        await ack(options=[])

    return say
