"""Walking through blocks: the ids Slack adds, the elements a person can touch, the state a view holds."""

import copy
import secrets
from collections.abc import Iterator
from typing import Any

from sandbox.emoji import named

Block = dict[str, Any]
Element = dict[str, Any]

INITIAL = {
    "plain_text_input": ("initial_value", "value"),
    "static_select": ("initial_option", "selected_option"),
    "external_select": ("initial_option", "selected_option"),
    "radio_buttons": ("initial_option", "selected_option"),
    "checkboxes": ("initial_options", "selected_options"),
    "datetimepicker": ("initial_date_time", "selected_date_time"),
    "datepicker": ("initial_date", "selected_date"),
    "timepicker": ("initial_time", "selected_time"),
    "multi_static_select": ("initial_options", "selected_options"),
    "multi_external_select": ("initial_options", "selected_options"),
    "users_select": ("initial_user", "selected_user"),
    "multi_users_select": ("initial_users", "selected_users"),
    "conversations_select": ("initial_conversation", "selected_conversation"),
    "multi_conversations_select": ("initial_conversations", "selected_conversations"),
    "channels_select": ("initial_channel", "selected_channel"),
    "multi_channels_select": ("initial_channels", "selected_channels"),
    "email_text_input": ("initial_value", "value"),
    "url_text_input": ("initial_value", "value"),
    "number_input": ("initial_value", "value"),
    "rich_text_input": ("initial_value", "rich_text_value"),
    "file_input": ("initial_files", "files"),  # which Slack does not take: it always starts empty
}
"""Element types that hold a value: the key it starts from, and the key Slack reports it under."""

SEVERAL = ("selected_options", "selected_users", "selected_conversations", "selected_channels", "files")
"""Keys that hold a list."""


def as_kept(blocks: list[Block]) -> list[Block]:
    """The blocks as Slack keeps them: with ids and the defaults of text objects filled in, emoji by name."""
    kept = copy.deepcopy(blocks)
    for block in kept:
        block.setdefault("block_id", secrets.token_urlsafe(4))
        for element in elements(block):
            element.setdefault("action_id", secrets.token_urlsafe(4))
    _fill_texts(kept)
    return kept


def elements(block: Block) -> Iterator[Element]:
    """The interactive elements of one block, those of the blocks inside it included."""
    match block.get("type"):
        case "actions" | "context_actions":
            found = block.get("elements", [])
        case "card":
            found = block.get("actions", [])
        case "carousel":
            found = [element for card in block["elements"] for element in elements(card)]
        case "container":
            found = [element for child in block["child_blocks"] for element in elements(child)]
        case _:
            found = [block.get("accessory"), block.get("element")]
    yield from (element for element in found if element and element["type"] != "image")


def placed_elements(blocks: list[Block]) -> Iterator[tuple[Block, Element]]:
    """Every interactive element with the block it stands in."""
    for block in blocks:
        for element in elements(block):
            yield block, element


def options_of(element: Element) -> list[dict[str, Any]]:
    """All options of an element that lists them, groups flattened."""
    if "option_groups" in element:
        return [option for group in element["option_groups"] for option in group["options"]]
    return list(element.get("options", []))


def input_block_ids(blocks: list[Block]) -> set[str]:
    """The ids of the input blocks: the only ones an answer may attach an error to."""
    return {block["block_id"] for block in blocks if block["type"] == "input"}


def starting_state(blocks: list[Block]) -> dict[str, dict[str, Any]]:
    """`state.values` of a view nobody has touched: `{block_id: {action_id: {"type": …, <value key>: …}}}`."""
    values: dict[str, dict[str, Any]] = {}
    for block, element in placed_elements(blocks):
        if element["type"] not in INITIAL:
            continue
        initial, key = INITIAL[element["type"]]
        empty: Any = [] if key in SEVERAL else None
        entry = {"type": element["type"], key: element.get(initial, empty)}
        values.setdefault(block["block_id"], {})[element["action_id"]] = entry
    return values


def carry(typed: dict[str, dict[str, Any]], into: dict[str, dict[str, Any]]) -> None:
    """Copies what was typed into every field that still stands under the same ids with the same type."""
    for block_id, fields in into.items():
        for action_id, entry in fields.items():
            before = typed.get(block_id, {}).get(action_id)
            if before and before["type"] == entry["type"]:
                fields[action_id] = before


def _fill_texts(node: Any) -> None:
    if isinstance(node, list):
        for child in node:
            _fill_texts(child)
        return
    if not isinstance(node, dict) or node.get("type") == "rich_text":
        return
    if node.get("type") == "mrkdwn":
        node.setdefault("verbatim", False)
    if node.get("type") == "plain_text":
        node.setdefault("emoji", True)
    if node.get("type") == "mrkdwn" or node.get("emoji"):
        node["text"] = named(node["text"])
    for child in node.values():
        _fill_texts(child)
