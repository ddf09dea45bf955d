"""Emoji as Slack keeps them: by name, also those that were sent as characters."""

import re
from pathlib import Path

_PAGE = Path(__file__).parent / "page" / "emoji.js"
NAMES = {character: name for name, character in re.findall(r'(\w+): "([^"]+)"', _PAGE.read_text(encoding="utf-8"))}
"""The few that the page draws, by their characters; any other stays as it is."""
_SENT = re.compile("|".join(sorted(map(re.escape, NAMES), reverse=True)))


def named(text: str) -> str:
    """The text as it is kept: `:lock:` in the place of the character."""
    return _SENT.sub(lambda found: f":{NAMES[found[0]]}:", text)
