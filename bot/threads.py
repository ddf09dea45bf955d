"""Replies beneath cards are kept with their request. What else is said in a channel is passed over, and not read."""

import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.response import BoltResponse

from access.actors import by_slack
from access.catalog import Policy
from access.errors import AccessError
from access.ids import SlackUser
from access.messages.rate_limits import USERS_INFO, Call
from access.requests.comment import Written, card_of_thread, change_comment, delete_comment, keep_comment
from access.requests.remind import Place
from access.words import from_slack
from bot.directory import NotAMember
from bot.identity import MESSAGE, teams
from bot.limits import note
from bot.refusals import log_fault
from bot.slack_context import SlackContext

logger = logging.getLogger(__name__)

_WRITTEN = (None, "file_share", "thread_broadcast", "me_message")
"""What a person's own message in a channel is called; all else is Slack's or an app's."""
_CHANNELS = ("channel", "group")
_MENTION = re.compile(r"<@([A-Z0-9]+)(?:\|[^<>]*)?>")
AGAIN = 503
"""Slack sends an event again that is answered so: at once, after a minute and after five more."""

Event = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """A person's message in a thread of a channel, as it is now; or as it was, when it is deleted."""

    author: SlackUser
    place: Place
    thread: str
    text: str
    """Escaped as Slack does."""
    before: str | None = None
    """What it said before it was changed."""
    edited_ts: str = ""
    is_deleted: bool = False


async def hear(
    body: dict[str, Any], context: AsyncBoltContext, next: Callable[[], Awaitable[Any]]
) -> BoltResponse | None:
    """A middleware: no listener runs for a reply, and Slack sends it again where it could not be kept."""
    reply = read(body.get("event") or {})
    if reply is None:
        await next()
        return None
    try:
        await _keep(context["slack"], body, reply)
    except NotAMember:
        return await context.ack()
    except AccessError as error:
        await note(context["slack"], Call(USERS_INFO), error.__cause__)
        logger.warning("A reply beneath a card is not kept yet (%s); Slack sends it again", type(error).__name__)
        return BoltResponse(status=AGAIN, body="")
    except Exception as error:
        log_fault("a reply beneath a card was not kept", error)
        return BoltResponse(status=AGAIN, body="")
    return await context.ack()


def read(event: Event) -> Reply | None:
    """None for all that is no person's reply in a thread of a channel: of apps, and above all of this one."""
    if event.get("type") != MESSAGE or event.get("channel_type") not in _CHANNELS:
        return None
    match event.get("subtype"):
        case "message_changed":
            message, before = event.get("message") or {}, event.get("previous_message") or {}
        case "message_deleted":
            message, before = event.get("previous_message") or {}, None
        case _:
            message, before = event, None
    if not _is_a_persons_reply(message):
        return None
    return Reply(
        author=SlackUser(str(message.get("user") or "")),
        place=Place(channel=str(event["channel"]), ts=str(message["ts"])),
        thread=str(message["thread_ts"]),
        text=str(message.get("text") or ""),
        before=None if before is None else str(before.get("text") or ""),
        edited_ts=str((message.get("edited") or {}).get("ts") or event.get("ts") or ""),
        is_deleted=event.get("subtype") == "message_deleted",
    )


def _is_a_persons_reply(message: Event) -> bool:
    thread = message.get("thread_ts")
    is_reply = bool(thread) and thread != message.get("ts")
    return is_reply and message.get("subtype") in _WRITTEN and not message.get("bot_id")


async def _keep(slack: SlackContext, body: dict[str, Any], reply: Reply) -> None:
    card = await slack.do(card_of_thread, channel=reply.place.channel, thread=reply.thread)
    policy = await slack.policy()
    if card is None or teams(body) != {policy.slack_team}:
        return
    written = Written(place=reply.place, thread=reply.thread, words=_words(policy, reply.text))
    by = by_slack(reply.author)
    if reply.is_deleted:
        await slack.do(delete_comment, by=by, card=card, written=written)
        return
    if policy.person_by_slack(reply.author) is None:
        return
    member = await slack.directory.member(reply.author)
    if member.team != policy.slack_team:
        return
    if reply.before is None:
        await slack.do(keep_comment, by=by, card=card, written=written)
        return
    before = _words(policy, reply.before)
    await slack.do(change_comment, by=by, card=card, written=written, before=before, edited_ts=reply.edited_ts)


def _words(policy: Policy, text: str) -> str:
    """Who is mentioned by the name in the policy: an account's id says nothing to who reads it later."""

    def named(found: re.Match[str]) -> str:
        person = policy.person_by_slack(SlackUser(found[1]))
        return f"<@{found[1]}|{person.name}>" if person else found[0]

    return from_slack(_MENTION.sub(named, text))
