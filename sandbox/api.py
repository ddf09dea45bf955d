"""The Web API at `/api/<method>`: the methods the app uses, each with its token, scope and arguments."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from sandbox import chat, conversations, directory, groups, validation, views
from sandbox.errors import Mistake, SlackError, StateError, TooMany
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
    *("trigger_id", "view_id", "external_id", "hash", "cursor", "user_id", "usergroup", "email", "types", "bot"),
)


@dataclass(frozen=True)
class Method:
    """One Web API method: what it does, the arguments it takes (those ending in `!` must be there), its scope.

    `by_kind`: the scope is the one for the kind of the conversation, in `conversations.SCOPES`.
    """

    run: Callable[[Parts, dict[str, Any]], dict[str, Any]]
    takes: str
    scope: str = ""
    by_kind: bool = False
    for_app_token: bool = False
    public: bool = False

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
    "chat.delete": Method(chat.delete, "channel! ts! as_user", "chat:write"),
    "views.publish": Method(views.publish_view, "user_id! view! hash"),
    "views.open": Method(views.open_view, "trigger_id! view!"),
    "views.push": Method(views.push_view, "trigger_id! view!"),
    "views.update": Method(views.update_view, "view_id external_id view! hash"),
    "users.info": Method(directory.users_info, "user! include_locale", "users:read"),
    "users.list": Method(directory.users_list, "cursor limit include_locale", "users:read"),
    "users.lookupByEmail": Method(directory.users_lookup_by_email, "email!", "users:read.email"),
    "conversations.open": Method(
        conversations.conversations_open, "users channel return_im prevent_creation", "im:write"
    ),
    "conversations.info": Method(
        conversations.conversations_info, "channel! include_locale include_num_members", by_kind=True
    ),
    "conversations.list": Method(conversations.conversations_list, "types cursor limit exclude_archived", by_kind=True),
    "conversations.members": Method(conversations.conversations_members, "channel! cursor limit", by_kind=True),
    "usergroups.list": Method(
        groups.usergroups_list, "include_count include_disabled include_users", "usergroups:read"
    ),
    "usergroups.users.list": Method(groups.usergroups_users_list, "usergroup! include_disabled", "usergroups:read"),
    "team.info": Method(directory.team_info, "team domain", "team:read"),
    "bots.info": Method(directory.bots_info, "bot", "users:read"),
    "blocks.validate": Method(validation.validate, "blocks view message", public=True),
}


async def answer(parts: Parts, request: web.Request) -> web.StreamResponse:
    """Answers one call the way Slack does: HTTP 200 with `ok` and the scopes in a header, or 429."""
    name = request.match_info["method"]
    entry = parts.journal.add("call", name)
    begun = time.monotonic()
    headers = {"x-oauth-scopes": ",".join(parts.team.app.scopes)}
    try:
        entry.sent = arguments = await read_arguments(request)
        _check_rate(parts, name, arguments)
        body = {"ok": True} | _run(parts, name, request, arguments)
    except TooMany as too_many:
        entry.error = "ratelimited"
        body = {"ok": False, "error": "ratelimited"}
        return web.json_response(body, status=429, headers=headers | {"Retry-After": str(too_many.seconds)})
    except SlackError as error:
        entry.error = error.name
        body = {"ok": False, "error": error.name} | error.extra
        if _is_wrong(error) and not _is_public(name):
            parts.violation(name, error.name, _sentences(error))
    finally:
        entry.ms = round((time.monotonic() - begun) * 1000, 1)
        parts.team.changed()
    entry.answer = body
    if request.transport and parts.faults.take("api_break", name):
        request.transport.abort()
    return web.json_response(body, headers=headers)


def _check_rate(parts: Parts, name: str, arguments: dict[str, Any]) -> None:
    if fault := parts.faults.take("rate_limit", name):
        raise TooMany(max(int(fault.seconds), 1))
    if seconds := parts.rates.retry_after(name, str(arguments.get("channel") or "")):
        raise TooMany(seconds)


def _run(parts: Parts, name: str, request: web.Request, arguments: dict[str, Any]) -> dict[str, Any]:
    if name not in METHODS:
        raise SlackError("unknown_method", req_method=name)
    method = METHODS[name]
    if method.public:
        arguments.pop("token", "")
    else:
        _admit(parts, method, read_token(request, arguments))
    if fault := parts.faults.take("api_error", name):
        raise SlackError(fault.error or "internal_error")
    method.check(arguments)
    return method.run(parts, arguments)


def _admit(parts: Parts, method: Method, token: str) -> None:
    if token not in (parts.bot_token, parts.app_token):
        raise SlackError("invalid_auth")
    if parts.team.uninstalled:
        raise SlackError("account_inactive")
    if (token == parts.app_token) != method.for_app_token:
        raise SlackError("not_allowed_token_type")
    if method.scope and not method.for_app_token:
        directory.need_scope(parts, method.scope)


def _is_wrong(error: SlackError) -> bool:
    if isinstance(error, StateError):
        return False
    return isinstance(error, Mistake) or error.name in SHAPE_ERRORS


def _sentences(error: SlackError) -> list[str]:
    if isinstance(error, Mistake):
        return [f"[ERROR] {error.sentence}"]
    return error.extra.get("response_metadata", {}).get("messages", [])


def _is_public(name: str) -> bool:
    return name in METHODS and METHODS[name].public
