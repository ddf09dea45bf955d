"""Connects the bot to Slack by Socket Mode and keeps it there until it is told to stop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import aiohttp
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_sdk.web.async_client import AsyncWebClient

from access.core import Core
from bot.ack_priority import noop
from bot.app import build_app
from bot.serving import CALL_TIMEOUT, accepted, let_finish, warn_of_channels

_PING_EVERY = 5.0
"""Seconds. A broken connection is noticed after one to two of them; Bolt's own ten leave people unanswered as long."""
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
    client_class: Callable[..., AsyncWebClient] = AsyncWebClient,
    answered: Callable[[float], None] = noop,
) -> None:
    """Runs until `stop` is set. `connected` hears every second whether Slack can reach us. Raises Unready.

    `threads` is the number of connections in the database pool. What is being decided when `stop` is set is finished,
    and the person is told.
    """
    before = asyncio.all_tasks()
    async with aiohttp.ClientSession() as session:
        client = client_class(bot_token, api_url, session=session, timeout=CALL_TIMEOUT)
        link = await _first_link(client, app_token)
        with ThreadPoolExecutor(threads, thread_name_prefix="core") as executor:
            bolt = build_app(core, client=client, executor=executor, answered=answered)
            handler = AsyncSocketModeHandler(bolt, app_token, ping_interval=_PING_EVERY)
            handler.client.wss_uri = link
            connecting = asyncio.create_task(handler.connect_async())
            try:
                await warn_of_channels(client, core)
                await _watch(handler, connecting, stop, connected)
            finally:
                connecting.cancel()
                await asyncio.gather(connecting, return_exceptions=True)
                await handler.close_async()
                connected(False)
                await let_finish(before)


async def _first_link(client: AsyncWebClient, app_token: str) -> str:
    """Where to connect. Asked here and not by the handler, which would try a wrong token for ever."""
    await accepted(client, client.auth_test, "SLACK_BOT_TOKEN")
    opened = await accepted(client, lambda: client.apps_connections_open(app_token=app_token), "SLACK_APP_TOKEN")
    return str(opened["url"])


async def _watch(
    handler: AsyncSocketModeHandler,
    connecting: asyncio.Task[None],
    stop: asyncio.Event,
    connected: Callable[[bool], None],
) -> None:
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({connecting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    while not stop.is_set():
        connected(await handler.client.is_connected())
        await asyncio.wait({stopping}, timeout=_BETWEEN_LOOKS)
