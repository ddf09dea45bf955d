"""What a command is given: who typed which words, and the way to a modal."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from access.errors import InvalidInput
from access.ids import SlackUser
from bot.identity import Who
from bot.slack_context import SlackContext


@dataclass(frozen=True)
class Invocation:
    slack: SlackContext
    who: Who
    words: str
    """What follows the command's own word; for a whole line, everything."""
    trigger_id: str
    """Opens one modal, within three seconds."""
    mentions: Mapping[str, SlackUser] = field(default_factory=dict[str, SlackUser])
    """The accounts that Slack marked in it, by how they stand in `words`: `@ben`."""
    mentioned: SlackUser | None = None
    """The account of the person who is mentioned in it."""


def identifier(invocation: Invocation, command: str, shown: str = "/access mine shows yours.") -> str:
    """The id after a command's word, without the quotes it was copied with; empty for the only one there is.

    Raises InvalidInput where there is more than one word. `shown`: where ids are to be found.
    """
    words = invocation.words.split()
    if len(words) > 1:
        raise InvalidInput("id", f"Write one id: /access {command} <id>. {shown}")
    return words[0].strip("`'\"“”‘’.,") if words else ""
