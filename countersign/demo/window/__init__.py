"""The window onto the target: a page that draws when the door was open."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from aiohttp import web

from countersign.demo.prober import CARDS, QUERY, Look

Looks = Callable[[int], list[Look]]
"""The looks after that number."""

_PAGE = Path(__file__).parent


@contextmanager
def showing(looks_since: Looks) -> Iterator[str]:
    """Serves the window on the loopback interface from a thread of its own; yields its address."""
    loop, ready, address = asyncio.new_event_loop(), threading.Event(), list[str]()

    async def serve() -> web.AppRunner:
        runner = web.AppRunner(_application(looks_since), shutdown_timeout=0.5)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
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


def _application(looks_since: Looks) -> web.Application:
    async def page(_request: web.Request) -> web.FileResponse:
        return web.FileResponse(_PAGE / "index.html")

    async def looks(request: web.Request) -> web.Response:
        since = int(request.query.get("since", "-1"))
        found = [look.json() for look in looks_since(since)]
        return web.json_response({"query": QUERY, "cards_query": CARDS, "looks": found})

    application = web.Application()
    application.router.add_get("/", page)
    application.router.add_get("/looks", looks)
    application.router.add_static("/", _PAGE)
    return application
