"""Says what Slack would refuse about the blocks of a message, a modal, or the options offered by a select."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from sandbox.block_kit import MESSAGE_BLOCKS, MODAL, SUGGESTION
from sandbox.blocks import elements, options_of
from sandbox.errors import SlackError
from sandbox.facts import limit
from sandbox.shapes import Problem, Typed

Blocks = list[dict[str, Any]]
LISTING = ("static_select", "multi_static_select", "overflow", "checkboxes", "radio_buttons")


def check_message(blocks: Any, *, cumulative: bool = True) -> None:
    """Raises `invalid_blocks`, `invalid_blocks_format` or, over the cap on all text together, `msg_blocks_too_long`."""
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    found = message_problems(blocks)
    if found:
        said = [str(problem) for problem in found]
        raise SlackError("invalid_blocks", errors=said, **_metadata(said))
    if cumulative and characters(blocks) > limit("message.characters"):
        raise SlackError("msg_blocks_too_long")


def check_view(view: Any, surface: Typed = MODAL) -> None:
    """Raises `invalid_arguments`, or `view_too_large`; for the Home tab `surface` is HOME."""
    found = view_problems(view, surface)
    if found:
        raise SlackError("invalid_arguments", **_metadata([str(problem) for problem in found]))
    if len(json.dumps(view, ensure_ascii=False).encode()) > limit("view.bytes"):
        raise SlackError("view_too_large")


def message_problems(blocks: Any) -> list[Problem]:
    """Everything that is wrong with the blocks of a message."""
    return list(MESSAGE_BLOCKS.problems(blocks, "/blocks")) or list(_across_message(blocks))


def view_problems(view: Any, surface: Typed = MODAL) -> list[Problem]:
    """Everything that is wrong with a modal, or with a Home tab when `surface` is HOME."""
    return list(surface.problems(view, "/view")) or list(_across_view(view))


def suggestion_problems(answer: Any) -> list[Problem]:
    """Everything that is wrong with the options offered for an external select."""
    found = list(SUGGESTION.problems(answer, ""))
    if not found and ("options" in answer) == ("option_groups" in answer):
        found.append(Problem("either options or option_groups is needed", ""))
    return found


def characters(node: Any) -> int:
    """The characters of all texts in blocks together."""
    if isinstance(node, list):
        return sum(characters(each) for each in node)
    if not isinstance(node, dict):
        return 0
    own = len(node["text"]) if isinstance(node.get("text"), str) else 0
    return own + sum(characters(each) for each in node.values())


def _metadata(said: list[str]) -> dict[str, Any]:
    return {"response_metadata": {"messages": [f"[ERROR] {each}" for each in said]}}


def _across_message(blocks: Blocks) -> Iterator[Problem]:
    yield from _across(blocks, "/blocks")
    kinds = Counter(block["type"] for block in blocks)
    if kinds["table"] > limit("message.tables"):
        yield Problem("only one table is allowed in a message", "/blocks")
    marked = sum(len(block["text"]) for block in blocks if block["type"] == "markdown")
    if marked > limit("markdown.text"):
        yield Problem(
            f"all markdown blocks together must be less than {limit('markdown.text') + 1} characters", "/blocks"
        )
    for index, block in enumerate(blocks):
        if block["type"] == "task_card" and block["status"] == "pending":
            yield Problem("only a task of a plan can be pending", f"/blocks/{index}/status")


def _across_view(view: dict[str, Any]) -> Iterator[Problem]:
    yield from _across(view["blocks"], "/view/blocks")
    if view["type"] == "modal" and not view.get("submit") and any(block["type"] == "input" for block in view["blocks"]):
        yield Problem("missing required field: submit", "/view")
    focused = [each for block in view["blocks"] for each in elements(block) if each.get("focus_on_load")]
    if len(focused) > 1:
        yield Problem("only one element can have focus_on_load", "/view/blocks")


def _across(blocks: Blocks, at: str) -> Iterator[Problem]:
    """Rules that hold between the parts of the blocks, once each part is right by itself."""
    yield from _twice([block.get("block_id") for block in blocks], "block_id", at)
    for index, block in enumerate(blocks):
        here = f"{at}/{index}"
        if block["type"] == "section" and not block.get("text") and not block.get("fields"):
            yield Problem("missing required field: text or fields", here)
        if block["type"] == "image":
            yield from _across_image(block, here)
        if block["type"] == "data_table" and characters(block["rows"]) > limit("data_table.characters"):
            yield Problem(f"must be less than {limit('data_table.characters') + 1} characters", here)
        yield from _twice([element.get("action_id") for element in elements(block)], "action_id", here)
        for element in elements(block):
            yield from _across_element(element, here)
        for element in [block.get("accessory"), *(block.get("elements", []) if block["type"] == "context" else [])]:
            if element and element["type"] == "image":
                yield from _across_image(element, here)


def _twice(ids: list[str | None], name: str, at: str) -> Iterator[Problem]:
    for found, times in Counter(ids).items():
        if found is not None and times > 1:
            yield Problem(f"{name} {found!r} is used {times} times", at)


def _across_element(element: dict[str, Any], at: str) -> Iterator[Problem]:
    kind = element["type"]
    if kind == "plain_text_input" and element.get("min_length", 0) > element.get("max_length", 3000):
        yield Problem("min_length must not be more than max_length", at)
    if kind in LISTING:
        yield from _across_options(element, at)


def _across_image(image: dict[str, Any], at: str) -> Iterator[Problem]:
    if ("image_url" in image) == ("slack_file" in image):
        yield Problem("either image_url or slack_file is needed", at)


def _across_options(element: dict[str, Any], at: str) -> Iterator[Problem]:
    if ("options" in element) == ("option_groups" in element):
        yield Problem("either options or option_groups is needed", at)
        return
    known = options_of(element)
    yield from _twice([option["value"] for option in known], "option value", at)
    initial = element.get("initial_options", [])
    if "initial_option" in element:
        initial = [element["initial_option"]]
    if any(option not in known for option in initial):
        yield Problem("an initial option must be one of the options", at)
