"""Web API methods that post, change and point at messages."""

from typing import Any

from sandbox import message_events
from sandbox.blocks import as_kept
from sandbox.emoji import named
from sandbox.errors import Mistake, SlackError
from sandbox.facts import limit
from sandbox.parts import Parts
from sandbox.state import Channel, Message
from sandbox.validator import check_message
from sandbox.wire import flag

PERSON = ("U", "W")
"""What a person's id begins with; on Grid it may be W."""


def post_message(parts: Parts, arguments: dict[str, Any]) -> dict[str, Any]:
    """Posts to a channel, a direct message, or a person, whose direct message is opened."""
    content = _content(arguments, limit("post.text"))
    channel = _target(parts, arguments["channel"])
    check_thread(channel, arguments.get("thread_ts"))
    message = parts.team.post(
        channel,
        parts.team.app.user_id,
        **content,
        auto_parse=arguments.get("parse") in ("full", "client") or flag(arguments.get("link_names")),
        thread_ts=arguments.get("thread_ts"),
        metadata=arguments.get("metadata"),
    )
    body = message_object(parts, message)
    message_events.posted(parts, channel, body)
    return {"channel": channel.id, "ts": message.ts, "message": body}


def post_ephemeral(parts: Parts, arguments: dict[str, Any]) -> dict[str, Any]:
    """Shows something to one member of a channel; the timestamp is good for nothing else."""
    content = _content(arguments, limit("post.text"))
    channel = _target(parts, arguments["channel"])
    if arguments["user"] not in channel.members:
        raise SlackError("user_not_in_channel")
    thread_ts = arguments.get("thread_ts")
    check_thread(channel, thread_ts)
    message = parts.team.post(
        channel,
        parts.team.app.user_id,
        **content,
        only_for=arguments["user"],
        auto_parse=arguments.get("parse") in ("full", "client") or flag(arguments.get("link_names")),
        thread_ts=thread_ts,
        lost=thread_ts is not None and not _replies(channel, thread_ts),
    )
    return {"message_ts": message.ts}


def update(parts: Parts, arguments: dict[str, Any]) -> dict[str, Any]:
    """Rewrites one of the app's own messages; without blocks those it had are gone."""
    content = _content(arguments, limit("update.text"))
    channel = _channel(parts, arguments["channel"])
    message = _own_message(parts, channel, arguments["ts"], "cant_update_message")
    window = parts.team.cast.edit_window_seconds
    if window is not None and parts.team.now() - float(message.ts) > window:
        raise SlackError("edit_window_closed")
    before = message_object(parts, message)
    message.text, message.blocks = content["text"], content["blocks"]
    message.edited = message.edited or not message.blocks
    message.auto_parse = arguments.get("parse", "client") != "none" or flag(arguments.get("link_names"))
    if "metadata" in arguments:
        message.metadata = arguments["metadata"] or None
    parts.team.changed()
    message_events.changed(parts, channel, message_object(parts, message), before)
    return {
        "channel": channel.id,
        "ts": message.ts,
        "text": message.text,
        "message": message_object(parts, message),
    }


def delete(parts: Parts, arguments: dict[str, Any]) -> dict[str, Any]:
    """Takes one of the app's own messages away."""
    channel = _channel(parts, arguments["channel"])
    message = _own_message(parts, channel, arguments["ts"], "cant_delete_message")
    del channel.messages[message.ts]
    parts.team.changed()
    message_events.deleted(parts, channel, message_object(parts, message))
    return {"channel": channel.id, "ts": message.ts}


def get_permalink(parts: Parts, arguments: dict[str, Any]) -> dict[str, Any]:
    """The address of a message, which leads to it on the sandbox's page."""
    channel = _channel(parts, arguments["channel"])
    ts = arguments["message_ts"]
    if ts not in channel.messages or channel.messages[ts].only_for:
        raise SlackError("message_not_found")
    return {
        "channel": channel.id,
        "permalink": f"{parts.base_url}/archives/{channel.id}/p{ts.replace('.', '')}",
    }


