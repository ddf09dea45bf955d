"""Connects the bot to Slack by Socket Mode and keeps it there until it is told to stop."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import aiohttp
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from access.errors import PolicyError, Unready
from access.operations.core import Core
from bot.app import build_app
from bot.channels import check_channels

logger = logging.getLogger(__name__)

CALL_TIMEOUT = 10
"""Seconds for one call of Slack's Web API."""
_BETWEEN_LOOKS = 1.0
"""Seconds between two looks at the connection."""


async def serve(
    core: Core,
    *,
    bot_token: str,
    app_token: str,
    api_url: str,
    threads: int,
    stop: asyncio.Event,
    connected: Callable[[bool], None],
) -> None:
    """Runs until `stop` is set. `connected` hears every second whether Slack can reach us. Raises Unready.

    `threads` is the number of connections in the database pool. What is being decided when `stop` is set is finished.
    """
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(bot_token, api_url, session=session, timeout=CALL_TIMEOUT)
        await _check_token(client)
        with ThreadPoolExecutor(threads, thread_name_prefix="core") as executor:
            handler = AsyncSocketModeHandler(build_app(core, client=client, executor=executor), app_token)
            try:
                await _connect(handler)
                await _warn_of_channels(client, core)
                await _watch(handler, stop, connected)
            finally:
                await handler.close_async()
                connected(False)


async def _check_token(client: AsyncWebClient) -> None:
    try:
        await client.auth_test()
    except SlackApiError as error:
        raise Unready(f"Slack does not accept SLACK_BOT_TOKEN ({error.response.get('error')}).") from None


async def _connect(handler: AsyncSocketModeHandler) -> None:
    try:
        await handler.connect_async()
    except SlackApiError as error:
        raise Unready(f"Slack does not accept SLACK_APP_TOKEN ({error.response.get('error')}).") from None


async def _warn_of_channels(client: AsyncWebClient, core: Core) -> None:
    try:
        troubles = await check_channels(client, core.policy.known())
    except PolicyError as error:
        troubles = [error.sentence]
    for trouble in troubles:
        logger.error("the policy cannot be followed: %s", trouble)


async def _watch(handler: AsyncSocketModeHandler, stop: asyncio.Event, connected: Callable[[bool], None]) -> None:
    while not stop.is_set():
        connected(await handler.client.is_connected())
        try:
            await asyncio.wait_for(stop.wait(), _BETWEEN_LOOKS)
        except TimeoutError:
            continue
