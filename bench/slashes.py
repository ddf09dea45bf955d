"""From typing `/access mine` to the app's acknowledgement, beside a bare Bolt app on a sandbox of the same kind."""

import asyncio
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager

import aiohttp

from bench.figures import Figure, p50_and_p99
from bench.policy import CHANNEL, Crowd, policy
from bench.servers import Servers, python, say, wait_for
from bench.servers import running as processes
from sandbox.cast import DEFAULT, Cast
from sandbox.server import TOKEN_HEADER, Running, running

ROUNDS = 12
"""The two apps take turns, so that a busy moment of the machine hits both."""
QUIET_SECONDS = 0.3
GOAL_RATIO = 1.3
"""Of the median under load: how many bare Bolts an acknowledgement may take."""
PEOPLE = [person.id for person in DEFAULT.people if not (person.guest or person.deactivated)]


def measure(servers: Servers, *, alone: int, together: int, in_flight: int = 50) -> list[Figure]:
    """`alone` commands one after the other, `together` with `in_flight` at a time."""
    crowd = Crowd(people=1, roles=2)
    text = policy(crowd, provider="postgres", settings={"dsn": {"env": "SHOP_DSN"}}, role={"grants": ["any"]})
    with ExitStack() as stack:
        store = stack.enter_context(servers.store("SQLite"))
        environment = servers.environment(store=store, policy=text, COUNTERSIGN_SANDBOX="1")
        ours = stack.enter_context(answered(environment, "countersign", "bot"))
        bare = stack.enter_context(answered(environment, "bench.bare_bolt"))
        figures = list[Figure]()
        for concurrency, count in ((1, alone), (in_flight, together)):
            say(f"  slash → ack: {count} commands, {concurrency} in flight, ours and bare Bolt in turns")
            seconds, floor = _in_turns(ours, bare, concurrency, count)
            goal = GOAL_RATIO if concurrency == in_flight else None
            name = f"slash → ack, {concurrency} in flight"
            figures += p50_and_p99(name, seconds, floor, goal_p50_ratio=goal)
        return figures


@contextmanager
def answered(environment: dict[str, str], *command: str, cast: Cast = DEFAULT) -> Generator[Running]:
    """A sandbox of its own whose app is this process."""
    with running(cast) as sandbox:
        tokens = {
            "SLACK_API_URL": sandbox.api_url,
            "SLACK_BOT_TOKEN": sandbox.bot_token,
            "SLACK_APP_TOKEN": sandbox.app_token,
        }
        with processes([python(command[-1], environment | tokens, *command)]):
            wait_for(sandbox.workspace().connections, f"{command[0]} to connect")
            yield sandbox


def _in_turns(ours: Running, bare: Running, concurrency: int, count: int) -> tuple[list[float], list[float]]:
    for sandbox in (ours, bare):
        asyncio.run(_commands(sandbox, concurrency, 2 * concurrency + 10))  # warm
        _wait_until_quiet(sandbox)
    seconds, floor = list[float](), list[float]()
    for _ in range(ROUNDS):
        floor += asyncio.run(_commands(bare, concurrency, count // ROUNDS))
        seconds += asyncio.run(_commands(ours, concurrency, count // ROUNDS))
        _wait_until_quiet(ours)
    return seconds, floor


def _wait_until_quiet(sandbox: Running) -> None:
    """The work after the acknowledgements is over: the lists are shown, and nothing has changed for a while."""
    workspace, versions = sandbox.workspace(), [-1]

    def quiet() -> bool:
        versions.append(workspace.ask("screen", **{"as": PEOPLE[0]})["version"])
        return versions[-1] == versions[-2]

    wait_for(quiet, "the bot to have nothing to do", every=QUIET_SECONDS)


async def _commands(sandbox: Running, concurrency: int, count: int) -> list[float]:
    """How long each command waited for its acknowledgement, in seconds."""
    turns, took = iter(range(count)), list[float]()
    headers = {TOKEN_HEADER: sandbox.page_token}

    async def person(session: aiohttp.ClientSession) -> None:
        for turn in turns:
            request = {"as": PEOPLE[turn % len(PEOPLE)], "channel": CHANNEL, "command": "/access", "text": "mine"}
            began = time.perf_counter()
            async with session.post("/door/command", json=request) as answer:
                said = await answer.json()
            took.append(time.perf_counter() - began)
            assert "error" not in said, said

    async with aiohttp.ClientSession(sandbox.url, headers=headers) as session:
        await asyncio.gather(*(person(session) for _ in range(concurrency)))
    return took
