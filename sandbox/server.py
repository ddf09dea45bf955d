"""The sandbox as a server on the loopback interface, in a thread or in the foreground."""

import asyncio
import ipaddress
import json
import secrets
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict, Unpack
from urllib.parse import urlsplit

from aiohttp import web

from sandbox import api, doors
from sandbox.cast import DEFAULT, Cast
from sandbox.delivery import Delivery
from sandbox.errors import SlackError
from sandbox.events import Events
from sandbox.facts import limit
from sandbox.faults import Faults
from sandbox.homes import Homes
from sandbox.journal import Journal
from sandbox.modals import Modals
from sandbox.parts import Parts
from sandbox.person import Workspace
from sandbox.rates import Rates
from sandbox.response_urls import ResponseUrls
from sandbox.sockets import Sockets
from sandbox.state import Team

PAGE = Path(__file__).parent / "page"
TOKEN_HEADER = "X-Sandbox-Token"  # noqa: S105 - the name of a header
IDLE_SECONDS = 3600
GONE = ("not_found", "used_url", "expired_url")


@dataclass
class Running:
    """A sandbox that answers: its addresses and its tokens."""

    url: str
    bot_token: str
    app_token: str
    page_token: str
    signing_secret: str = ""
    workspaces: list[Workspace] = field(default_factory=list)

    @property
    def api_url(self) -> str:
        """The `base_url` for Slack's SDK."""
        return f"{self.url}/api/"

    @property
    def page_url(self) -> str:
        """Where a person opens the page."""
        return f"{self.url}/"

    def workspace(self) -> Workspace:
        """A client through which people act; closed with the server."""
        workspace = Workspace(self.url, self.page_token)
        self.workspaces.append(workspace)
        return workspace


@asynccontextmanager
async def serving(
    cast: Cast = DEFAULT,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    clock: Callable[[], float] = time.time,
    ack_seconds: float = limit("ack.seconds"),
    window_url: str = "",
    bot_token: str = "",
    app_token: str = "",
    request_url: str = "",
    signing_secret: str = "",
    strict_rates: bool = False,
) -> AsyncIterator[Running]:
    """Serves a fresh workspace on this event loop until left. Tokens not given are made up; port 0 takes a free one.

    With `request_url` everything is pushed there, signed with `signing_secret`, instead of over Socket Mode.
    With `strict_rates` a burst is what Slack's tiers say for a minute; without, twenty times that.
    """
    if not _is_loopback(host):
        raise ValueError(f"the sandbox listens on the loopback interface only, not on {host!r}")
    bot_token = bot_token or f"xoxb-sandbox-{secrets.token_urlsafe(18)}"
    app_token = app_token or f"xapp-sandbox-{secrets.token_urlsafe(18)}"
    signing_secret = signing_secret or secrets.token_hex(16)
    team = Team(cast, clock)
    faults, journal, modals = Faults(), Journal(team.now), Modals(team)
    sockets = Sockets(team, journal, ack_seconds)
    delivery = Delivery(
        team, sockets, faults, journal, signing_secret=signing_secret, ack_seconds=ack_seconds, request_url=request_url
    )
    parts = Parts(
        team,
        modals,
        ResponseUrls(team),
        sockets,
        delivery,
        Events(team, delivery),
        Homes(team, modals),
        faults,
        journal,
        Rates(team.now, strict=strict_rates),
        bot_token,
        app_token,
        window_url=window_url,
    )
    page_token = secrets.token_urlsafe(18)
    runner = web.AppRunner(
        _application(parts, page_token), keepalive_timeout=IDLE_SECONDS, shutdown_timeout=0.2, access_log=None
    )
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    await site.start()
    try:
        shown = f"[{host}]" if ":" in host else host
        parts.base_url = parts.response_urls.base_url = f"http://{shown}:{runner.addresses[0][1]}"
        yield Running(parts.base_url, bot_token, app_token, page_token, signing_secret)
    finally:
        await parts.events.close()
        await parts.sockets.close()
        await runner.cleanup()


class Options(TypedDict, total=False):
    """What `serving` takes beside the cast."""

    host: str
    port: int
    clock: Callable[[], float]
    ack_seconds: float
    window_url: str
    bot_token: str
    app_token: str
    request_url: str
    signing_secret: str
    strict_rates: bool


