"""A small request URL for the sandbox to push to: scripted, or the real Bolt behind aiohttp."""

import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.server import Running
from tests.sandbox.bot import on_a_loop


@dataclass(frozen=True)
class Push:
    """One request as it arrived."""

    headers: dict[str, str]
    body: str

    @property
    def payload(self) -> dict[str, Any]:
        """What it says: JSON, JSON in a form's `payload`, or the form itself."""
        if self.headers["content-type"] == "application/json":
            return json.loads(self.body)
        form = {name: values[0] for name, values in parse_qs(self.body, keep_blank_values=True).items()}
        return json.loads(form["payload"]) if "payload" in form else form


@dataclass(frozen=True)
class Reply:
    """What a scripted request URL answers."""

    body: str = ""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


@contextmanager
def scripted_url(reply: Callable[[Push], Reply], tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """A request URL that answers what `reply` says; with `tls` over https."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            answer = reply(Push({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body.encode())))
            self.end_headers()
            self.wfile.write(answer.body.encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="request url")
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}/slack/events"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def bolt_url(sandbox: Running, listen: Callable[[AsyncApp], None], signing_secret: str = "") -> Iterator[str]:
    """The request URL of a real Bolt app with the listeners that `listen` registers."""
    with on_a_loop() as on_loop:

        async def start() -> tuple[web.AppRunner, str]:
            client = AsyncWebClient(token=sandbox.bot_token, base_url=sandbox.api_url)
            app = AsyncApp(client=client, signing_secret=signing_secret or sandbox.signing_secret)
            listen(app)
            runner = web.AppRunner(app.web_app("/slack/events"), access_log=None)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"

        runner, url = on_loop(start())
        try:
            yield url
        finally:
            on_loop(runner.cleanup())
