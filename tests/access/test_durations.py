"""Times are read as people write them, and mean the same on the days when the clocks change."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from access.durations import (
    LONGEST,
    format_duration,
    next_wall_time,
    parse_duration,
    parse_wall_time,
    parse_when,
)

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
ZONES = [
    ZoneInfo(name) for name in ("UTC", "Europe/Amsterdam", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")
]
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
EXAMPLES = "like 90s, 90m, 2h, 1h30 or 1d"

WRITTEN = [
    ("90s", 90), ("90m", 5400), ("2h", 7200), ("1h30", 5400), ("1h30m", 5400), ("1d", 86400), ("2 hours", 7200),
    ("1 hour", 3600), ("1h 30m", 5400), ("1 h 30 min", 5400), ("45 s", 45), ("1d 2h", 93600), ("1d2h3m4s", 93784),
    ("2H", 7200), (" 2h ", 7200), ("2\u00a0h", 7200), ("２ｈ", 7200), ("10 minutes", 600), ("10mins", 600),
    ("30 secs", 30), ("2hrs", 7200), ("3 days", 259200), ("90 minutes", 5400), ("0h30", 1800), ("366d", 31622400),
]  # fmt: skip


@pytest.mark.parametrize(("text", "seconds"), WRITTEN)
def test_a_duration_is_read_as_it_is_written(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


UNREADABLE = [
    *((text, f"a duration is written {EXAMPLES}, not “{text}”") for text in (
        "", "2", "h", "2 parsecs", "-2h", "+2h", "1.5h", "1,5h", "1h90", "1h5", "1h 30", "30m1h", "2h2h", "2h;", "٢h",
        "1e3s", "2h\u202e", "22:22", "1d12", "2h30m10", "9999999999s",
    )),
    *((text, f"a duration must be longer than nothing, {EXAMPLES}") for text in ("0h", "0s", "0h00", "0d0h")),
    *((text, "a duration is at most 366 days") for text in ("367d", "999999999d", "366d1s")),
    ("x" * 1000, f"a duration is written {EXAMPLES}, not “{'x' * 40}…”"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "sentence"), UNREADABLE)
def test_what_is_no_duration_is_refused_with_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match="duration") as refused:
        parse_duration(text)
    assert str(refused.value) == sentence


@given(st.timedeltas(min_value=timedelta(seconds=1), max_value=LONGEST))
def test_what_is_shown_can_be_typed(span: timedelta) -> None:
    whole = timedelta(seconds=int(span.total_seconds()))
    assert parse_duration(format_duration(span)) == whole


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (5400, "1 h 30 min"),
        (45, "45 s"),
        (0, "0 s"),
        (0.4, "0 s"),
        (93784, "1 d 2 h 3 min 4 s"),
        (-60, "−1 min"),
        (86_400, "1 day"),
        (14 * 86_400, "14 days"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_duration_is_shown_for_people(seconds: float, text: str) -> None:
    assert format_duration(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize("text", ["24:00", "9", "17:60", "9:3", "17.00", "5pm", "-1:00", "", "17:00:00", "٩:٣٠"])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a time of day is written like 9:30 or 17:00"):
        parse_wall_time(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("until 17:00", datetime(2026, 3, 2, 16, 0, tzinfo=UTC)),
        ("UNTIL  17:00", datetime(2026, 3, 2, 16, 0, tzinfo=UTC)),
        ("17:00", datetime(2026, 3, 2, 16, 0, tzinfo=UTC)),
        ("until 9:30", datetime(2026, 3, 3, 8, 30, tzinfo=UTC)),
        ("until 11:00", datetime(2026, 3, 3, 10, 0, tzinfo=UTC)),
        ("until 11:01", datetime(2026, 3, 2, 10, 1, tzinfo=UTC)),
        ("2h", timedelta(hours=2)),
    ],
)
def test_until_is_the_next_time_the_clocks_of_the_person_show_it(text: str, expected: datetime | timedelta) -> None:
    assert parse_when(text, now=NOW, zone=AMSTERDAM) == expected


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


CLOCKS_CHANGE = [
    # 29 March 2026: from 02:00+01:00 to 03:00+02:00
    ("2026-03-29T01:30+01:00", time(3, 0), "2026-03-29T03:00+02:00"),
    ("2026-03-29T01:30+01:00", time(1, 59), "2026-03-29T01:59+01:00"),
    ("2026-03-29T03:10+02:00", time(2, 30), "2026-03-30T02:30+02:00"),
    ("2026-03-28T12:00+01:00", time(12, 0), "2026-03-29T12:00+02:00"),
    # 25 October 2026: from 03:00+02:00 back to 02:00+01:00
    ("2026-10-25T01:30+02:00", time(2, 30), "2026-10-25T02:30+02:00"),
    ("2026-10-25T02:30+02:00", time(2, 30), "2026-10-25T02:30+01:00"),
    ("2026-10-25T02:10+01:00", time(2, 30), "2026-10-25T02:30+01:00"),
    ("2026-10-25T02:40+01:00", time(2, 30), "2026-10-26T02:30+01:00"),
]


@pytest.mark.parametrize(("now", "wanted", "expected"), CLOCKS_CHANGE)
def test_until_is_right_on_the_days_when_the_clocks_change(now: str, wanted: time, expected: str) -> None:
    assert next_wall_time(wanted, now=at(now), zone=AMSTERDAM) == at(expected)


@pytest.mark.parametrize("now", ["2026-03-29T01:00+01:00", "2026-03-28T12:00+01:00"])
def test_a_time_that_the_clocks_skip_is_refused(now: str) -> None:
    with pytest.raises(ValueError, match=r"^the clocks skip 02:30 on 29 March; choose another time$"):
        next_wall_time(time(2, 30), now=at(now), zone=AMSTERDAM)


@given(
    now=st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    wanted=st.times().map(lambda moment: moment.replace(second=0, microsecond=0)),
    zone=st.sampled_from(ZONES),
)
@example(now=datetime(2026, 4, 4, 15, 0, tzinfo=UTC), wanted=time(1, 45), zone=ZONES[4])
@example(now=datetime(2026, 10, 3, 15, 29, tzinfo=UTC), wanted=time(2, 15), zone=ZONES[4])
def test_until_lies_ahead_within_a_day_and_a_change_of_clocks(now: datetime, wanted: time, zone: ZoneInfo) -> None:
    try:
        moment = next_wall_time(wanted, now=now, zone=zone)
    except ValueError:
        days = (now.astimezone(zone).date() + timedelta(days=one) for one in (0, 1))
        skipped = [datetime.combine(day, wanted, zone) for day in days]
        assert any(one.astimezone(UTC).astimezone(zone).time() != wanted for one in skipped)
        return
    assert moment.astimezone(zone).time() == wanted
    assert now < moment <= now + timedelta(hours=25)
