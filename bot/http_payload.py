"""Reads the body of a request that Slack signed; what has not one of Slack's shapes goes no further."""

import json
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from bot.http_signature import Headers, only

Body = dict[str, Any]
Shape = Any
"""A type, a list of one shape for any number but none, or a dictionary of what must be there."""

_MOST_FIELDS = 50
_CHARSETS = ("", "charset=utf-8", 'charset="utf-8"')

_USER = {"user": {"id": str}}
_COMMANDS: dict[str, Shape] = {
    "command": dict.fromkeys(("command", "user_id", "team_id", "channel_id", "trigger_id"), str),
    "ssl_check": {},
}
_INTERACTIONS: dict[str, Shape] = {
    "block_actions": _USER
    | {"actions": [{"action_id": str, "block_id": str, "type": str}], "container": {"type": str}, "trigger_id": str},
    "block_suggestion": _USER | {"action_id": str, "block_id": str, "value": str},
    "view_submission": _USER
    | {"view": {"callback_id": str, "blocks": [{"type": str, "block_id": str}], "state": {"values": dict}}},
    "view_closed": _USER | {"view": {"callback_id": str}},
    "shortcut": _USER | {"callback_id": str, "trigger_id": str},
    "message_action": _USER | {"callback_id": str, "trigger_id": str},
}
_EVENTS: dict[str, Shape] = {
    "event_callback": {"event_id": str, "team_id": str, "event": {"type": str}},
    "url_verification": {"challenge": str},
    "app_rate_limited": {"team_id": str},
}
_WHERE_THERE: dict[str, Shape] = {
    "view": {"id": str},
    "team": {"id": str},
    "channel": {"id": str},
    "enterprise": {"id": str},
    "authorizations": [dict],
}


class Malformed(Exception):
    """Slack would not have sent this."""


def read(headers: Headers, body: bytes) -> Body:
    """The payload, in the same form in which Socket Mode delivers it. Raises Malformed."""
    try:
        payload, shapes, kind = _read(_media_type(headers), body.decode("utf-8"))
        # A lone half of a surrogate pair is legal in JSON, but no text that a database takes.
        json.dumps(payload, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise Malformed from error
    if not (isinstance(kind, str) and kind in shapes and _fits(payload, shapes[kind])):
        raise Malformed
    if not all(_fits(payload[name], shape) for name, shape in _WHERE_THERE.items() if payload.get(name) is not None):
        raise Malformed
    return payload


def _read(media_type: str, text: str) -> tuple[Body, dict[str, Shape], Any]:
    """The payload, the shapes that this kind of body can have, and which of them it says it has."""
    if media_type == "application/json":
        payload = _json(text)
        return payload, _EVENTS, payload.get("type")
    form = _form(text)
    if "payload" not in form:
        return form, _COMMANDS, "ssl_check" if "ssl_check" in form else "command"
    if "command" in form:
        raise Malformed
    payload = _json(form["payload"])
    return payload, _INTERACTIONS, payload.get("type")


def _media_type(headers: Headers) -> str:
    media_type, _, parameter = (only(headers, b"content-type") or b"").decode("latin-1").lower().partition(";")
    if parameter.strip() not in _CHARSETS or any(name == b"content-encoding" for name, _ in headers):
        raise Malformed
    if media_type.strip() not in ("application/json", "application/x-www-form-urlencoded"):
        raise Malformed
    return media_type.strip()


def _form(text: str) -> Body:
    fields = parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=_MOST_FIELDS)
    form = dict(fields)
    if len(form) != len(fields):
        raise Malformed
    return form


def _json(text: str) -> Body:
    payload = json.loads(text, parse_constant=_no_number)
    if not isinstance(payload, dict):
        raise Malformed
    return payload


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _fits(value: Any, shape: Shape) -> bool:
    if isinstance(shape, type):
        return isinstance(value, shape)
    if isinstance(shape, list):
        return isinstance(value, list) and bool(value) and all(_fits(one, shape[0]) for one in value)
    return isinstance(value, dict) and all(name in value and _fits(value[name], inner) for name, inner in shape.items())
