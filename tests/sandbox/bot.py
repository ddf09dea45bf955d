"""A small app on the real Bolt, over real Socket Mode, for the sandbox to talk to."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.server import Running


@contextmanager
def connected(sandbox: Running, listen: Callable[[AsyncApp], None]) -> Iterator[AsyncApp]:
    """Runs an app with the listeners that `listen` registers, in a thread of its own, until left."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="bot", daemon=True)
    thread.start()

    async def connect() -> tuple[AsyncApp, AsyncSocketModeHandler]:
        client = AsyncWebClient(token=sandbox.bot_token, base_url=sandbox.api_url)
        app = AsyncApp(client=client, logger=logging.getLogger("tests.sandbox.bot"))
        listen(app)
        handler = AsyncSocketModeHandler(app, sandbox.app_token)
        await handler.connect_async()
        return app, handler

    def on_loop(work: Any) -> Any:
        future: Future[Any] = asyncio.run_coroutine_threadsafe(work, loop)
        return future.result(timeout=10)

    app, handler = on_loop(connect())
    try:
        yield app
    finally:
        on_loop(handler.close_async())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def modal(**changes: Any) -> dict[str, Any]:
    """A small form with one required and one optional field."""
    return {
        "type": "modal",
        "callback_id": "ask",
        "title": {"type": "plain_text", "text": "Ask for access"},
        "submit": {"type": "plain_text", "text": "Ask"},
        "blocks": [text_field("reason", "Reason"), text_field("note", "Note") | {"optional": True}],
    } | changes


def text_field(block_id: str, label: str) -> dict[str, Any]:
    """An input block with one line of text; its action id is `text`."""
    return {
        "type": "input",
        "block_id": block_id,
        "label": {"type": "plain_text", "text": label},
        "element": {"type": "plain_text_input", "action_id": "text"},
    }


def card(words: str = "Ann asks for payments/read") -> list[dict[str, Any]]:
    """A message with one line and two buttons."""
    return [
        {"type": "section", "block_id": "what", "text": {"type": "plain_text", "text": words}},
        {
            "type": "actions",
            "block_id": "decide",
            "elements": [button("approve", "Approve", "r1"), button("deny", "Deny", "r1")],
        },
    ]


def button(action_id: str, text: str, value: str) -> dict[str, Any]:
    """A button."""
    return {
        "type": "button",
        "action_id": action_id,
        "text": {"type": "plain_text", "text": text},
        "value": value,
    }
