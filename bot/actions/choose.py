"""Choosing in the form: what can be chosen, and who will be asked for what is chosen."""

import logging
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.errors import SlackApiError

from access import operations
from access.errors import Refusal
from access.operations import Preview
from bot import ids
from bot.face import Face
from bot.identity import Who
from bot.payload import chosen as chosen_option
from bot.refusals import Fields, Say, in_modal, refusals
from bot.views.form import MOST_OPTIONS, request_form, suggestions

logger = logging.getLogger(__name__)


async def chosen(ack: AsyncAck, body: dict[str, Any], face: Face, who: Who) -> None:
    await ack()
    view = body["view"]
    async with refusals(in_modal(face.client, view["id"], "Not possible")):
        choices = await face.do(operations.requestable, requester=who.slack)
        asked = await _asked(face, who, chosen_option(view, ids.ENTITLEMENT))
        try:
            await face.client.views_update(view_id=view["id"], hash=view["hash"], view=request_form(choices, asked))
        except SlackApiError as error:
            # Chosen again meanwhile, or closed: the newer click answers for itself.
            if error.response.get("error") not in ("hash_conflict", "not_found"):
                raise
            logger.info("a form had moved on: %s", error.response.get("error"))


async def suggest(ack: AsyncAck, body: dict[str, Any], face: Face, who: Who) -> None:
    async with refusals(_nothing(ack)):
        typed = str(body.get("value") or "")
        found = await face.do(operations.suggest, requester=who.slack, typed=typed, most=MOST_OPTIONS)
        await ack(option_groups=suggestions(found)) if found.total else await ack(options=[])


async def _asked(face: Face, who: Who, entitlement: str) -> Preview | str | None:
    if not entitlement:
        return None
    try:
        return await face.do(operations.preview, requester=who.slack, entitlement=entitlement)
    except Refusal as refused:
        return refused.sentence


def _nothing(ack: AsyncAck) -> Say:
    """A list of options has no room for a sentence."""

    async def say(words: str, _: Fields) -> None:
        logger.warning("no options were offered: %s", words)
        await ack(options=[])

    return say
