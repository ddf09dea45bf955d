"""A button that nobody answers to any more is acknowledged, logged and explained."""

import logging
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from access.errors import NotFound
from bot.refusals import ephemeral, refusals
from bot.reply import Reply

logger = logging.getLogger(__name__)


class OldButton(NotFound):
    """This button is from an older version and does nothing any more. /access help says what there is."""


async def button(ack: AsyncAck, body: dict[str, Any], respond: Reply) -> None:
    await ack()
    logger.warning("there is no listener for the action %.255r", body["actions"][0].get("action_id"))
    if "response_url" not in body:
        return
    async with refusals(ephemeral(respond)):
        raise OldButton
