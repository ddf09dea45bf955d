"""Reads how long something is wanted, as people write it."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from access.durations import parse_when
from access.errors import InvalidInput


def read_when(text: str, *, now: datetime, zone: ZoneInfo) -> tuple[timedelta | None, datetime | None]:
    """A duration, or an end in UTC. Raises InvalidInput for the field `duration`."""
    try:
        when = parse_when(text, now=now, zone=zone)
    except ValueError as error:
        words = str(error)
        raise InvalidInput("duration", f"{words[:1].upper()}{words[1:]}.") from None
    return (when, None) if isinstance(when, timedelta) else (None, when)
