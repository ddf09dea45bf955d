"""What a command is given: who typed which words, and the way to a modal."""

from dataclasses import dataclass

from access.errors import InvalidInput
from bot.face import Face
from bot.identity import Who


@dataclass(frozen=True)
class Asked:
    face: Face
    who: Who
    words: str
    """What follows the command's own word; for a whole line, everything."""
    trigger_id: str
    """Opens one modal, within three seconds."""


def identifier(asked: Asked, command: str) -> str:
    """The id after a command's word. Raises InvalidInput when there is none, or more than one."""
    words = asked.words.strip("`").split()
    if len(words) != 1:
        raise InvalidInput("id", f"Write one id: /access {command} <id>. /access mine shows yours.")
    return words[0]
