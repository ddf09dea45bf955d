"""The floor of slash → ack: a Bolt app that acknowledges `/access` and does nothing else. Runs until SIGTERM."""

import asyncio
import logging
import os
import signal

import aiohttp
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient


async def access(ack: AsyncAck) -> None:
    await ack()


async def main() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with aiohttp.ClientSession() as session:
        token = os.environ.pop("SLACK_BOT_TOKEN")  # Bolt would warn that it is not needed beside a client
        client = AsyncWebClient(token, os.environ["SLACK_API_URL"], session=session)
        app = AsyncApp(client=client, logger=logging.getLogger("bench.bare_bolt"))
        app.command("/access")(access)
        handler = AsyncSocketModeHandler(app, os.environ["SLACK_APP_TOKEN"])
        await handler.connect_async()
        await stop.wait()
        await handler.close_async()


if __name__ == "__main__":
    asyncio.run(main())
