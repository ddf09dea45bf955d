"""What a digest is cut into: blocks that stay together, and how much of a message they take."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from access.requests.remind import Place
from bot import ids
from bot.views.blocks import Block, link_button

_OPEN = "Open"


@dataclass(frozen=True)
class Piece:
    """Blocks that are never parted. With `place`, the first one is a section that leads to the message there."""

    blocks: list[Block]
    place: Place | None = None
    about: str = field(default="", kw_only=True)
    """What stands there, for a screen reader."""

    @cached_property
    def characters(self) -> int:
        return characters(self.blocks) + (len(_OPEN) if self.place else 0)

    def drawn(self, addresses: Mapping[Place, str]) -> list[Block]:
        """With its button, if the address of the place is known."""
        address = addresses.get(self.place) if self.place else None
        if address is None:
            return self.blocks
        accessory = link_button(_OPEN, action=ids.FOLLOW, url=address, label=f"Open the message about {self.about}")
        first, *rest = self.blocks
        return [first | {"accessory": accessory}, *rest]


def characters(node: Any) -> int:
    """Of all that is read in blocks together, as Slack is believed to count it."""
    if isinstance(node, list):
        return sum(characters(each) for each in node)  # pyright: ignore[reportUnknownVariableType] -- blocks are JSON
    if not isinstance(node, dict):
        return 0
    own = node.get("text") or node.get("fallback")  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType] -- blocks are JSON
    inner = sum(characters(each) for each in node.values())  # pyright: ignore[reportUnknownVariableType] -- as above
    return inner + (len(own) if isinstance(own, str) else 0)
