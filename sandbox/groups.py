"""Web API methods about user groups, which paid plans have."""

from typing import Any

from sandbox.cast import UserGroup
from sandbox.errors import SlackError
from sandbox.parts import Parts
from sandbox.wire import flag


def usergroups_list(parts: Parts, arguments: dict[str, Any]) -> dict[str, Any]:
    """All groups, with their members if asked."""
    _check_plan(parts)
    shown = [group for group in parts.team.cast.groups if flag(arguments.get("include_disabled")) or not group.disabled]
    return {"usergroups": [_group_object(parts, group, arguments) for group in shown]}


def usergroups_users_list(parts: Parts, arguments: dict[str, Any]) -> dict[str, Any]:
    """The members of one group: guests and those who left the company are among them."""
    _check_plan(parts)
    group = next((each for each in parts.team.cast.groups if each.id == arguments["usergroup"]), None)
    if group is None or (group.disabled and not flag(arguments.get("include_disabled"))):
        raise SlackError("no_such_subteam")
    return {"users": list(group.members)}


def _check_plan(parts: Parts) -> None:
    if not parts.team.cast.paid:
        raise SlackError("plan_upgrade_required")


def _group_object(parts: Parts, group: UserGroup, arguments: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": group.id,
        "team_id": parts.team.cast.team_id,
        "is_usergroup": True,
        "name": group.name,
        "description": "",
        "handle": group.handle,
        "is_external": False,
        "date_create": 0,
        "date_update": 0,
        "date_delete": 1 if group.disabled else 0,
        "auto_type": None,
    }
    if flag(arguments.get("include_users")):
        body["users"] = list(group.members)
    if flag(arguments.get("include_count")):
        body["user_count"] = str(len(group.members))
    return body
