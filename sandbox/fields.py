"""What a person puts into an element, checked the way Slack's own client checks it, as Slack reports it."""

import hashlib
import re
from pathlib import PurePath
from typing import Any

from sandbox.blocks import INITIAL, Block, Element, carry, options_of, placed_elements, starting_state
from sandbox.errors import NotPossible
from sandbox.facts import limit

Offered = dict[str, Any]
REQUIRED = "Please complete this required field."


def entry(element: Element, value: Any, offered: Offered) -> dict[str, Any]:
    """The element's entry in `state.values` after the person put `value` there; None takes a value away."""
    kind = element["type"]
    if kind not in INITIAL:
        raise NotPossible(f"a {kind} holds no value")
    key = INITIAL[kind][1]
    return {"type": kind, key: _CHECKS[kind](element, value, offered)}


def option(element: Element, value: Any, offered: Offered) -> dict[str, Any]:
    """The option with this value, among those on the list or, for an external select, those offered."""
    if not isinstance(value, str):
        raise NotPossible("one option is chosen, by its value")
    initial = element.get("initial_option")
    known = {found["value"]: found for found in options_of(element)} | offered
    known |= {found["value"]: found for found in element.get("initial_options", [])}
    if initial:
        known[initial["value"]] = initial
    if value in known:
        return known[value]
    if element["type"] in ("external_select", "multi_external_select"):
        raise NotPossible(f"{value!r} was not offered: type into the select first, then choose what it offers")
    raise NotPossible(f"{value!r} is not one of the options: {', '.join(known)}")


def fill(blocks: list[Block], state: dict[str, Any], values: dict[str, Any], offered: Any) -> dict[str, Any]:
    """`state.values` with what the person filled in: `{block_id: value or {action_id: value}}`.

    `offered(block_id, action_id)` gives the options an external select has offered.
    """
    filled = starting_state(blocks)
    carry(state, filled)
    holders = {
        (block["block_id"], element["action_id"]): element
        for block, element in placed_elements(blocks)
        if element["type"] in INITIAL
    }
    for block_id, given in values.items():
        for action_id, value in _by_action(holders, block_id, given).items():
            element = holders[(block_id, action_id)]
            filled[block_id][action_id] = entry(element, value, offered(block_id, action_id))
    return filled


def missing(blocks: list[Block], state: dict[str, Any]) -> dict[str, str]:
    """What Slack's client says before it sends a form: by block id, for required inputs left empty."""
    wrong: dict[str, str] = {}
    for block in blocks:
        if block["type"] != "input" or block.get("optional"):
            continue
        held = state[block["block_id"]][block["element"]["action_id"]]
        if held[INITIAL[held["type"]][1]] in (None, "", []):
            wrong[block["block_id"]] = REQUIRED
    return wrong


def _by_action(holders: dict[tuple[str, str], Element], block_id: str, given: Any) -> dict[str, Any]:
    actions = [action for block, action in holders if block == block_id]
    if not actions:
        raise NotPossible(f"the form has no field {block_id!r}; it has {sorted({block for block, _ in holders})}")
    if not isinstance(given, dict):
        if len(actions) > 1:
            raise NotPossible(f"the block {block_id!r} has several fields: {actions}")
        return {actions[0]: given}
    unknown = set(given) - set(actions)
    if unknown:
        raise NotPossible(f"the block {block_id!r} has no field {unknown.pop()!r}; it has {actions}")
    return given


def _text(element: Element, value: Any, _: Offered) -> str | None:
    if value in (None, ""):
        return None
    if not isinstance(value, str):
        raise NotPossible("only text can be typed here")
    least, most = element.get("min_length", 0), element.get("max_length", 3000)
    if len(value) < least:
        raise NotPossible(f"at least {least} characters are needed here")
    if len(value) > most:
        raise NotPossible(f"at most {most} characters fit in here")
    if "\n" in value and not element.get("multiline"):
        raise NotPossible("this field has one line")
    return value


def _one(element: Element, value: Any, offered: Offered) -> dict[str, Any] | None:
    return None if value is None else option(element, value, offered)


def _several(element: Element, value: Any, offered: Offered) -> list[dict[str, Any]]:
    return [option(element, each, offered) for each in value or []]


def _moment(_: Element, value: Any, __: Offered) -> int | None:
    if value is not None and not isinstance(value, int):
        raise NotPossible("a date and time is given in whole seconds since the epoch")
    return value


def _id(_: Element, value: Any, __: Offered) -> str | None:
    if value is not None and not isinstance(value, str):
        raise NotPossible("one is chosen, by its id")
    return value


def _ids(_: Element, value: Any, __: Offered) -> list[str]:
    return list(value or [])


def _matching(pattern: str, what: str) -> Any:
    def check(_: Element, value: Any, __: Offered) -> str | None:
        if value in (None, ""):
            return None
        if not isinstance(value, str) or not re.fullmatch(pattern, value, re.ASCII):
            raise NotPossible(f"{value!r} is not {what}")
        return value

    return check


def _number(element: Element, value: Any, _: Offered) -> str | None:
    if value in (None, ""):
        return None
    whole, decimal = r"-?\d+", r"-?\d+(\.\d+)?"
    if not isinstance(value, str) or not re.fullmatch(decimal if element["is_decimal_allowed"] else whole, value):
        raise NotPossible(f"{value!r} is not a number that is allowed here, written as a string")
    if float(value) < float(element.get("min_value", "-inf")) or float(value) > float(element.get("max_value", "inf")):
        raise NotPossible(f"{value} is too small or too large here")
    return value


def _files(element: Element, value: Any, _: Offered) -> list[dict[str, Any]]:
    """Files, chosen by their names; what is in them is nobody's business here. The same file keeps its id."""
    names: list[str] = [value] if isinstance(value, str) else list(value or [])
    if len(names) > (most := element.get("max_files", limit("file_input.files"))):
        raise NotPossible(f"at most {most} files are taken here")
    return [_file(element, name) for name in names]


def _file(element: Element, name: str) -> dict[str, Any]:
    kind = PurePath(name).suffix.removeprefix(".").lower()
    taken = element.get("filetypes", [])
    if taken and kind not in taken:
        raise NotPossible(f"{name!r} is not taken here: {', '.join(taken)}")
    file_id = "F0" + hashlib.sha256(name.encode()).hexdigest()[:9].upper()
    return {"id": file_id, "name": name, "title": name, "filetype": kind}


def _rich(_: Element, value: Any, __: Offered) -> dict[str, Any] | None:
    if not value:
        return None
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": str(value)}]}
    return {"type": "rich_text", "elements": [section]}


_CHECKS = {
    "plain_text_input": _text,
    "static_select": _one,
    "external_select": _one,
    "radio_buttons": _one,
    "checkboxes": _several,
    "multi_static_select": _several,
    "multi_external_select": _several,
    "datetimepicker": _moment,
    "datepicker": _matching(r"\d{4}-\d{2}-\d{2}", "a date as YYYY-MM-DD"),
    "timepicker": _matching(r"\d{2}:\d{2}", "a time as HH:mm"),
    "users_select": _id,
    "conversations_select": _id,
    "channels_select": _id,
    "multi_users_select": _ids,
    "multi_conversations_select": _ids,
    "multi_channels_select": _ids,
    "email_text_input": _matching(r"[^@\s]+@[^@\s]+\.[^@\s]+", "an e-mail address"),
    "url_text_input": _matching(r"https?://\S+", "an address on the web"),
    "number_input": _number,
    "rich_text_input": _rich,
    "file_input": _files,
}
