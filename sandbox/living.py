"""What comes alive on a whole surface: a message, a modal or a Home tab, as Slack would read each of its texts."""

from collections.abc import Iterator
from typing import Any

from sandbox.mrkdwn import Kind, Live, Names, alive, emoji_in

_SPANS: dict[str, tuple[Kind, str]] = {
    "user": ("person", "user_id"),
    "channel": ("channel", "channel_id"),
    "usergroup": ("group", "usergroup_id"),
    "broadcast": ("broadcast", "range"),
    "link": ("link", "url"),
    "emoji": ("emoji", "name"),
    "date": ("date", "timestamp"),
}
_STYLES: dict[str, Kind] = {"bold": "bold", "italic": "italic", "strike": "strike", "code": "code"}


def living(surface: Any, *, auto_parse: bool = False, names: Names | None = None) -> list[Live]:
    """What comes alive in a message (`text`, `blocks`), a view, or bare blocks, in the order it stands there.

    `auto_parse` says how a message's own text is read: as with `parse` or `link_names`, and as `chat.update` does
    unless told `parse="none"`. A test that lets a person write anything compares this with what harmless words give.
    """
    found: list[Live] = []
    if (
        isinstance(surface, dict)
        and isinstance(surface.get("text"), str)
        and surface.get("type", "message") == "message"
    ):
        found += alive(surface["text"], verbatim=not auto_parse, names=names)
    return found + list(_living(surface, names))


def living_on(message: dict[str, Any], *, names: Names | None = None) -> list[Live]:
    """The same for a message as a door shows it (`Message.raw`), read in the way it was posted."""
    text = alive(message["text"], verbatim=not message["auto_parse"], names=names)
    return text + list(_living(message.get("blocks", []), names))


def _living(node: Any, names: Names | None) -> Iterator[Live]:
    if isinstance(node, list):
        for each in node:
            yield from _living(each, names)
        return
    if not isinstance(node, dict):
        return
    match node.get("type"):
        case "mrkdwn":
            yield from alive(node["text"], verbatim=node.get("verbatim", False), names=names)
        case "plain_text":
            yield from emoji_in(node["text"]) if node.get("emoji", True) else ()
        case "markdown":
            yield from alive(node["text"], names=names)
        case kind if kind in _SPANS or kind == "text":
            yield from _span(node)
        case _:
            for each in node.values():
                yield from _living(each, names)


def _span(span: dict[str, Any]) -> Iterator[Live]:
    for style, kind in _STYLES.items():
        if span.get("style", {}).get(style):
            yield Live(kind, str(span.get("text", "")))
    if span["type"] in _SPANS:
        kind, key = _SPANS[span["type"]]
        yield Live(kind, str(span[key]))
