"""What a person sees, as it was in the moment it was read: messages, modals and what came of an act."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """What came of a command or a click. `error` is Slack's word when the app did not answer in time, else None.

    `text` is what the person reads at once; `message` the message that shows it.
    """

    error: str | None = None
    text: str = ""
    message: "Message | None" = None

    @property
    def ok(self) -> bool:
        """Whether the app answered."""
        return self.error is None


@dataclass(frozen=True)
class Message:
    """A message as one person sees it, in the moment it was read."""

    channel: str
    ts: str
    author: str
    text: str
    blocks: list[dict[str, Any]]
    ephemeral: bool
    edited: bool
    raw: dict[str, Any]

    @property
    def words(self) -> str:
        """All words on it: those of its blocks, or its text when it has none."""
        return words_of(self.blocks) if self.blocks else self.text

    def actions(self) -> list[str]:
        """The action ids of everything that can be pressed or chosen on it."""
        return _actions(self.blocks)


@dataclass(frozen=True)
class View:
    """A modal as its owner sees it, in the moment it was read."""

    id: str
    callback_id: str
    title: str
    blocks: list[dict[str, Any]]
    state: dict[str, dict[str, Any]]
    raw: dict[str, Any]

    @property
    def words(self) -> str:
        """All words of its blocks."""
        return words_of(self.blocks)

    def actions(self) -> list[str]:
        """The action ids of everything that can be filled, pressed or chosen in it."""
        return _actions(self.blocks)


def words_of(node: Any) -> str:
    """All words in blocks, one text a line, without the markup around them."""
    if isinstance(node, list):
        return "\n".join(filter(None, map(words_of, node)))
    if not isinstance(node, dict):
        return ""
    if node.get("type") in ("rich_text_section", "rich_text_quote", "rich_text_preformatted"):
        return "".join(words_of(each) for each in node["elements"])
    own = [node["text"]] if isinstance(node.get("text"), str) else []
    return "\n".join(filter(None, own + [words_of(each) for each in node.values() if isinstance(each, dict | list)]))


def _actions(node: Any) -> list[str]:
    if isinstance(node, list):
        return [found for each in node for found in _actions(each)]
    if not isinstance(node, dict):
        return []
    own = [node["action_id"]] if "action_id" in node else []
    return own + [found for each in node.values() for found in _actions(each)]


def read_message(channel: str, raw: dict[str, Any]) -> Message:
    """A message from what a door answers."""
    return Message(
        channel,
        raw["ts"],
        raw["user"],
        raw["text"],
        raw.get("blocks", []),
        raw["ephemeral"],
        "edited" in raw,
        raw,
    )


def read_view(raw: dict[str, Any]) -> View:
    """A modal from what a door answers."""
    return View(
        raw["id"], raw["callback_id"], raw.get("title", {}).get("text", ""), raw["blocks"], raw["state"]["values"], raw
    )
