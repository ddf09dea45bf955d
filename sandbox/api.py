"""The Web API at `/api/<method>`: the methods the app uses, each with its token, scope and arguments."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from sandbox import chat, directory, views
from sandbox.errors import SlackError
from sandbox.parts import Parts
from sandbox.wire import read_arguments, read_token

SHAPE_ERRORS = {
    "invalid_arguments",
    "invalid_blocks",
    "invalid_blocks_format",
    "invalid_metadata_format",
    "missing_scope",
    "msg_blocks_too_long",
    "msg_too_long",
    "no_text",
    "unknown_method",
    "view_too_large",
}
"""Errors that say the call itself was wrong, whatever the state of the workspace: they are kept as violations."""


STRINGS = (
    *("channel", "user", "users", "text", "parse", "ts", "thread_ts", "message_ts"),
    *("trigger_id", "view_id", "external_id", "hash", "cursor"),
)


@dataclass(frozen=True)
class Method:
    """One Web API method: what it does, the arguments it takes (those ending in `!` must be there), its scope."""

    run: Callable[[Parts, dict[str, Any]], dict[str, Any]]
    takes: str
    scope: str = ""
    for_app_token: bool = False

    def check(self, arguments: dict[str, Any]) -> None:
        """`invalid_arguments` for one that is missing, unknown or no string where one is wanted."""
        words = self.takes.split()
        known = {word.rstrip("!") for word in words} | {"team_id"}  # Bolt adds it to every call
        missing = [word[:-1] for word in words if word.endswith("!") and arguments.get(word[:-1]) in (None, "")]
        unknown = sorted(set(arguments) - known)
        wrong = [f"[ERROR] missing required field: {name}" for name in missing]
        wrong += [f"[ERROR] this sandbox knows no argument {name!r} here" for name in unknown]
        wrong += [
            f"[ERROR] must provide a string [json-pointer:/{name}]"
            for name in STRINGS
            if not isinstance(arguments.get(name, ""), str)
        ]
        if wrong:
            raise SlackError("invalid_arguments", response_metadata={"messages": wrong})


MESSAGE_ARGUMENTS = "channel! text blocks metadata parse link_names"
POST_ARGUMENTS = f"{MESSAGE_ARGUMENTS} mrkdwn thread_ts reply_broadcast unfurl_links unfurl_media"

METHODS = {
    "auth.test": Method(directory.auth_test, ""),
    "apps.connections.open": Method(directory.open_connection, "", "connections:write", for_app_token=True),
    "chat.postMessage": Method(chat.post_message, POST_ARGUMENTS, "chat:write"),
    "chat.postEphemeral": Method(chat.post_ephemeral, f"{POST_ARGUMENTS} user!", "chat:write"),
    "chat.update": Method(chat.update, f"{MESSAGE_ARGUMENTS} ts!", "chat:write"),
    "chat.getPermalink": Method(chat.get_permalink, "channel! message_ts!"),
    "views.open": Method(views.open_view, "trigger_id! view!"),
    "views.push": Method(views.push_view, "trigger_id! view!"),
    "views.update": Method(views.update_view, "view_id external_id view! hash"),
    "users.info": Method(directory.users_info, "user! include_locale", "users:read"),
    "conversations.open": Method(directory.conversations_open, "users channel return_im prevent_creation", "im:write"),
    "conversations.info": Method(directory.conversations_info, "channel! include_locale include_num_members"),
    "conversations.members": Method(directory.conversations_members, "channel! cursor limit"),
}


async def answer(parts: Parts, request: web.Request) -> web.Response:
    """Answers one call the way Slack does: HTTP 200 with `ok`, and the scopes in a header."""
    name = request.match_info["method"]
    try:
        arguments = await read_arguments(request)
        body = {"ok": True} | _run(parts, name, request, arguments)
    except SlackError as error:
        body = {"ok": False, "error": error.name} | error.extra
        if error.name in SHAPE_ERRORS:
            parts.team.violation(name, error.name, error.extra.get("response_metadata", {}).get("messages", []))
    return web.json_response(body, headers={"x-oauth-scopes": ",".join(parts.team.app.scopes)})


def _run(parts: Parts, name: str, request: web.Request, arguments: dict[str, Any]) -> dict[str, Any]:
    if name not in METHODS:
        raise SlackError("unknown_method", req_method=name)
    method = METHODS[name]
    _admit(parts, method, read_token(request, arguments))
    method.check(arguments)
    return method.run(parts, arguments)


def _admit(parts: Parts, method: Method, token: str) -> None:
    if token not in (parts.bot_token, parts.app_token):
        raise SlackError("invalid_auth")
    if (token == parts.app_token) != method.for_app_token:
        raise SlackError("not_allowed_token_type")
    if method.scope and not method.for_app_token:
        directory.need_scope(parts, method.scope)
