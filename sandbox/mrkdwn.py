"""Reads mrkdwn as Slack reads it, and says what comes alive in a text: mentions, links, dates, emoji, formatting.

Control sequences are found first and entities decoded last, so that an escaped `<!channel>` stays words. What Slack
parses by itself unless a text is verbatim (`@here`, `@ann`, `#general`, bare addresses) is alive, because there it
would be. Code stops formatting, not control sequences. The page's mrkdwn.js draws the same; a test holds them together.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal[
    "person",
    "channel",
    "group",
    "broadcast",
    "link",
    "date",
    "emoji",
    "bold",
    "italic",
    "strike",
    "code",
    "preformatted",
    "quote",
]

_CONTROL = re.compile(r"<[^<>\n]+>")
_CODE = re.compile(r"`[^`\n]+`")
_QUOTE = re.compile(r"(?:>|&gt;) ?(.*)", re.DOTALL)
_EMPHASIS = re.compile(r"""(^|[\s(\[{"'.,:;!?\uE001-])([*_~])(?=\S)(.*?\S)\2(?=$|[\s)\]}"'.,:;!?\uE000-])""")
_KEPT = re.compile(r"\uE000(\d+)\uE001")
_AUTO = re.compile(
    r"(?P<link>https?://[^\s<>|]*[^\s<>|.,;:!?)]|\bwww\.[^\s<>|]*[^\s<>|.,;:!?)]|\b[\w.+-]+@[\w-]+\.[\w.-]*\w)"
    r"|(?P<broadcast>@(?:here|channel|everyone)\b)"
    r"|(?P<person>@[a-z0-9][a-z0-9._-]*)"
    r"|(?P<channel>\#[a-z0-9_-]+)",
    re.ASCII,
)
_EMOJI = re.compile(r":(?:[a-z0-9_+-]*[a-z][a-z0-9_+-]*|100|1234|[+-]1):")
_FORMATS: dict[str, Kind] = {"*": "bold", "_": "italic", "~": "strike"}


@dataclass(frozen=True)
class Live:
    """One thing that is more than words: its kind, and what it points at or holds (an id, an address, the text)."""

    kind: Kind
    target: str


@dataclass(frozen=True)
class Names:
    """The names that exist in a workspace; others stay words."""

    people: frozenset[str]
    channels: frozenset[str]


@dataclass
class _Reading:
    auto_parse: bool
    names: Names | None
    kept: list[str] = field(default_factory=list)

    def keep(self, source: str) -> str:
        self.kept.append(source)
        return f"\ue000{len(self.kept) - 1}\ue001"


def alive(text: str, *, verbatim: bool = False, names: Names | None = None) -> list[Live]:
    """What comes alive in a mrkdwn text, in reading order; without `names` every `@name` and `#name` is known."""
    reading = _Reading(not verbatim, names)
    clean = re.sub(r"[\ue000\ue001]", "", text)
    kept = _CONTROL.sub(lambda found: reading.keep(found[0]), clean)
    return list(_fences(kept, reading))


def emoji_in(text: str) -> list[Live]:
    """The emoji names in a plain text, which are drawn as emoji unless `emoji` is false."""
    return [Live("emoji", found[0]) for found in _EMOJI.finditer(text)]


def decode(text: str) -> str:
    """The words behind the three entities of Slack."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _fences(text: str, reading: _Reading) -> Iterator[Live]:
    parts = text.split("```")
    for index, part in enumerate(parts):
        if index % 2 == 1 and index < len(parts) - 1:
            yield Live("preformatted", _words(part.removeprefix("\n"), reading))
            yield from _controls(part, reading)
        elif index % 2 == 1:
            yield from _lines("```" + part, reading)
        else:
            yield from _lines(part.removeprefix("\n") if index else part, reading)


def _lines(text: str, reading: _Reading) -> Iterator[Live]:
    quoting = False
    for line in text.split("\n"):
        quoted = _QUOTE.fullmatch(line)
        if quoted and not quoting:
            yield Live("quote", _words(quoted[1], reading))
        quoting = quoted is not None
        yield from _inline(quoted[1] if quoted else line, reading)


def _inline(text: str, reading: _Reading) -> Iterator[Live]:
    yield from _emphasis(_CODE.sub(lambda found: reading.keep(found[0]), text), reading)


def _emphasis(text: str, reading: _Reading) -> Iterator[Live]:
    found = _EMPHASIS.search(text)
    if not found:
        yield from _leaves(text, reading)
        return
    yield from _leaves(text[: found.end(1)], reading)
    yield Live(_FORMATS[found[2]], _words(found[3], reading))
    yield from _emphasis(found[3], reading)
    yield from _emphasis(text[found.end() :], reading)


def _leaves(text: str, reading: _Reading) -> Iterator[Live]:
    for index, piece in enumerate(_KEPT.split(text)):
        if index % 2 == 0:
            yield from _auto(piece, reading)
            continue
        kept = reading.kept[int(piece)]
        if kept.startswith("`"):
            yield Live("code", _words(kept[1:-1], reading))
            yield from _controls(kept, reading)
        else:
            yield from _control(kept)


def _controls(text: str, reading: _Reading) -> Iterator[Live]:
    """The control sequences that stand in code, which does not stop them."""
    for found in _KEPT.finditer(text):
        yield from _control(reading.kept[int(found[1])])


def _control(whole: str) -> Iterator[Live]:
    target, _, _ = whole[1:-1].partition("|")
    if re.fullmatch(r"!(here|channel|everyone)", target):
        yield Live("broadcast", target[1:])
    elif re.match(r"@[UW]", target):
        yield Live("person", target[1:])
    elif re.match(r"#[CGD]", target):
        yield Live("channel", target[1:])
    elif target.startswith("!subteam^"):
        yield Live("group", target[9:])
    elif re.match(r"!date\^[0-9]+\^.", target):
        address = target.split("^")[3:4]
        if address and _leads_out(address[0]):
            yield Live("link", decode(address[0]))
        yield Live("date", target[6:])
    elif _leads_out(target):
        yield Live("link", decode(target))


def _leads_out(address: str) -> bool:
    return bool(re.match(r"(https?:|mailto:)", address, re.IGNORECASE))


def _auto(text: str, reading: _Reading) -> Iterator[Live]:
    if not reading.auto_parse:
        yield from emoji_in(decode(text))
        return
    start = 0
    for found in _AUTO.finditer(text):
        live = _named(found, reading.names)
        if live is None:
            continue
        yield from emoji_in(decode(text[start : found.start()]))
        yield live
        start = found.end()
    yield from emoji_in(decode(text[start:]))


def _named(found: re.Match[str], names: Names | None) -> Live | None:
    if found["link"]:
        return Live("link", decode(found["link"]))
    if found["broadcast"]:
        return Live("broadcast", found["broadcast"][1:])
    if found["person"]:
        name = found["person"][1:]
        return Live("person", name) if names is None or name in names.people else None
    name = found["channel"][1:]
    return Live("channel", name) if names is None or name in names.channels else None


def _words(text: str, reading: _Reading) -> str:
    """The text with what was kept aside put back, and its entities decoded."""
    return decode(_KEPT.sub(lambda found: _words(reading.kept[int(found[1])], reading), text))