@contextmanager
def running(cast: Cast = DEFAULT, **options: Unpack[Options]) -> Iterator[Running]:
    """Serves a fresh workspace from a thread of its own; the options are those of `serving`."""
    stop, started = asyncio.Event(), threading.Event()
    ready: list[tuple[Running, asyncio.AbstractEventLoop]] = []
    failed: list[Exception] = []

    async def serve() -> None:
        try:
            async with serving(cast, **options) as sandbox:
                ready.append((sandbox, asyncio.get_running_loop()))
                started.set()
                await stop.wait()
        except Exception as error:
            failed.append(error)
        finally:
            started.set()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="sandbox", daemon=True)
    thread.start()
    started.wait()
    try:
        if ready:
            yield ready[0][0]
    finally:
        for sandbox, loop in ready:
            for workspace in sandbox.workspaces:
                workspace.close()
            loop.call_soon_threadsafe(stop.set)
        thread.join()
        if failed:
            raise failed[0]


def _application(parts: Parts, page_token: str) -> web.Application:
    application = web.Application(middlewares=[_guard(page_token)], client_max_size=4 * 1024 * 1024)

    async def answer_api(request: web.Request) -> web.StreamResponse:
        return await api.answer(parts, request)

    async def answer_door(request: web.Request) -> web.StreamResponse:
        return await doors.answer(parts, request)

    async def answer_changes(request: web.Request) -> web.StreamResponse:
        return await doors.changes(parts, request)

    async def answer_response_url(request: web.Request) -> web.StreamResponse:
        return await _response_url(parts, request)

    async def answer_page(_: web.Request) -> web.StreamResponse:
        page = (PAGE / "index.html").read_text().replace("{{page_token}}", page_token)
        headers = {"Cache-Control": "no-store", "Content-Security-Policy": _content_policy(parts.window_url)}
        return web.Response(text=page, content_type="text/html", headers=headers)

    application.router.add_route("*", "/api/{method}", answer_api)
    application.router.add_get("/link/", parts.sockets.serve)
    application.router.add_post("/response/{token}", answer_response_url)
    application.router.add_get("/door/changes", answer_changes)
    application.router.add_post("/door/{door}", answer_door)
    application.router.add_get("/", answer_page)
    application.router.add_get("/archives/{channel}/{message}", answer_page)
    application.router.add_static("/page/", PAGE)
    return application


def _guard(page_token: str) -> Any:
    """Keeps other web pages out: the Host must be loopback, and a door needs the token that only our page knows."""

    @web.middleware
    async def guard(request: web.Request, handler: Any) -> web.StreamResponse:
        if not _is_loopback(request.host.rsplit(":", 1)[0].strip("[]")):
            raise web.HTTPForbidden(text="this server answers on the loopback interface only")
        if request.path.startswith("/door/"):
            given = request.headers.get(TOKEN_HEADER) or request.query.get("token", "")
            if not secrets.compare_digest(given.encode(), page_token.encode()):
                raise web.HTTPForbidden(text=f"the header {TOKEN_HEADER} does not hold this sandbox's token")
        return await handler(request)

    return guard


def _content_policy(window_url: str) -> str:
    """Only our own files, and in the frame the window; nobody may frame us and steal a click."""
    window = urlsplit(window_url)
    framed = f"{window.scheme}://{window.netloc}" if window_url else "'none'"
    return f"default-src 'self'; img-src data:; frame-src {framed}; frame-ancestors 'none'; base-uri 'none'"


async def _response_url(parts: Parts, request: web.Request) -> web.Response:
    entry = parts.journal.add("response_url", "answer")
    try:
        url = parts.response_urls.use(request.match_info["token"])
        entry.sent = await _json(request)
        parts.response_urls.answer(url, entry.sent)
    except SlackError as error:
        entry.error = error.name
        if error.name not in GONE:
            parts.violation("response_url", error.name, error.extra.get("errors", []))
        status = 404 if error.name in GONE else 400
        return web.json_response({"ok": False, "error": error.name} | error.extra, status=status)
    return web.Response(text="ok")


async def _json(request: web.Request) -> Any:
    try:
        return await request.json()
    except json.JSONDecodeError as error:
        raise SlackError("invalid_payload", errors=["this is not JSON"]) from error


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
