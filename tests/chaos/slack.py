"""As much of Slack as is needed to be told something: it takes every message, and has no limits of its own."""

import itertools
import json
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sandbox.cast import DEFAULT

TEAM = DEFAULT.team_id


class Ears:
    """Hears everything; `messages` counts."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self.messages = 0
        self.url = ""

    def answer(self, method: str, asked: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        said: dict[str, Any] = {"ok": True, "team_id": TEAM, "channel": {"id": "D0CHAOS"}}
        if method == "users.info":
            said["user"] = {"id": asked["user"][0], "team_id": TEAM, "deleted": False, "is_bot": False}
        if method.startswith("chat."):
            self.messages += 1
            said |= {"channel": "C0CHAOS", "ts": f"{next(self._numbers)}.0"}
        return said


@contextmanager
def listening() -> Generator[Ears]:
    """Serves until it is left."""
    ears = Ears()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            address = urlsplit(self.path)
            asked = parse_qs(f"{address.query}&{body}")
            said = json.dumps(ears.answer(address.path.rpartition("/")[2], asked)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

    server = Server(("127.0.0.1", 0), Handler)
    ears.url = f"http://127.0.0.1:{server.server_address[1]}/api/"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield ears
    finally:
        server.shutdown()
        server.server_close()
