"""A field of a modal in which a person writes."""

from access.words import clean
from bot import ids
from bot.views.blocks import Block, plain


def text_field(
    block_id: str, label: str, hint: str, so_far: str = "", *, multiline: bool = False, optional: bool = False
) -> Block:  # fmt: skip
    """`so_far`: what stands there already."""
    element = {"type": "plain_text_input", "action_id": ids.TYPED} | ({"multiline": True} if multiline else {})
    typed = clean(so_far).text
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "hint": plain(hint),
        "element": element | ({"initial_value": typed} if typed else {}),
    } | ({"optional": True} if optional else {})
