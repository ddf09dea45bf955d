"""What Slack refuses the bot because it was called too often, told to the workers and heard from them (ADR 24).

Only a Home that nobody waits for is held back here: a modal's trigger lasts three seconds, and who is asked after may
have come to end access.
"""

import logging
from typing import Any

from slack_sdk.errors import SlackApiError

from access.errors import Unavailable
from access.messages.rate_limits import Call, Limited, is_left_alone, note_refused, wait_of
from bot.slack_context import SlackContext

logger = logging.getLogger(__name__)


async def paused(slack: SlackContext, call: Call) -> bool:
    """Whether Slack refused it a moment ago, to whichever process; no where the database does not say."""
    try:
        return await slack.do(is_left_alone, call)
    except Unavailable:
        return False


async def note(slack: SlackContext, call: Call, error: BaseException | None) -> None:
    """Of whatever error it was; the others leave the call alone if it was that."""
    if not isinstance(error, SlackApiError):
        return
    response: Any = error.response
    if response.get("error") not in ("ratelimited", "rate_limited"):
        return
    try:
        await slack.do(note_refused, Limited(call, wait_of(response.headers)))
    except Unavailable as unavailable:
        logger.warning("that Slack asks us to slow down could not be written: %s", unavailable.sentence)
