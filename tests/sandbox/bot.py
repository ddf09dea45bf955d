"""A small app on the real Bolt, over real Socket Mode, for the sandbox to talk to."""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk import WebClient
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.server import Running

SILENT = object()
"""The answer of an app that does not acknowledge."""

Answer = Callable[[str, dict[str, Any]], Any]


class Keeper:
    """Acknowledges everything with `answer` and keeps what it was sent."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer
        self.payloads: list[dict[str, Any]] = []

    def __call__(self, _: str, payload: dict[str, Any]) -> Any:
        self.payloads.append(payload)
        return self.answer


@contextmanager
def scripted(sandbox: Running, answer: Answer) -> Iterator[SocketModeClient]:
    """An app on the bare Socket Mode client: `answer(kind, payload)` gives the acknowledgement's payload."""
    with on_a_loop() as on_loop:

        async def listen(client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
            payload = await asyncio.to_thread(answer, request.payload.get("type", request.type), request.payload)
            if payload is not SILENT:
                await client.send_socket_mode_response(SocketModeResponse(request.envelope_id, payload))

        async def connect() -> SocketModeClient:
            client = SocketModeClient(
                sandbox.app_token, web_client=AsyncWebClient(base_url=sandbox.api_url), auto_reconnect_enabled=False
            )
            client.socket_mode_request_listeners.append(listen)
            await client.connect()
            return client

        client = on_loop(connect())
        try:
            yield client
        finally:
            on_loop(client.close())


@contextmanager
def connected(sandbox: Running, listen: Callable[[AsyncApp], None]) -> Iterator[AsyncApp]:
    """Runs an app with the listeners that `listen` registers, in a thread of its own, until left."""
    with on_a_loop() as on_loop:

        async def connect() -> tuple[AsyncApp, AsyncSocketModeHandler]:
            client = AsyncWebClient(token=sandbox.bot_token, base_url=sandbox.api_url)
            app = AsyncApp(client=client, logger=logging.getLogger("tests.sandbox.bot"))
            listen(app)
            handler = AsyncSocketModeHandler(app, sandbox.app_token)
            await handler.connect_async()
            return app, handler

        app, handler = on_loop(connect())
        try:
            yield app
        finally:
            on_loop(handler.close_async())


@contextmanager
def connected_by_the_builtin_client(sandbox: Running) -> Iterator[None]:
    """Runs an app on Bolt's own Socket Mode client, which acknowledges every command, until left."""
    app = App(client=WebClient(sandbox.bot_token, base_url=sandbox.api_url))

    @app.command("/access")
    def acknowledge(ack: Any) -> None:
        ack()

    handler = SocketModeHandler(app, sandbox.app_token)
    handler.connect()
    try:
        yield
    finally:
        handler.close()


@contextmanager
def on_a_loop() -> Iterator[Callable[[Coroutine[Any, Any, Any]], Any]]:
    """An event loop in a thread of its own, and a way to run something on it and wait."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="bot", daemon=True)
    thread.start()

    def on_loop(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(timeout=10)

    try:
        yield on_loop
    finally:
        on_loop(_end_tasks())
        on_loop(loop.shutdown_asyncgens())
        on_loop(loop.shutdown_default_executor())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end_tasks() -> None:
    """Ends what the client left running, so that nothing is destroyed while it waits."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


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
