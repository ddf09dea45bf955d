"""Web API methods about conversations: the app's direct messages, channels and who is in them."""

from typing import Any

from sandbox.directory import need_scope
from sandbox.errors import SlackError
from sandbox.pages import page_of
from sandbox.parts import Parts
from sandbox.state import Channel
from sandbox.wire import flag

SCOPES = {"public_channel": "channels:read", "private_channel": "groups:read", "im": "im:read", "mpim": "mpim:read"}


def conversations_open(parts: Parts, arguments: dict[str, Any]) -> dict[str, Any]:
    """Opens the direct message with one person."""
    if arguments.get("channel"):
        channel = parts.team.channels.get(arguments["channel"])
        if channel is None or channel.with_person is None:
            raise SlackError("channel_not_found")
        return {"channel": {"id": channel.id}}
    users = [user for user in str(arguments.get("users") or "").split(",") if user]
    if not users:
        raise SlackError("users_list_not_supplied")
    if len(users) > 1:
        raise SlackError("missing_scope", needed="mpim:write", provided=",".join(parts.team.app.scopes))
    member = parts.team.person(users[0])
    if member.deactivated:
        raise SlackError("user_disabled")
    return {"channel": {"id": parts.team.direct_message(member.id).id}}


def conversations_info(parts: Parts, arguments: dict[str, Any]) -> dict[str, Any]:
    """What the app may know of a conversation."""
    channel = visible_channel(parts, arguments["channel"])
    return {"channel": channel_object(parts, channel, counted=flag(arguments.get("include_num_members")))}


def conversations_list(parts: Parts, arguments: dict[str, Any]) -> dict[str, Any]:
    """The conversations of the asked kinds: public ones, and private ones the app is in."""
    kinds = str(arguments.get("types") or "public_channel").split(",")
    if unknown := set(kinds) - set(SCOPES):
        raise SlackError("invalid_types", detail=unknown.pop())
    for kind in kinds:
        need_scope(parts, SCOPES[kind])
    channels = {
        channel.id: channel
        for channel in parts.team.channels.values()
        if _kind(channel) in kinds
        and not (channel.archived and flag(arguments.get("exclude_archived")))
        and (not channel.private or parts.team.app.user_id in channel.members)
    }
    found, metadata = page_of(list(channels), arguments)
    return {
        "channels": [channel_object(parts, channels[each], counted=True) for each in found],
        "response_metadata": metadata,
    }


def conversations_members(parts: Parts, arguments: dict[str, Any]) -> dict[str, Any]:
    """Who is in a conversation, those who left the company included, at most `limit` a page."""
    members, metadata = page_of(sorted(visible_channel(parts, arguments["channel"]).members), arguments)
    return {"members": members, "response_metadata": metadata}


def channel_object(parts: Parts, channel: Channel, *, counted: bool) -> dict[str, Any]:
    """A conversation as Slack writes it."""
    body = {
        "id": channel.id,
        "is_im": channel.with_person is not None,
        "is_archived": channel.archived,
        "created": 0,
        "context_team_id": parts.team.cast.team_id,
        "is_org_shared": channel.org_shared,
    }
    if channel.with_person is not None:
        return body | {"user": channel.with_person}
    body |= {
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": not channel.private,
        "is_group": channel.private,
        "is_mpim": False,
        "is_private": channel.private,
        "is_general": channel.name == "general",
        "is_shared": channel.ext_shared or channel.org_shared,
        "is_ext_shared": channel.ext_shared,
        "is_pending_ext_shared": False,
        "is_member": parts.team.app.user_id in channel.members,
    }
    return body | ({"num_members": len(channel.members)} if counted else {})


def visible_channel(parts: Parts, channel_id: str) -> Channel:
    """A channel the app can read about; needs the scope for its kind."""
    channel = parts.team.channels.get(channel_id)
    if channel is None:
        raise SlackError("channel_not_found")
    need_scope(parts, SCOPES[_kind(channel)])
    if channel.private and parts.team.app.user_id not in channel.members:
        raise SlackError("channel_not_found")
    return channel


def _kind(channel: Channel) -> str:
    if channel.with_person is not None:
        return "im"
    return "private_channel" if channel.private else "public_channel"
