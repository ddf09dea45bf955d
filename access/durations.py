"""Reads the times people write, `90m`, `1h30`, `until 17:00`, and writes durations for people, `1 h 30 min`."""

import re
import unicodedata
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

LONGEST = timedelta(days=366)
_FAR = timedelta(days=999_999)
"""Longer than any policy allows, and still to be added to a moment."""
_PIECES = re.compile(
    r"""
    (?:(?P<days>[0-9]{1,9})\ ?(?:days?|d))?\ ?
    (?:(?P<hours>[0-9]{1,9})\ ?(?:hours?|hrs?|h)(?:(?P<rest>[0-5][0-9])(?=$))?)?\ ?
    (?:(?P<minutes>[0-9]{1,9})\ ?(?:minutes?|mins?|m))?\ ?
    (?:(?P<seconds>[0-9]{1,9})\ ?(?:seconds?|secs?|s))?
    """,
    re.VERBOSE,
)
_WALL_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_LONGEST_TYPED = 200
_EXAMPLES = "like 90s, 90m, 2h, 1h30 or 1d"
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_START = re.compile(r"from (?:(?P<day>[a-z]+|[0-9]{4}-[0-9]{2}-[0-9]{2}) )?(?:at )?(?P<time>\S+)")
STARTS = "from 9:00, from tomorrow 9:00, from monday 9:00 or from 2026-11-27 9:00"


def parse_duration(text: str) -> timedelta:
    """Reads `90s 90m 2h 1h30 1h30m 1d`, `2 hours`. Raises ValueError with a sentence."""
    span = _any_duration(text)
    if span > LONGEST:
        raise ValueError("a duration is at most 366 days")
    return span


def _any_duration(text: str) -> timedelta:
    """However long."""
    plain = _plain(text)
    match = _PIECES.fullmatch(plain)
    if match is None or not plain:
        raise ValueError(f"a duration is written {_EXAMPLES}, not {_quoted(text)}")
    days, hours, rest, minutes, seconds = (int(piece or 0) for piece in match.groups())
    whole = ((days * 24 + hours) * 60 + rest + minutes) * 60 + seconds
    if whole == 0:
        raise ValueError(f"a duration must be longer than nothing, {_EXAMPLES}")
    return timedelta(seconds=min(whole, int(_FAR.total_seconds())))


def parse_wall_time(text: str) -> time:
    """Reads `9:30` and `17:00`. Raises ValueError with a sentence."""
    match = _WALL_TIME.fullmatch(_plain(text))
    if match is None:
        raise ValueError(f"a time of day is written like 9:30 or 17:00, not {_quoted(text)}")
    return time(int(match[1]), int(match[2]))


def parse_when(text: str, *, now: datetime, zone: ZoneInfo) -> timedelta | datetime:
    """How long, or with `until 17:00` until when (UTC). Raises ValueError with a sentence.

    What is too long is refused by the policy, which knows what is not.
    """
    plain = _plain(text)
    if plain.startswith("until "):
        return next_wall_time(parse_wall_time(plain.removeprefix("until ")), now=now, zone=zone)
    if _WALL_TIME.fullmatch(plain):
        return next_wall_time(parse_wall_time(plain), now=now, zone=zone)
    return _any_duration(text)


def parse_start(text: str, *, now: datetime, zone: ZoneInfo) -> datetime:
    """Reads `from 9:00`, `from tomorrow 9:00`, `from monday at 9:00`, `from 2026-11-27 9:00`, as a moment (UTC) ahead.

    Raises ValueError with a sentence.
    """
    match = _START.fullmatch(_plain(text))
    if match is None:
        raise ValueError(f"a start is written {STARTS}, not {_quoted(text)}")
    wanted = parse_wall_time(match["time"])
    if match["day"] is None:
        return next_wall_time(wanted, now=now, zone=zone)
    today = now.astimezone(zone).date()
    moments = [_wall_time_on(day, wanted, zone) for day in _days(match["day"], today)]
    ahead = [moment for moment in moments if moment > now]
    if not ahead:
        raise ValueError(f"{_quoted(text)} has already passed")
    return min(ahead)


def next_wall_time(wanted: time, *, now: datetime, zone: ZoneInfo) -> datetime:
    """The next moment (UTC) at which clocks in `zone` show `wanted`: today, or tomorrow if it has passed.

    Where the clocks go back and show it twice, the next of the two. Where they go forward and skip it on that
    day, ValueError with a sentence: any guess could open a door for longer than was meant.
    """
    local = now.astimezone(zone)
    for day in (local.date(), local.date() + timedelta(days=1)):
        shown = [moment for moment in _moments(day, wanted, zone) if moment.astimezone(zone).time() == wanted]
        if not shown and (day > local.date() or local.time() < wanted):
            raise _skipped(day, wanted)
        ahead = [moment for moment in shown if moment > now]
        if ahead:
            return min(ahead)
    raise AssertionError(f"{wanted} lies neither in today nor in tomorrow after {now}")


def format_duration(span: timedelta) -> str:
    """`14 days`, `1 d 2 h`, `1 h 30 min`, `45 s`; whole seconds, rounded down."""
    seconds = int(span.total_seconds())
    if seconds < 0:
        return f"−{format_duration(-span)}"
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days and not (hours or minutes or seconds):
        return f"{days} day{'' if days == 1 else 's'}"
    pieces = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    return " ".join(f"{count} {unit}" for count, unit in pieces if count) or "0 s"


def typed_duration(span: timedelta) -> str:
    """As people type it, `2h`, `1h30m`, `45s`; whole seconds, rounded down."""
    return re.sub(r" days?| d", "d", format_duration(span)).replace(" min", "m").replace(" ", "")


def _days(named: str, today: date) -> list[date]:
    """The days that may be meant: of a weekday today and a week from today, where it is that weekday today."""
    if named in ("today", "tomorrow"):
        return [today + timedelta(days=named == "tomorrow")]
    weekdays = [index for index, name in enumerate(_WEEKDAYS) if named in (name, name[:3])]
    if weekdays:
        first = today + timedelta(days=(weekdays[0] - today.weekday()) % 7)
        return [first, first + timedelta(days=7)]
    try:
        return [date.fromisoformat(named)]
    except ValueError:
        raise ValueError(f"a start is written {STARTS}; there is no day {_quoted(named)}") from None


def _wall_time_on(day: date, wanted: time, zone: ZoneInfo) -> datetime:
    """The first time that clocks show it on this day. Raises ValueError with a sentence when they skip it."""
    shown = [moment for moment in _moments(day, wanted, zone) if moment.astimezone(zone).time() == wanted]
    if not shown:
        raise _skipped(day, wanted)
    return min(shown)


def _skipped(day: date, wanted: time) -> ValueError:
    return ValueError(f"the clocks skip {wanted:%H:%M} on {day.day} {day:%B}; choose another time")


def _moments(day: date, wanted: time, zone: ZoneInfo) -> list[datetime]:
    return [datetime.combine(day, wanted.replace(fold=fold), zone).astimezone(UTC) for fold in (0, 1)]


def _plain(text: str) -> str:
    """Full-width digits and non-breaking spaces are read as what they look like; empty if it is too long for a time."""
    if len(text) > _LONGEST_TYPED:  # normalising makes eighteen letters of one
        return ""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).strip().lower()


def _quoted(text: str) -> str:
    return f"“{text if len(text) <= 40 else text[:40] + '…'}”"
