"""Times that people write otherwise than they are read: seen, so that what was meant can be suggested."""

import re
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from access.durations import parse_start

_UNITS = "seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w|months?|years?|y"
_LIKE_A_TIME = re.compile(
    rf"until\s{{1,9}}\S+|[-+~]?[0-9][0-9.,]{{0,9}}\s?(?:{_UNITS})[0-9]{{0,9}}(?!\S)"
    rf"(?:\s[0-9]{{1,9}}\s?(?:{_UNITS})(?!\S)){{0,3}}|[0-9]{{1,9}}[.,:][0-9]{{1,9}}(?!\S)",
    re.IGNORECASE,
)
_DAYS = (
    "today|tomorrow|monday|tuesday|wednesday|thursday|friday|saturday|sunday|mon|tue|wed|thu|fri|sat|sun|"
    "[0-9]{4}-[0-9]{2}-[0-9]{2}"
)
_UNMARKED = re.compile(
    rf"(?P<mark>(?:at|on|starting|beginning|start|begin)\s)?(?:(?P<day>{_DAYS})\s)?(?P<at>at\s)?"
    r"(?P<hour>[0-9]{1,2})(?:(?P<between>[:.])(?P<minute>[0-9]{2}))?(?:\s?(?P<half>am|pm))?(?=[\s,;]|$)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class UnmarkedStart:
    """A start without its `from`, and how it is written right."""

    typed: str
    right: str


def like_a_time(text: str) -> str:
    """What stands at the beginning and was meant as a time, whether it can be one or not; empty if nothing was."""
    match = _LIKE_A_TIME.match(text)
    return match[0] if match else ""


def unmarked_start(text: str, now: datetime, zone: ZoneInfo) -> UnmarkedStart | None:
    """What a reason begins with, where it was meant as a start: `at 9:00`, `tomorrow 9:00`, `on monday at 9am`, `9:00`.

    Raises ValueError with a sentence where it is one for certain, and cannot be used.
    """
    match = _UNMARKED.match(text)
    if match is None or not (match["minute"] or match["half"]):
        return None
    marked = bool(match["mark"] or match["day"] or match["at"])
    if match["between"] == "." and not marked:
        return None  # such as a sum of money
    hour = int(match["hour"])
    if match["half"]:
        hour = hour % 12 + (12 if match["half"].lower() == "pm" else 0)
    day = f"{match['day'].lower()} " if match["day"] else ""
    right = f"from {day}{hour}:{match['minute'] or '00'}"
    try:
        parse_start(right, now=now, zone=zone)
    except ValueError:
        if not marked:
            return None  # such as a number of an error
        raise
    return UnmarkedStart(typed=match[0], right=right)
