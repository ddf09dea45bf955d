"""What every listener is given: the core, Slack, and one way to call the core without holding up the others."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar

from slack_sdk.web.async_client import AsyncWebClient

from access.operations.core import Core
from bot.directory import Directory

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Face:
    core: Core
    client: AsyncWebClient
    directory: Directory
    executor: Executor
    """As many threads as the database pool has connections: asyncio's own pool would let calls queue for one."""

    async def do(self, verb: Callable[Concatenate[Core, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Calls a verb of the core in a thread."""
        call = partial(verb, self.core, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self.executor, call)
