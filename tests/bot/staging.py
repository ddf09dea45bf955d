"""The bot before the sandbox, by Socket Mode or by HTTP, and what people see there."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

from slack_sdk import WebClient

from access.clock import host_now
from access.ports import Deadline
from bot import http_mode, socket_mode
from countersign.wiring import slack_telling
from sandbox.cast import DEFAULT
from sandbox.person import Person
from sandbox.seen import Message, View
from sandbox.server import Running, running
from tests.bot.serving import Live, alive
from tests.bot.test_manifest import MANIFEST
from tests.cast import APPROVALS
from tests.waiting import wait_until
from tests.world import World

Way = Literal["Socket Mode", "HTTP mode"]
SCOPES = tuple(MANIFEST["oauth_config"]["scopes"]["bot"])
EVENTS = tuple(MANIFEST["settings"]["event_subscriptions"]["bot_events"])


@dataclass(frozen=True)
class Serving:
    """`said` is what it said of its connection, or where it listens."""

    said: list[Any]
    live: Live


@contextmanager
def acme() -> Iterator[Running]:
    """A workspace in which the app has just the scopes and events of its manifest."""
    with running(replace(DEFAULT, app=replace(DEFAULT.app, scopes=SCOPES, events=EVENTS))) as sandbox:
        yield sandbox


@contextmanager
def by_socket(world: World, sandbox: Running, **tokens: str) -> Iterator[Serving]:
    said: list[bool] = []
    given: dict[str, Any] = {"bot_token": sandbox.bot_token, "app_token": sandbox.app_token} | tokens

    def serve(stop: asyncio.Event) -> Coroutine[Any, Any, None]:
        return socket_mode.serve(
            world.core, **given, api_url=sandbox.api_url, threads=4, stop=stop, connected=said.append
        )

    with alive(serve, lambda: True in said) as live:
        yield Serving(said, live)


@contextmanager
def by_http(world: World, sandbox: Running, prefix: str = "") -> Iterator[Serving]:
    """Slack has verified where it listens."""
    world.clock.time = host_now()  # Slack signs with the time
    said: list[str] = []

    def serve(stop: asyncio.Event) -> Coroutine[Any, Any, None]:
        return http_mode.serve(
            world.core, bot_token=sandbox.bot_token, signing_secret=sandbox.signing_secret, api_url=sandbox.api_url,
            threads=4, address=("127.0.0.1", 0), prefix=prefix, stop=stop, listening=said.append,
        )  # fmt: skip

    with alive(serve, lambda: said) as live:
        sandbox.workspace().use_request_url(said[0])
        yield Serving(said, live)


def serving(way: Way, world: World, sandbox: Running) -> Any:
    return by_socket(world, sandbox) if way == "Socket Mode" else by_http(world, sandbox)


def modal(person: Person) -> View:
    opened = wait_until(person.view, "a modal to open")
    assert opened
    return opened


def the_card(person: Person) -> Message:
    (card,) = person.messages(APPROVALS)
    return card


def deliver(world: World, sandbox: Running) -> None:
    """Does all that is due, as the timekeeper and the workers would, and says it in Slack."""
    telling = slack_telling(world.core, WebClient(sandbox.bot_token, base_url=sandbox.api_url))
    for _ in range(20):
        routes = world.routes_due()
        if not routes:
            return
        world.run([route for route in routes if route.queue != "tell"])
        claimed = telling.claim([route.id for route in routes if route.queue == "tell"])
        told = [telling.act(one, Deadline.after(5)) for one in claimed]
        assert [one.problem for one in told if one.problem] == []
        telling.commit(told)
