"""The floor: a Bolt app that acknowledges `/access`, opens one form and offers the same options. Runs until SIGTERM."""

import asyncio
import logging
import os
import signal
from typing import Any

import aiohttp
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

FORM = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "Ask for access"},
    "submit": {"type": "plain_text", "text": "Ask"},
    "blocks": [
        {
            "type": "input",
            "block_id": "entitlement",
            "label": {"type": "plain_text", "text": "What do you need?"},
            "element": {"type": "external_select", "action_id": "form.choose", "min_query_length": 0},
        }
    ],
}
OPTIONS = [
    {
        "text": {"type": "plain_text", "text": f"Read what number {number} holds"},
        "description": {"type": "plain_text", "text": f"resource-{number}/read, up to 2 h"},
        "value": f"resource-{number}/read",
    }
    for number in range(100)
]
"""As many as Slack shows."""


async def access(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
    await ack()
    if not body["text"]:
        await client.views_open(trigger_id=body["trigger_id"], view=FORM)


async def suggest(ack: AsyncAck) -> None:
    await ack(options=OPTIONS)


async def main() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with aiohttp.ClientSession() as session:
        token = os.environ.pop("SLACK_BOT_TOKEN")  # Bolt would warn that it is not needed beside a client
        client = AsyncWebClient(token, os.environ["SLACK_API_URL"], session=session)
        app = AsyncApp(client=client, logger=logging.getLogger("bench.bare_bolt"))
        app.command("/access")(access)
        app.options("form.choose")(suggest)
        handler = AsyncSocketModeHandler(app, os.environ["SLACK_APP_TOKEN"])
        await handler.connect_async()
        await stop.wait()
        await handler.close_async()


if __name__ == "__main__":
    asyncio.run(main())
