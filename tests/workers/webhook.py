"""A real HTTP server for pages that is up, down, broken, hanging, or never comes to an end."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Weather = Literal["up", "broken", "moved", "hanging", "dripping"]
STATUS = {"up": 204, "broken": 500, "moved": 302}


@dataclass
class Webhook:
    """`pages` are those that were answered with a 2xx, `asked` are all."""

    port: int = 0
    weather: Weather = "up"
    pages: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/duty?key=canary-page"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append(handler.path)
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        if self.weather == "hanging":
            self._over.wait(30)
            return
        if self.weather == "dripping":
            self._drip(handler)
            return
        if self.weather == "up":
            self.pages.append(body)
        handler.send_response(STATUS[self.weather])
        handler.send_header("Location", self.url + "&moved=1")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    def _drip(self, handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not self._over.wait(0.1):
            handler.wfile.write(b"X-Later: x\r\n")


@contextmanager
def listening() -> Iterator[Webhook]:
    webhook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            try:
                webhook.answer(self)
            except OSError:
                return  # who asked has gone

        def log_message(self, format: str, *args: Any) -> None:
            """Keeps quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        webhook.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield webhook
        finally:
            webhook._over.set()
            server.shutdown()
            thread.join()
