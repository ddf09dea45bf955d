"""Reads what people type after the command: `customers-db/read 2h INC-12 stuck refunds`."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from operator import attrgetter
from zoneinfo import ZoneInfo

from access.catalog import Entitlement
from access.durations import parse_start, parse_when
from access.errors import InvalidInput
from access.nearest import nearest
from access.words import clean

_QUOTES = str.maketrans("", "", "\"'`“”„‟‘’‚‛«»‹›")
_WORD = re.compile(r"\S+")
_WORDS_OF_A_TIME = 8
"""`1 day 2 hours 30 minutes 10 seconds`."""
_WORDS_OF_A_START = 4
"""`from tomorrow at 9:00`."""
_TIME_OF_DAY = re.compile(r"[0-9]:[0-9]")
_ECHOED = 150
"""So many characters of what was typed are repeated in a suggestion."""
_LONGEST = 4000
"""As long as a message of Slack may be; to clean more of it takes long."""
_NAMED = 5
_EXAMPLE_TIME, _EXAMPLE_REASON = "2h", "INC-12 stuck refunds"


@dataclass(frozen=True, kw_only=True)
class Line:
    """What was typed. Whether the policy allows it is not decided yet. Either `duration` or `until` (UTC)."""

    entitlement: Entitlement
    duration: timedelta | None
    until: datetime | None
    starts_at: datetime | None = None
    """Not before this; None: at once."""
    reason: str
    """Cleaned."""


def parse_line(
    text: str, *, requestable: Iterable[Entitlement], now: datetime, zone: ZoneInfo, command: str = "/access"
) -> Line:
    """Reads `<resource/role> <time> [from <start>] <reason…>`, tolerant of the quotes and spaces that keyboards put in.

    Raises InvalidInput for the field entitlement, duration, start or reason, with the nearest line that would be right.
    Only what is `requestable`, by the one who asks, is ever suggested.
    """
    if len(text) > _LONGEST:
        raise InvalidInput("reason", f"That is longer than {_LONGEST} characters. Say why in fewer words.")
    first, rest = _cut(clean(text).text, 1)
    entitlement = _entitlement(first, rest, sorted(requestable, key=attrgetter("resource", "role")), command)
    if not rest:
        example = f"{command} {entitlement} {_EXAMPLE_TIME} {_EXAMPLE_REASON}"
        raise InvalidInput("duration", f"Say for how long and why: {example}")
    try:
        when, typed, reason = _time(rest, now, zone)
    except ValueError as error:
        example = f"{command} {entitlement} {_EXAMPLE_TIME} {_echo(rest)}"
        sentence = f"The time after {entitlement} can't be used: {error}. For example: {example}"
        raise InvalidInput("duration", sentence) from None
    try:
        starts_at, typed_start, reason = _start(reason, now, zone)
        if starts_at is not None and isinstance(when, datetime):
            when = parse_when(typed.translate(_QUOTES), now=starts_at, zone=zone)
    except ValueError as error:
        example = f"{command} {entitlement} {typed} from tomorrow 9:00 {_EXAMPLE_REASON}"
        raise InvalidInput("start", f"The start can't be used: {error}. For example: {example}") from None
    typed = f"{typed} {typed_start}".strip()
    if not reason:
        raise InvalidInput("reason", f"Say why, after the time: {command} {entitlement} {typed} {_EXAMPLE_REASON}")
    return Line(
        entitlement=entitlement,
        duration=when if isinstance(when, timedelta) else None,
        until=when if isinstance(when, datetime) else None,
        starts_at=starts_at,
        reason=reason,
    )


def _entitlement(typed: str, rest: str, requestable: list[Entitlement], command: str) -> Entitlement:
    if not requestable:
        raise InvalidInput("entitlement", "There is nothing that you may ask for. The security team can change that.")
    by_name = {str(entitlement): entitlement for entitlement in requestable}
    if not typed:
        example = f"{command} {next(iter(by_name))} {_EXAMPLE_TIME} {_EXAMPLE_REASON}"
        raise InvalidInput("entitlement", f"Write {command} <resource/role> <time> <reason>. For example: {example}")
    wanted = typed.translate(_QUOTES)
    # A telephone's keyboard begins a line with a capital letter.
    same = [name for name in by_name if name.casefold() == wanted.casefold()]
    if wanted in by_name or len(same) == 1:
        return by_name.get(wanted) or by_name[same[0]]
    suggestion = nearest(wanted, by_name)
    if suggestion:
        line = f"{command} {suggestion} {_echo(rest) or f'{_EXAMPLE_TIME} {_EXAMPLE_REASON}'}"
        raise InvalidInput("entitlement", f"I don't know {_echo(wanted)}; did you mean {line}?")
    names = ", ".join([*by_name][:_NAMED]) + (f" and {len(by_name) - _NAMED} more" if len(by_name) > _NAMED else "")
    raise InvalidInput("entitlement", f"I don't know {_echo(wanted)}; you may ask for {names}.")


def _time(rest: str, now: datetime, zone: ZoneInfo) -> tuple[timedelta | datetime, str, str]:
    """The time at the beginning, as read and as typed, and what follows it. Raises ValueError with a sentence."""
    for count in range(_WORDS_OF_A_TIME, 0, -1):
        typed, reason = _cut(rest, count)
        try:
            return parse_when(typed.translate(_QUOTES), now=now, zone=zone), typed, reason
        except ValueError:
            continue
    begins_with_until = _begins(rest, "until ")
    typed, reason = _cut(rest, 2 if begins_with_until else 1)
    return parse_when(typed.translate(_QUOTES), now=now, zone=zone), typed, reason


def _start(rest: str, now: datetime, zone: ZoneInfo) -> tuple[datetime | None, str, str]:
    """The start after the time, if there is one, as read and as typed, and what follows it.

    A reason may begin with `from` too: it is taken for a start only where a time of day stands near. Raises ValueError.
    """
    if not _begins(rest, "from "):
        return None, "", rest
    for count in range(_WORDS_OF_A_START, 1, -1):
        typed, reason = _cut(rest, count)
        try:
            return parse_start(typed.translate(_QUOTES), now=now, zone=zone), typed, reason
        except ValueError:
            continue
    for count in range(2, _WORDS_OF_A_START + 1):
        typed, _ = _cut(rest, count)
        if _TIME_OF_DAY.search(typed):
            parse_start(typed.translate(_QUOTES), now=now, zone=zone)
    return None, "", rest


def _begins(text: str, word: str) -> bool:
    return text[:_ECHOED].translate(_QUOTES).lower().startswith(word)


def _cut(text: str, count: int) -> tuple[str, str]:
    """The first so many words as they stand, and the rest."""
    words = list(islice(_WORD.finditer(text), count))
    end = words[-1].end() if words else 0
    return text[:end].strip(), text[end:].strip()


def _echo(text: str) -> str:
    return text if len(text) <= _ECHOED else text[:_ECHOED].rstrip() + "…"
