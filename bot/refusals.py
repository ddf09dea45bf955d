"""Says no: a refusal is caught inside its listener and told to the one person it concerns."""

import logging
import traceback
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from access.errors import AccessError, InvalidInput, PolicyError, Refusal, Unavailable
from access.messages.rate_limits import POST, PUBLISH, Call
from bot.limits import note, paused
from bot.reply import Reply
from bot.slack_context import SlackContext
from bot.views.blocks import Rendered, sentence
from bot.views.home import home_notice
from bot.views.modals import notice

logger = logging.getLogger(__name__)

Fields = Mapping[str, str]
Say = Callable[[str, Fields], Awaitable[Any]]
"""Takes all there is to say; and for each field that is to be mended, what is about it."""

OUR_FAULT = (
    "Something went wrong on our side; the log has the details. Check whether it was done, and try again if not."
)
POLICY_BROKEN = (
    "The access policy cannot be read at the moment, so nothing can be asked for or approved. "
    "What is open still ends on time. The security team has to mend the file."
)
SLACK_BUSY = "Slack did not take our answer. Please try again."
NOT_OPENED = "The form could not be opened. Please type /access again, or press the button again."


@asynccontextmanager
async def refusals(say: Say) -> AsyncGenerator[None]:
    """Nothing leaves this block: Bolt would lose an ack that was followed by an exception."""
    try:
        yield
    except Exception as error:
        try:
            await say(sentence_of(error), error.by_field if isinstance(error, InvalidInput) else {})
        except Exception as second:
            log_fault("the person could not be told", second)


def ephemeral(respond: Reply) -> Say:
    """To the one who clicked or typed, seen by nobody else."""

    async def say(words: str, _: Fields) -> None:
        await respond(refusal(words))

    return say


def beside(body: dict[str, Any], respond: Reply, client: AsyncWebClient) -> Say:
    """To the one who pressed: beside the message, or over the Home, which has no place for it."""
    return ephemeral(respond) if "response_url" in body else in_new_modal(client, str(body["trigger_id"]))


def in_new_modal(client: AsyncWebClient, trigger_id: str) -> Say:
    """In a modal of its own."""

    async def say(words: str, _: Fields) -> None:
        await client.views_open(trigger_id=trigger_id, view=notice("Not possible", words))

    return say


def on_home(slack: SlackContext, user: str) -> Say:
    """In the place of what the Home shows; while Slack takes no Homes, it is left as it is."""

    async def say(words: str, _: Fields) -> None:
        if await paused(slack, Call(PUBLISH)):
            logger.warning("Slack takes no Homes for a moment, so %s is not told there", user)
            return
        try:
            await slack.client.views_publish(user_id=user, view=home_notice(words))
        except SlackApiError as error:
            await note(slack, Call(PUBLISH), error)
            raise

    return say


def answering(slack: SlackContext, event: Mapping[str, Any]) -> Say:
    """As an answer to a message that the person wrote to the bot."""

    async def say(words: str, _: Fields) -> None:
        await post(slack, str(event["channel"]), refusal(words))

    return say


async def post(slack: SlackContext, channel: str, message: Rendered) -> None:
    """At once, for somebody waits for it."""
    try:
        await slack.client.chat_postMessage(channel=channel, text=message.text, blocks=message.blocks)
    except SlackApiError as error:
        await note(slack, Call(POST, channel), error)
        raise


def in_fields(ack: AsyncAck, default: str, *others: str) -> Say:
    """Under the fields of the modal it is about; `default` is the block for what is about none of them."""

    async def say(words: str, fields: Fields) -> None:
        known = {block: about for block, about in fields.items() if block in (default, *others)}
        await ack(response_action="errors", errors=known or {default: words})

    return say


def in_modal(client: AsyncWebClient, view_id: str, title: str) -> Say:
    """In the place of what the open modal shows."""

    async def say(words: str, _: Fields) -> None:
        await client.views_update(view_id=view_id, view=notice(title, words))

    return say


async def confirm(body: dict[str, Any], respond: Reply, message: Rendered) -> None:
    """Beside the message that was clicked; the Home shows by itself what has changed."""
    if "response_url" in body:
        await respond(message)


def refusal(words: str) -> Rendered:
    """Plain text, because a sentence may quote what was typed."""
    return Rendered(text="That was not done; the reason is in this message.", blocks=[sentence(words)])


def sentence_of(error: Exception) -> str:
    """What the person reads."""
    if isinstance(error, InvalidInput):
        return "\n".join(error.by_field.values())
    if isinstance(error, Refusal | Unavailable):
        return error.sentence
    if isinstance(error, PolicyError):
        logger.warning("%s", error.sentence)
        return POLICY_BROKEN
    if isinstance(error, SlackApiError):
        logger.warning("Slack refused a call: %s", error.response.get("error"))
        return NOT_OPENED if _opened_a_modal(error) else SLACK_BUSY
    log_fault("a listener failed", error)
    return error.sentence if isinstance(error, AccessError) else OUR_FAULT


def _opened_a_modal(error: SlackApiError) -> bool:
    return str(getattr(error.response, "api_url", "")).endswith("views.open")


def log_fault(what: str, error: Exception) -> None:
    """For what is nobody's mistake but ours."""
    # The place and the kind, never the text: a database's error quotes its parameters, people's words among them.
    frames = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s: %s at\n%s", what, type(error).__name__, frames)
