"""Listens for Slack's requests until it is told to stop; what answers is the same as in Socket Mode."""

import asyncio
import socket
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import aiohttp
import uvicorn
from slack_sdk.web.async_client import AsyncWebClient

from access.core import Core
from access.errors import Misconfigured, Unready
from access.faults import why
from bot.ack_priority import noop
from bot.app import build_app
from bot.http_app import DOOR, HttpApp
from bot.http_connections import bounded
from bot.http_health import CHECKS, Health
from bot.serving import CALL_TIMEOUT, FINISHING, accepted, let_finish, warn_of_channels

SHORTEST_SECRET = 16


async def serve(
    core: Core,
    *,
    bot_token: str,
    signing_secret: str,
    api_url: str,
    threads: int,
    address: tuple[str, int],
    prefix: str,
    stop: asyncio.Event,
    listening: Callable[[str], None],
    client_class: Callable[..., AsyncWebClient] = AsyncWebClient,
    answered: Callable[[float], None] = noop,
) -> None:
    """Runs until `stop` is set. `listening` hears once where the door is, as a URL. Raises Unready.

    `threads` is the number of connections in the database pool; port 0 in `address` takes a free one. What is being
    decided when `stop` is set is finished, and the person is told.
    """
    if len(signing_secret) < SHORTEST_SECRET:
        raise Misconfigured(
            "SLACK_SIGNING_SECRET is too short to be Slack's; copy it from the app's Basic Information."
        )
    before = asyncio.all_tasks()
    async with aiohttp.ClientSession() as session:
        client = client_class(bot_token, api_url, session=session, timeout=CALL_TIMEOUT)
        await accepted(client, client.auth_test, "SLACK_BOT_TOKEN")
        with (
            _listener(*address) as listener,
            ThreadPoolExecutor(threads, thread_name_prefix="core") as executor,
            ThreadPoolExecutor(len(CHECKS), thread_name_prefix="health") as looking,
        ):
            bolt = build_app(core, client=client, executor=executor, answered=answered)
            app = HttpApp(
                bolt, signing_secret.encode(), Health(core, looking),
                now=lambda: core.clock.now().timestamp(), prefix=prefix,
            )  # fmt: skip
            server = _Server(_configured(app))
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            stopping = asyncio.create_task(stop.wait())
            try:
                listening(f"http://{_shown(listener)}{prefix}{DOOR}")
                await warn_of_channels(client, core)
                await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                server.should_exit = True
                await serving
                stopping.cancel()
                await let_finish(before)


class _Server(uvicorn.Server):
    """Leaves the signals to the process."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def _configured(app: HttpApp) -> uvicorn.Config:
    """The strict parser, and no header believed that says who called: only the signature counts."""
    return uvicorn.Config(
        app, http=bounded(), ws="none", lifespan="off", interface="asgi3", proxy_headers=False, server_header=False,
        access_log=False, log_config=None, timeout_graceful_shutdown=FINISHING,
    )  # fmt: skip


@contextmanager
def _listener(host: str, port: int) -> Generator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        raise Unready(
            f"The bot cannot listen at {host} port {port} ({why(error)}); set COUNTERSIGN_HTTP_LISTEN to another."
        ) from None
    with listener:
        yield listener


def _shown(listener: socket.socket) -> str:
    host, port, *_ = listener.getsockname()
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
