"""Reading a Web API call: the token, and arguments from query, form and JSON in one dictionary."""

import json
from json import JSONDecodeError
from typing import Any

from aiohttp import web

from sandbox.errors import SlackError

JSON_ARGUMENTS = ("blocks", "view", "message", "metadata", "attachments")


async def read_arguments(request: web.Request) -> dict[str, Any]:
    """The arguments however they were sent; JSON written as a string is decoded."""
    arguments: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        arguments |= await _json_body(request)
    elif request.method == "POST":
        arguments |= {name: str(value) for name, value in (await request.post()).items()}
    for name in JSON_ARGUMENTS:
        if isinstance(arguments.get(name), str):
            arguments[name] = _decoded(name, arguments[name])
    return arguments


def read_token(request: web.Request, arguments: dict[str, Any]) -> str:
    """The token from the header, or from the arguments, where it is taken out."""
    in_body = arguments.pop("token", "")
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    found = token if scheme.lower() == "bearer" and token else in_body
    if not found:
        raise SlackError("not_authed")
    return found


def flag(value: Any) -> bool:
    """A boolean argument as JSON, form or query writes it."""
    return value in (True, 1, "1", "true", "True")


async def _json_body(request: web.Request) -> dict[str, Any]:
    text = await request.text()
    if not text:
        return {}
    try:
        body = json.loads(text)
    except JSONDecodeError as error:
        raise SlackError("invalid_json") from error
    if not isinstance(body, dict):
        raise SlackError("json_not_object")
    return body


def _decoded(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except JSONDecodeError as error:
        wrong = "invalid_blocks_format" if name == "blocks" else "invalid_arguments"
        raise SlackError(wrong) from error
