"""`countersign digest`: one made now, which a worker tells; or what it would say, on the terminal."""

import re
from collections.abc import Iterator, Sequence
from html import unescape
from typing import Any

from access.messages.digest.make import content_of, make_now, preview
from access.settings import Settings
from bot.views.digest import digest_parts
from bot.views.digest_pieces import Piece
from countersign.wiring import command_parts, readable_core

_DATE = re.compile(r"<!date\^[^|>]*\|([^>]*)>")


def digest_now(settings: Settings) -> str:
    """Makes one and returns what it says. Raises Unready or PolicyError."""
    with command_parts(settings) as made:
        channel = made.core.policy.last_valid().digest.channel
        digest = make_now(made.core)
        said = _as_text(digest_parts(digest, content_of(made.core, digest.id)))
    return f"{said}\n\nDigest {digest.number} is made: a worker of the queue tell posts it to {channel}."


def digest_preview(settings: Settings) -> str:
    """What it would say now; nothing is written. Raises Unready or PolicyError."""
    with readable_core(settings) as core:
        core.policy.last_valid()  # without one, no channel is told, and what it would refuse is not known
        digest, content = preview(core)
    return _as_text(digest_parts(digest, content))


def _as_text(messages: Sequence[Sequence[Piece]]) -> str:
    blocks = (block for pieces in messages for piece in pieces for block in piece.blocks)
    return "\n".join(line for block in blocks for line in _lines(block))


def _lines(block: dict[str, Any]) -> Iterator[str]:
    match block["type"]:
        case "header":
            yield f"\n{block['text']['text']}"
        case "section" if "fields" in block:
            yield from (_plain(field).replace("\n", ": ") for field in block["fields"])
        case "section":
            yield _plain(block["text"])
        case "context":
            yield from (f"  {_plain(element)}" for element in block["elements"])
        case "rich_text":
            for part in block["elements"]:
                sections = part["elements"] if part["type"] == "rich_text_list" else [part]
                mark = "  - " if part["type"] == "rich_text_list" else "\n"
                yield from (mark + "".join(map(_span, section["elements"])) for section in sections)


def _plain(text: dict[str, Any]) -> str:
    """Our own markup, read as Slack would; people's words have none."""
    if text["type"] == "plain_text":
        return text["text"]
    return unescape(_DATE.sub(r"\1", text["text"]).replace("*", "").replace("`", ""))


def _span(span: dict[str, Any]) -> str:
    return span["fallback"] if span["type"] == "date" else span["text"]
