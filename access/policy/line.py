"""Reads what people type after the command: `customers-db/read 2h INC-12 stuck refunds`."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from access.catalog import Entitlement
from access.durations import parse_start, parse_when, typed_duration
from access.errors import InvalidInput
from access.nearest import nearest
from access.policy.line_times import like_a_time, unmarked_start
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
_EXAMPLE_TIME, _EXAMPLE_REASON = timedelta(hours=2), "INC-12 stuck refunds"
_ROLES = re.compile(r"[^\s,]{1,130}(?:\s*,\s*[^\s,/]{1,64}/[^\s,]{1,65}){1,20}")
"""Several at the beginning, with or without spaces beside their commas."""
_SEVERAL = 20
Requestable = Mapping[Entitlement, timedelta]
"""What a person may ask for, each with the longest there is."""
Bundles = Mapping[str, Sequence[Entitlement]]
"""Those of which a person may ask for a part, by their ids."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """What was typed. Whether the policy allows it is not decided yet. Either `duration` or `until` (UTC)."""

    entitlement: Entitlement
    """Of several, the first."""
    duration: timedelta | None
    until: datetime | None
    starts_at: datetime | None = None
    """Not before this; None: at once."""
    reason: str
    """Cleaned."""
    also: tuple[Entitlement, ...] = ()
    """The others, where several or a bundle were named."""
    whom: str = ""
    """Who receives it, as it was typed: `@ben`; empty: who asks."""
    unread: InvalidInput | None = None
    """Why the time or the start cannot be used, with the nearest line that would be right."""


def parse_line(
    text: str, *, requestable: Requestable, now: datetime, zone: ZoneInfo, command: str = "/access",
    bundles: Bundles | None = None,
) -> Line:  # fmt: skip
    """Reads `<resource/role> <time> [from <start>] [for @person] <reason…>`, whatever quotes keyboards put in.

    Raises InvalidInput for the field entitlement, duration or reason, with the nearest line that would be right.
    Only what is `requestable`, by the one who asks, is ever suggested. Several stand with commas between them, or the
    name of one of the `bundles`.
    """
    if len(text) > _LONGEST:
        raise InvalidInput("reason", f"That is longer than {_LONGEST} characters. Say why in fewer words.")
    first, rest = _first(clean(text).text)
    (entitlement, *also), shown = _several(first, rest, requestable, command, bundles or {})
    asks = f"{command} {shown}"
    example_time = _example_time(min(filter(None, map(requestable.get, [entitlement, *also]))))
    if not rest:
        raise InvalidInput("duration", f"Say for how long and why: {asks} {example_time} {_EXAMPLE_REASON}")
    try:
        when, typed, reason = _time(rest, now, zone)
    except ValueError as error:
        whom, reason = _whom(_after(like_a_time(rest.translate(_QUOTES)), rest))
        example = f"{asks} {example_time} {_echo(reason) or _EXAMPLE_REASON}"
        sentence = f"The time after {shown} can't be used: {error}. For example: {example}"
        return _unread([entitlement, *also], reason, whom, InvalidInput("duration", sentence))
    whom, reason = _whom(reason)
    try:
        starts_at, typed_start, reason = _start(reason, now, zone)
        if starts_at is not None and isinstance(when, datetime):
            when = parse_when(typed.translate(_QUOTES), now=starts_at, zone=zone)
        if not whom:
            whom, reason = _whom(reason)
        meant = None if starts_at is not None else unmarked_start(reason.translate(_QUOTES), now, zone)
    except ValueError as error:
        example = f"{asks} {typed} from tomorrow 9:00 {_EXAMPLE_REASON}"
        sentence = f"The start can't be used: {error}. For example: {example}"
        return _unread([entitlement, *also], reason, whom, InvalidInput("start", sentence))
    if meant is not None:
        reason = _after(meant.typed, reason)
        example = f"{asks} {typed} {meant.right} {_echo(reason) or _EXAMPLE_REASON}"
        sentence = (
            f"“{meant.typed}” would be part of the reason, and the access would open at once. To begin then: {example}."
            " If it belongs to the reason, begin the reason with another word."
        )
        return _unread([entitlement, *also], reason, whom, InvalidInput("start", sentence))
    if not reason:
        typed = " ".join(filter(None, (typed, typed_start, whom and f"for {whom}")))
        raise InvalidInput("reason", f"Say why, after the time: {asks} {typed} {_EXAMPLE_REASON}")
    return Line(
        entitlement=entitlement,
        duration=when if isinstance(when, timedelta) else None,
        until=when if isinstance(when, datetime) else None,
        starts_at=starts_at,
        reason=reason,
        also=tuple(also),
        whom=whom,
    )


def _unread(asked: Sequence[Entitlement], reason: str, whom: str, unread: InvalidInput) -> Line:
    """Not raised: what else is wrong, such as the reason, is told at the same time."""
    return Line(
        entitlement=asked[0], also=tuple(asked[1:]), duration=None, until=None, reason=reason, whom=whom, unread=unread
    )


def _first(text: str) -> tuple[str, str]:
    several = _ROLES.match(text)
    if several is None:
        return _cut(text, 1)
    return "".join(several[0].split()), text[several.end() :].strip()


def _several(
    typed: str, rest: str, requestable: Requestable, command: str, bundles: Bundles
) -> tuple[list[Entitlement], str]:
    """What is asked for, and how a line that would be right names it."""
    bundle = typed.translate(_QUOTES).casefold()
    if bundle in bundles:
        return [*bundles[bundle]], bundle
    words = [word for word in typed.split(",") if word.translate(_QUOTES)] or [typed]
    found = [_entitlement(word, rest, requestable, command) for word in words[:_SEVERAL]]
    return [*dict.fromkeys(found)], ",".join(map(str, dict.fromkeys(found)))


def _entitlement(typed: str, rest: str, requestable: Requestable, command: str) -> Entitlement:
    commands = "" if "/" in typed else f" {command} help shows every command."
    if not requestable:
        sentence = "There is nothing that you may ask for. The security team can change that."
        raise InvalidInput("entitlement", f"{sentence}{commands}")
    by_name = {str(one): one for one in sorted(requestable, key=lambda one: (one.resource, one.role))}
    if not typed:
        example = _example(command, next(iter(by_name)), by_name, requestable)
        raise InvalidInput("entitlement", f"Write {command} <resource/role> <time> <reason>. For example: {example}")
    wanted = typed.translate(_QUOTES)
    # A telephone's keyboard begins a line with a capital letter.
    same = [name for name in by_name if name.casefold() == wanted.casefold()]
    if wanted in by_name or len(same) == 1:
        return by_name.get(wanted) or by_name[same[0]]
    roles = [name for name, one in by_name.items() if one.resource.casefold() == wanted.casefold()]
    if roles:
        example = _example(command, roles[0], by_name, requestable, rest)
        sentence = (
            f"Say which role on {by_name[roles[0]].resource} you need: {_named(roles, 'or')}. For example: {example}"
        )
        raise InvalidInput("entitlement", sentence)
    suggestion = nearest(wanted, by_name)
    if suggestion:
        line = _example(command, suggestion, by_name, requestable, rest)
        raise InvalidInput("entitlement", f"I don't know {_echo(wanted)}; did you mean {line}?")
    sentence = f"I don't know {_echo(wanted)}; you may ask for {_named(by_name, 'and')}."
    raise InvalidInput("entitlement", f"{sentence}{commands}")


def _example(
    command: str, name: str, by_name: Mapping[str, Entitlement], requestable: Requestable, rest: str = ""
) -> str:  # fmt: skip
    """A line that would be right, with what was typed of it."""
    return f"{command} {name} {_echo(rest) or f'{_example_time(requestable[by_name[name]])} {_EXAMPLE_REASON}'}"


def _example_time(longest: timedelta) -> str:
    """One that would be allowed."""
    return typed_duration(min(_EXAMPLE_TIME, longest))


def _named(names: Iterable[str], last: str) -> str:
    first, more = [*names][:_NAMED], len([*names]) - _NAMED
    if more > 0:
        return f"{', '.join(first)} and {more} more"
    *others, end = first
    return f"{', '.join(others)} {last} {end}" if others else end


def _time(rest: str, now: datetime, zone: ZoneInfo) -> tuple[timedelta | datetime, str, str]:
    """The time at the beginning, as read and as typed, and what follows it. Raises ValueError with a sentence."""
    for count in range(_WORDS_OF_A_TIME, 0, -1):
        typed, reason = _cut(rest, count)
        try:
            return parse_when(typed.translate(_QUOTES), now=now, zone=zone), typed, reason
        except ValueError:
            continue
    typed = like_a_time(rest.translate(_QUOTES)) or _cut(rest, 1)[0]
    return parse_when(typed.translate(_QUOTES), now=now, zone=zone), typed, _after(typed, rest)


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


def _whom(rest: str) -> tuple[str, str]:
    """`@ben` of `for @ben`, and what follows it; a reason may begin with `for` too, and then names no account."""
    typed, after = _cut(rest, 2)
    word, _, name = typed.translate(_QUOTES).partition(" ")
    name = name.strip().rstrip(",;:")
    return (name, after) if word.lower() == "for" and len(name) > 1 and name.startswith("@") else ("", rest)


def _begins(text: str, word: str) -> bool:
    return text[:_ECHOED].translate(_QUOTES).lower().startswith(word)


def _cut(text: str, count: int) -> tuple[str, str]:
    """The first so many words as they stand, and the rest."""
    words = list(islice(_WORD.finditer(text), count))
    end = words[-1].end() if words else 0
    return text[:end].strip(), text[end:].strip()


def _after(typed: str, text: str) -> str:
    """What follows these words, which it begins with; quotes do not count."""
    return _cut(text, len(typed.split()))[1]


def _echo(text: str) -> str:
    return text if len(text) <= _ECHOED else text[:_ECHOED].rstrip() + "…"
