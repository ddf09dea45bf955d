"""The addresses of cards, for links in a private answer: without one, the answer has no link."""

import asyncio
import logging
from collections.abc import Mapping

from aiohttp import ClientError
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from access.ids import RequestId
from access.requests.remind import Place

logger = logging.getLogger(__name__)

PATIENCE = 2.0
"""Seconds, for all of them together."""


async def card_links(client: AsyncWebClient, cards: Mapping[RequestId, Place]) -> dict[RequestId, str]:
    """Never raises: who looks at what is theirs is answered though Slack gives no addresses just now."""
    found = await asyncio.gather(*(_address(client, place) for place in cards.values()))
    return {request: link for request, link in zip(cards, found, strict=True) if link}


async def _address(client: AsyncWebClient, place: Place) -> str | None:
    try:
        async with asyncio.timeout(PATIENCE):
            answer = await client.chat_getPermalink(channel=place.channel, message_ts=place.ts)
    except SlackApiError as error:
        logger.info("Slack gives no address of a card: %s", error.response.get("error"))
        return None
    except (ClientError, OSError, TimeoutError) as error:
        logger.info("Slack gives no address of a card (%s)", type(error).__name__)
        return None
    return str(answer["permalink"])
