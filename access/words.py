"""Cleans what people write, so that what an approver sees is all there is; and says counts as people do."""

import re
import unicodedata
from dataclasses import dataclass

_LINE_ENDS = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0d\uffa0\U000e0100-\U000e01ef]")
"""Letters and marks that draw nothing. The two selectors of emoji style, U+FE0E and U+FE0F, stay."""
_REMOVED_CATEGORIES = frozenset({"Cc", "Cf", "Cs"})
"""Controls; format characters, which are the bidirectional controls, zero-width ones and tags; lone surrogates."""
_SLACK = re.compile(r"&(amp|lt|gt);|<([^<>]*)>")
_MENTION = re.compile(r"<@([A-Z0-9]+)(?:\|[^<>]*)?>")
_CHARACTERS = {"amp": "&", "lt": "<", "gt": ">"}


@dataclass(frozen=True)
class Cleaned:
    text: str
    unusual: bool
    """Characters were taken out that nobody can see: hidden, or changing the direction of the text."""


def clean(text: str) -> Cleaned:
    """NFC, one kind of space and line end, no control, bidirectional or invisible characters, at most one empty line.

    Cleaning twice is cleaning once. Lengths are counted in what this returns.
    """
    spaced = "".join(map(_plain_space, _LINE_ENDS.sub("\n", text)))
    kept = _INVISIBLE.sub("", "".join(character for character in spaced if _visible(character)))
    lines = unicodedata.normalize("NFC", kept).split("\n")
    joined = "\n".join(line.rstrip(" ") for line in lines).strip(" \n")
    return Cleaned(text=re.sub(r"\n{3,}", "\n\n", joined), unusual=kept != spaced)


def counted(number: int, one: str, many: str) -> str:
    """`1 person`, `2 people`."""
    return f"{number:,} {one if number == 1 else many}"


def from_slack(text: str) -> str:
    """What a person typed after a slash command, out of Slack's escaped form.

    Only for text that Slack escapes (a command with `should_escape`); what a form hands over is not escaped.
    Mentions and channels become `@name` and `#name`, a link its address and never its label.
    """
    return _SLACK.sub(_readable, text)


def mentioned(text: str) -> str | None:
    """The id of who is mentioned first in what a person typed after a slash command, in Slack's escaped form."""
    found = _MENTION.search(text)
    return found[1] if found else None


def mentions(text: str) -> dict[str, str]:
    """The ids of all who are mentioned, by how `from_slack` reads them; without a name that means two of them."""
    found: dict[str, set[str]] = {}
    for match in _MENTION.finditer(text):
        found.setdefault(from_slack(match[0]), set()).add(match[1])
    return {name: ids.pop() for name, ids in found.items() if len(ids) == 1}


def _plain_space(character: str) -> str:
    return " " if character == "\t" or unicodedata.category(character) == "Zs" else character


def _visible(character: str) -> bool:
    return character == "\n" or unicodedata.category(character) not in _REMOVED_CATEGORIES


def _readable(match: re.Match[str]) -> str:
    if match[1]:
        return _CHARACTERS[match[1]]
    inside, _, label = match[2].partition("|")
    kind, name = inside[:1], label or inside[1:].partition("^")[2] or inside[1:]
    if kind in ("@", "#"):
        return kind + name
    if kind == "!":
        return "@" + name.lstrip("@")
    # One pass over the text: what is escaped inside a link is read here or not at all.
    return re.sub(r"&(amp|lt|gt);", lambda escaped: _CHARACTERS[escaped[1]], inside)
