"""Reads how long something is wanted, as people write it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from access.durations import parse_when
from access.errors import InvalidInput


@dataclass(frozen=True)
class When:
    """A duration, or an end in UTC; or why neither could be read."""

    duration: timedelta | None = None
    until: datetime | None = None
    unread: InvalidInput | None = None


def read_when(text: str, *, now: datetime, zone: ZoneInfo) -> When:
    """Raises nothing: what else is wrong in the same form is told at the same time."""
    try:
        when = parse_when(text, now=now, zone=zone)
    except ValueError as error:
        words = str(error)
        return When(unread=InvalidInput("duration", f"{words[:1].upper()}{words[1:]}."))
    return When(duration=when) if isinstance(when, timedelta) else When(until=when)
