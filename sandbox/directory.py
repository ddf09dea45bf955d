"""Web API methods about the app itself, people and conversations."""

from typing import Any

from sandbox.errors import SlackError
from sandbox.parts import Parts
from sandbox.state import Channel, Member
from sandbox.wire import flag


def need_scope(parts: Parts, scope: str) -> None:
    """`missing_scope` unless the app was installed with it."""
    scopes = parts.team.app.scopes
    if scope not in scopes:
        raise SlackError("missing_scope", needed=scope, provided=",".join(scopes))


def auth_test(parts: Parts, _: dict[str, Any]) -> dict[str, Any]:
    """Who the token belongs to."""
    team = parts.team
    return {
        "url": f"{parts.base_url}/",
        "team": team.cast.team_name,
        "team_id": team.cast.team_id,
        "user": team.app.name.lower(),
        "user_id": team.app.user_id,
        "bot_id": team.app.bot_id,
        "is_enterprise_install": False,
    }


def open_connection(parts: Parts, _: dict[str, Any]) -> dict[str, Any]:
    """A link to one Socket Mode connection, good for one use."""
    if parts.delivery.push:
        raise SlackError("forbidden_team")  # request URLs and Socket Mode exclude one another
    host = parts.base_url.removeprefix("http")
    return {"url": f"ws{host}/link/?ticket={parts.sockets.new_ticket()}&app_id={parts.team.app.id}"}


def users_info(parts: Parts, arguments: dict[str, Any]) -> dict[str, Any]:
    """One member, the app's bot user included."""
    return {"user": user_object(parts, parts.team.person(arguments["user"]))}


def user_object(parts: Parts, member: Member) -> dict[str, Any]:
    """A member as Slack writes it."""
    profile = {
        "real_name": member.real_name,
        "real_name_normalized": member.real_name,
        "display_name": member.name,
        "display_name_normalized": member.name,
        "team": parts.team.cast.team_id,
    }
    user = {
        "id": member.id,
        "team_id": parts.team.cast.team_id,
        "name": member.name,
        "deleted": member.deactivated,
        "profile": profile,
        "is_bot": member.bot,
    }
    if member.deactivated:
        return user
    return user | {
        "real_name": member.real_name,
        "tz": member.tz,
        "is_admin": False,
        "is_owner": False,
        "is_restricted": member.guest,
        "is_ultra_restricted": False,
        "is_stranger": False,
        "is_app_user": False,
    }


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
    body = {
        "id": channel.id,
        "is_im": channel.with_person is not None,
        "is_archived": False,
        "created": 0,
    }
    if channel.with_person is not None:
        return {"channel": body | {"user": channel.with_person}}
    body |= {
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": not channel.private,
        "is_group": channel.private,
        "is_private": channel.private,
        "is_general": channel.name == "general",
        "is_member": parts.team.app.user_id in channel.members,
    }
    if flag(arguments.get("include_num_members")):
        body["num_members"] = len(channel.members)
    return {"channel": body}


def conversations_members(parts: Parts, arguments: dict[str, Any]) -> dict[str, Any]:
    """Who is in a conversation, at most `limit` a page."""
    channel = visible_channel(parts, arguments["channel"])
    members = sorted(channel.members)
    limit = int(asked) if (asked := str(arguments.get("limit") or 100)).isdigit() else 0
    cursor = str(arguments.get("cursor") or "")
    if not 1 <= limit <= 1000:
        raise SlackError("invalid_limit")
    if cursor and cursor not in members:
        raise SlackError("invalid_cursor")
    start = members.index(cursor) if cursor else 0
    following = members[start + limit : start + limit + 1]
    return {
        "members": members[start : start + limit],
        "response_metadata": {"next_cursor": following[0] if following else ""},
    }


def visible_channel(parts: Parts, channel_id: str) -> Channel:
    """A channel the app can read about; needs the scope for its kind."""
    channel = parts.team.channels.get(channel_id)
    if channel is None:
        raise SlackError("channel_not_found")
    if channel.with_person is not None:
        need_scope(parts, "im:read")
        return channel
    need_scope(parts, "groups:read" if channel.private else "channels:read")
    if channel.private and parts.team.app.user_id not in channel.members:
        raise SlackError("channel_not_found")
    return channel
