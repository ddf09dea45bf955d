"""Events about messages, of people and of the app itself: posted, changed, taken away."""

from typing import Any

from sandbox.parts import Parts
from sandbox.state import Channel

Body = dict[str, Any]
"""A message as Slack writes it."""


def posted(parts: Parts, channel: Channel, message: Body) -> None:
    """Tells the app of a message, its own included; not of one for a single person's eyes."""
    _emit(parts, channel, message)


def changed(parts: Parts, channel: Channel, message: Body, before: Body) -> None:
    """Tells that a message has other words now."""
    now = {"subtype": "message_changed", "hidden": True, "ts": parts.team.next_ts()}
    _emit(parts, channel, now | {"message": message, "previous_message": before})


def deleted(parts: Parts, channel: Channel, before: Body) -> None:
    """Tells that a message is gone."""
    now = {"subtype": "message_deleted", "hidden": True, "ts": parts.team.next_ts()}
    _emit(parts, channel, now | {"deleted_ts": before["ts"], "previous_message": before})


def _emit(parts: Parts, channel: Channel, event: Body) -> None:
    if parts.team.app.user_id not in channel.members:
        return
    said = {name: value for name, value in event.items() if name != "type"}
    parts.events.emit("message", **said | {"channel": channel.id, "channel_type": _type_of(channel)})


def _type_of(channel: Channel) -> str:
    if channel.with_person is not None:
        return "im"
    return "group" if channel.private else "channel"
