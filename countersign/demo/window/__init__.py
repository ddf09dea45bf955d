"""The window onto the target: a page that draws when the door was open."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from countersign.demo.console import Console
from countersign.demo.prober import CARDS, QUERY, Prober
from countersign.demo.steps import Steps

_PAGE = Path(__file__).parent


@dataclass
class Scene:
    """What the window shows, once it is there: its address is needed before."""

    prober: Prober | None = None
    steps: Steps | None = None
    console: Console | None = None

    def close(self) -> None:
        """Nothing is read any more."""
        self.prober = self.steps = self.console = None

    def json(self, since: int) -> dict[str, Any]:
        """The looks after that number, and how far the story is."""
        looks = [look.json() for look in self.prober.since(since)] if self.prober else []
        return {
            "query": QUERY,
            "cards_query": CARDS,
            "looks": looks,
            "story": self.steps.json() if self.steps else None,
            "console": self.console.json() if self.console else None,
        }


@contextmanager
def showing(scene: Scene, *, port: int = 0) -> Iterator[str]:
    """Serves the window on the loopback interface from a thread of its own; yields its address. Raises OSError."""
    door = socket.create_server(("127.0.0.1", port))
    loop, ready, address = asyncio.new_event_loop(), threading.Event(), list[str]()

    async def serve() -> web.AppRunner:
        runner = web.AppRunner(_application(scene), shutdown_timeout=0.5)
        await runner.setup()
        await web.SockSite(runner, door).start()
        address.append(f"http://127.0.0.1:{runner.addresses[0][1]}/")
        ready.set()
        return runner

    def run() -> None:
        asyncio.set_event_loop(loop)
        runner = loop.run_until_complete(serve())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=run, name="window", daemon=True)
    thread.start()
    ready.wait(10)
    try:
        yield address[0]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)


def _application(scene: Scene) -> web.Application:
    async def page(_request: web.Request) -> web.FileResponse:
        return web.FileResponse(_PAGE / "index.html")

    async def looks(request: web.Request) -> web.Response:
        since = int(request.query.get("since", "-1"))
        return web.json_response(await asyncio.to_thread(scene.json, since))

    application = web.Application()
    application.router.add_get("/", page)
    application.router.add_get("/looks", looks)
    application.router.add_static("/", _PAGE)
    return application
