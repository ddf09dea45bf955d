"""What both ways of serving Slack share: how they begin, with good tokens and usable channels, and how they end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from access.core import Core
from access.errors import PolicyError, Unready
from access.messages.rate_limits import wait_of
from bot.channels import check_channels

logger = logging.getLogger(__name__)
T = TypeVar("T")

CALL_TIMEOUT = 10
"""Seconds for one call of Slack's Web API."""
LONGEST_WAIT = 30.0
"""Seconds between two tries at the start, whatever Slack says."""
FINISHING = 10
"""Seconds that what is under way is given to end once we are told to stop."""


async def accepted(client: AsyncWebClient, ask: Callable[[], Awaitable[T]], token: str) -> T:
    """Slack's first answer to the token of this name. Raises Unready when there is none, or when Slack refuses it.

    Waits as long as Slack asks who comes too often: after a loop of restarts nothing is wrong with a token.
    """
    try:
        return await ask()
    except SlackApiError as error:
        if error.response.get("error") == "ratelimited":
            wait = min(wait_of(error.response.headers).total_seconds(), LONGEST_WAIT)
            logger.warning("Slack asks to come back in %g s", wait)
            await asyncio.sleep(wait)
            return await accepted(client, ask, token)
        raise Unready(f"Slack does not accept {token} ({error.response.get('error')}).") from None
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise Unready(f"Slack cannot be reached at {client.base_url} ({type(error).__name__}).") from error


async def warn_of_channels(client: AsyncWebClient, core: Core) -> None:
    """Logs every channel of the policy that cannot be used as it is."""
    try:
        troubles = await check_channels(client, core.policy.last_valid())
    except PolicyError as error:
        troubles = [error.sentence]
    for trouble in troubles:
        logger.error("the policy cannot be followed: %s", trouble)


async def let_finish(before: set[asyncio.Task[Any]]) -> None:
    """Lets the listeners end that were begun since; Bolt keeps no list of those that still work after their ack."""
    current = asyncio.current_task()
    left = {task for task in asyncio.all_tasks() - before if task is not current}
    if left:
        await asyncio.wait(left, timeout=FINISHING)
