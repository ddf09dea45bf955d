"""What every listener is given: the core, Slack, and one way to call the core without holding up the others."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from access.catalog import Policy
from access.core import Core
from bot.ack_priority import AckPriority
from bot.directory import Directory

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class SlackContext:
    core: Core
    client: AsyncWebClient
    directory: Directory
    executor: Executor
    """As many threads as the database pool has connections: asyncio's own pool would let calls queue for one."""

    ack_priority: AckPriority = field(default_factory=AckPriority)

    @asynccontextmanager
    async def acknowledged(self, ack: AsyncAck) -> AsyncGenerator[None]:
        """For a listener that acknowledges first: the block runs when its turn comes."""
        await ack()
        async with self.ack_priority.work():
            yield

    async def policy(self) -> Policy:
        """The newest that could be used. Everybody is recognised by it, so no thread is asked while it is unchanged."""
        return self.core.policy.cached() or await self.do(_known_policy)

    async def do(self, verb: Callable[Concatenate[Core, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Calls a verb of the core in a thread."""
        call = partial(verb, self.core, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self.executor, call)


def _known_policy(core: Core) -> Policy:
    return core.policy.last_valid()