def shown(parts: Parts, message: Message, replies: list[Message] | None = None) -> dict[str, Any]:
    """A message as people see it: with its blocks, whether it is for one person only, and how its text is read."""
    body = {"blocks": []} | message_object(parts, message, replies)
    return body | {"ephemeral": message.only_for is not None, "auto_parse": message.auto_parse}


def message_object(parts: Parts, message: Message, replies: list[Message] | None = None) -> dict[str, Any]:
    """A message as Slack writes it in answers and payloads; `replies` are those of its thread."""
    body: dict[str, Any] = {
        "type": "message",
        "user": message.author,
        "ts": message.ts,
        "team": parts.team.cast.team_id,
        "text": message.text,
    }
    if message.author == parts.team.app.user_id:
        body |= {"bot_id": parts.team.app.bot_id, "app_id": parts.team.app.id, "blocks": message.blocks}
    if message.edited:
        body["edited"] = {"user": message.author, "ts": message.edited_ts or message.ts}
    if message.thread_ts:
        body["thread_ts"] = message.thread_ts
    if replies:
        body |= {"thread_ts": message.ts, "reply_count": len(replies), "latest_reply": replies[-1].ts}
    if message.metadata:
        body["metadata"] = message.metadata
    return body


def check_thread(channel: Channel, thread_ts: str | None) -> None:
    """`thread_not_found` unless a message is there that can begin a thread: no reply, and no ephemeral."""
    if not thread_ts:
        return
    parent = channel.messages.get(thread_ts)
    if parent is None:
        raise SlackError("thread_not_found")
    if parent.thread_ts:
        raise Mistake("thread_not_found", "thread_ts is that of a reply: it must be that of the message it hangs on")
    if parent.only_for:
        raise Mistake("thread_not_found", "thread_ts is that of an ephemeral message, which begins no thread")


def _content(arguments: dict[str, Any], text_limit: int) -> dict[str, Any]:
    text, blocks = arguments.get("text") or "", arguments.get("blocks") or []
    if not text and not blocks:
        raise SlackError("no_text")
    if len(text) > text_limit:
        raise SlackError("msg_too_long")
    check_message(blocks)
    _check_metadata(arguments.get("metadata"))
    return {"text": named(text), "blocks": as_kept(blocks)}


def _target(parts: Parts, channel_id: str) -> Channel:
    if channel_id.startswith(PERSON):
        return _direct_message(parts, channel_id)
    return _channel(parts, channel_id)


def _direct_message(parts: Parts, person_id: str) -> Channel:
    member = parts.team.people.get(person_id)
    if member is not None and member.bot:
        raise SlackError("cannot_dm_bot")
    if member is None or member.deactivated:
        raise SlackError("channel_not_found")
    return parts.team.direct_message(person_id)


def _channel(parts: Parts, channel_id: str) -> Channel:
    channel = parts.team.channels.get(channel_id)
    if channel_id.startswith(PERSON):
        raise Mistake(
            "channel_not_found", f"{channel_id} is a person: the conversation that the post returned is wanted"
        )
    if channel is None:
        raise SlackError("channel_not_found")
    if parts.team.app.user_id not in channel.members:
        raise SlackError("channel_not_found" if channel.private else "not_in_channel")
    if channel.archived:
        raise SlackError("is_archived")
    return channel


def _own_message(parts: Parts, channel: Channel, ts: str, refusal: str) -> Message:
    message = channel.messages.get(ts)
    if message is None:
        raise SlackError("message_not_found")
    if message.only_for:
        raise Mistake("message_not_found", "an ephemeral message is changed over the response URL of a click on it")
    if message.author != parts.team.app.user_id:
        raise SlackError(refusal)
    return message


def _check_metadata(metadata: Any) -> None:
    if not metadata:
        return
    if not isinstance(metadata, dict) or set(metadata) - {"event_type", "event_payload"}:
        raise SlackError("invalid_metadata_format")
    if not isinstance(metadata.get("event_type"), str) or not isinstance(metadata.get("event_payload"), dict):
        raise SlackError("invalid_metadata_format")


def _replies(channel: Channel, parent_ts: str) -> list[Message]:
    return [each for each in channel.messages.values() if each.thread_ts == parent_ts and each.only_for is None]
