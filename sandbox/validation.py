"""The Web API method `blocks.validate`: needs no token and says everything that is wrong with a payload."""

from typing import Any

from sandbox.block_kit import HOME, MODAL
from sandbox.errors import SlackError
from sandbox.parts import Parts
from sandbox.shapes import Problem
from sandbox.validator import message_problems, view_problems


def validate(_: Parts, arguments: dict[str, Any]) -> dict[str, Any]:
    """`ok`, or `invalid_blocks` with `errors` as `[{code, message, field, pointer}]`."""
    given = [name for name in ("blocks", "view", "message") if name in arguments]
    if len(given) != 1:
        raise SlackError(
            "invalid_arguments", response_metadata={"messages": ["[ERROR] give one of blocks, view and message"]}
        )
    found = _problems(given[0], arguments[given[0]])
    if found:
        raise SlackError("invalid_blocks", errors=[_error(each) for each in found])
    return {}


def _problems(kind: str, payload: Any) -> list[Problem]:
    if kind == "blocks":
        return message_problems(payload)
    if kind == "view":
        surface = HOME if isinstance(payload, dict) and payload.get("type") == "home" else MODAL
        return view_problems(payload, surface)
    if not isinstance(payload, dict):
        return [Problem("must provide an object", "/message")]
    return message_problems(payload.get("blocks", []))


def _error(problem: Problem) -> dict[str, str]:
    return {
        "code": "invalid_blocks",
        "message": problem.message,
        "field": problem.pointer.rsplit("/", 1)[-1],
        "pointer": problem.pointer,
    }
