"""Web API methods about the app itself, its team and people."""

from typing import Any

from sandbox.errors import SlackError
from sandbox.pages import page_of
from sandbox.parts import Parts
from sandbox.state import Member


def need_scope(parts: Parts, scope: str) -> None:
    """`missing_scope` unless the app was installed with it."""
    scopes = parts.team.app.scopes
    if scope not in scopes:
        raise SlackError("missing_scope", needed=scope, provided=",".join(scopes))


def auth_test(parts: Parts, _: dict[str, Any]) -> dict[str, Any]:
    """Who the token belongs to."""
    team = parts.team
    enterprise = team.cast.enterprise
    body = {
        "url": f"{parts.base_url}/",
        "team": team.cast.team_name,
        "team_id": team.cast.team_id,
        "user": team.app.name.lower(),
        "user_id": team.app.user_id,
        "bot_id": team.app.bot_id,
        "is_enterprise_install": bool(enterprise and enterprise.org_install),
    }
    return body | ({"enterprise_id": enterprise.id} if enterprise else {})


def team_info(parts: Parts, _: dict[str, Any]) -> dict[str, Any]:
    """The team."""
    cast = parts.team.cast
    team = {"id": cast.team_id, "name": cast.team_name, "domain": cast.team_domain, "email_domain": ""}
    if cast.enterprise:
        team |= {"enterprise_id": cast.enterprise.id, "enterprise_name": cast.enterprise.name}
    return {"team": team}


def bots_info(parts: Parts, arguments: dict[str, Any]) -> dict[str, Any]:
    """The app's bot."""
    app = parts.team.app
    if arguments.get("bot", app.bot_id) != app.bot_id:
        raise SlackError("bot_not_found")
    bot = {"id": app.bot_id, "deleted": False, "name": app.name, "updated": 0, "app_id": app.id}
    return {"bot": bot | {"user_id": app.user_id}}


def open_connection(parts: Parts, _: dict[str, Any]) -> dict[str, Any]:
    """A link to one Socket Mode connection, good for one use."""
    if parts.delivery.push or parts.sockets.disabled:
        raise SlackError("forbidden_team")  # request URLs and Socket Mode exclude one another
    host = parts.base_url.removeprefix("http")
    return {"url": f"ws{host}/link/?ticket={parts.sockets.new_ticket()}&app_id={parts.team.app.id}"}


def users_info(parts: Parts, arguments: dict[str, Any]) -> dict[str, Any]:
    """One member, the app's bot user included."""
    return {"user": user_object(parts, parts.team.person(arguments["user"]))}


def users_list(parts: Parts, arguments: dict[str, Any]) -> dict[str, Any]:
    """All members, those who left included, at most `limit` a page."""
    members, metadata = page_of([each.id for each in parts.team.people.values()], arguments)
    return {
        "members": [user_object(parts, parts.team.people[each]) for each in members],
        "cache_ts": int(parts.team.now()),
        "response_metadata": metadata,
    }


def users_lookup_by_email(parts: Parts, arguments: dict[str, Any]) -> dict[str, Any]:
    """The member with this address; those who left are not found."""
    wanted = arguments["email"].casefold()
    for member in parts.team.people.values():
        if member.email and member.email.casefold() == wanted and not member.deactivated:
            return {"user": user_object(parts, member)}
    raise SlackError("users_not_found")


def user_object(parts: Parts, member: Member) -> dict[str, Any]:
    """A member as Slack writes it; the address only with the scope for it."""
    team_id = member.home_team or parts.team.cast.team_id
    profile = {
        "real_name": member.real_name,
        "real_name_normalized": member.real_name,
        "title": member.title,
        "display_name": member.name,
        "display_name_normalized": member.name,
        "team": team_id,
    }
    if member.email and "users:read.email" in parts.team.app.scopes:
        profile["email"] = member.email
    user: dict[str, Any] = {
        "id": member.id,
        "team_id": team_id,
        "name": member.name,
        "deleted": member.deactivated,
        "profile": profile,
        "is_bot": member.bot,
    }
    if parts.team.cast.enterprise and not member.stranger:
        user["enterprise_user"] = _enterprise_user(parts, member)
    if member.deactivated:
        return user
    return user | {
        "real_name": member.real_name,
        "tz": member.tz,
        "is_admin": member.admin,
        "is_owner": False,
        "is_restricted": member.guest,
        "is_ultra_restricted": False,
        "is_stranger": member.stranger,
        "is_app_user": False,
    }


def _enterprise_user(parts: Parts, member: Member) -> dict[str, Any]:
    enterprise = parts.team.cast.enterprise
    assert enterprise
    return {
        "id": member.id,
        "enterprise_id": enterprise.id,
        "enterprise_name": enterprise.name,
        "is_admin": False,
        "is_owner": False,
        "teams": [parts.team.cast.team_id],
    }
