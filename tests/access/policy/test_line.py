"""What people type after the command is read as they mean it, or answered with the line that would be right."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from access.catalog import Entitlement
from access.errors import InvalidInput
from access.policy.line import Line, Requestable, parse_line
from tests.access.policy.example import NOW

ZONE = ZoneInfo("Europe/Amsterdam")
NAMES = ("customers-db/read", "customers-db/fix-orders", "aws-payments/PowerUser")
REQUESTABLE = {Entitlement.parse(name): timedelta(hours=8) for name in NAMES}
READ = Entitlement("customers-db", "read")
REASON = "INC-12 stuck refunds"
EXAMPLE = f"/access customers-db/read 2h {REASON}"


def only(name: str) -> dict[Entitlement, timedelta]:
    return {one: longest for one, longest in REQUESTABLE.items() if str(one) == name}


def parse(text: str, requestable: Requestable = REQUESTABLE) -> Line:
    line = parse_line(text, requestable=requestable, now=NOW, zone=ZONE)
    if line.unread is not None:
        raise line.unread
    return line


RIGHT = [
    ("customers-db/read 2h INC-12 stuck refunds", timedelta(hours=2), "INC-12 stuck refunds"),
    ("  customers-db/read   90s   why  not ", timedelta(seconds=90), "why  not"),
    ("customers-db/read\u00a01h30\u00a0because", timedelta(minutes=90), "because"),
    ("customers-db/read “2 hours” because", timedelta(hours=2), "because"),
    ("“customers-db/read” 2h “because”", timedelta(hours=2), "“because”"),
    ("Customers-db/read 2h because", timedelta(hours=2), "because"),
    ("customers-db/read 2 hours because", timedelta(hours=2), "because"),
    ("customers-db/read 1 h 30 min because", timedelta(minutes=90), "because"),
    ("customers-db/read 2h 30 people wait", timedelta(hours=2), "30 people wait"),
    ("customers-db/read 1d first line\nsecond line", timedelta(days=1), "first line\nsecond line"),
    ("customers-db/read 2h it's ‘fine’", timedelta(hours=2), "it's ‘fine’"),
    ("customers-db/read 2h until 17:00 is enough", timedelta(hours=2), "until 17:00 is enough"),
    ("customers-db/read until 17:00 because", datetime(2026, 3, 2, 16, tzinfo=UTC), "because"),
    ("customers-db/read Until 9:30 because", datetime(2026, 3, 3, 8, 30, tzinfo=UTC), "because"),
    ("customers-db/read 17:00 because", datetime(2026, 3, 2, 16, tzinfo=UTC), "because"),
]


@pytest.mark.parametrize(("text", "time", "reason"), RIGHT)
def test_a_line_is_read_as_it_is_meant(text: str, time: timedelta | datetime, reason: str) -> None:
    line = parse(text)
    assert str(line.entitlement) == "customers-db/read"
    assert (line.duration, line.until) == ((time, None) if isinstance(time, timedelta) else (None, time))
    assert line.reason == reason


STARTS = [
    ("customers-db/read 2h from tomorrow 9:00 because", datetime(2026, 3, 3, 8, tzinfo=UTC), None, "because"),
    ("customers-db/read 2h From Tomorrow at 9:00 because", datetime(2026, 3, 3, 8, tzinfo=UTC), None, "because"),
    ("customers-db/read 2h from monday 9:00 from scratch", datetime(2026, 3, 9, 8, tzinfo=UTC), None, "from scratch"),
    ("customers-db/read 2h from fri 9:00 because", datetime(2026, 3, 6, 8, tzinfo=UTC), None, "because"),
    ("customers-db/read 2h from 2026-03-10 9:00 because", datetime(2026, 3, 10, 8, tzinfo=UTC), None, "because"),
    ("customers-db/read until 17:00 from tomorrow 9:00 because", datetime(2026, 3, 3, 8, tzinfo=UTC),
     datetime(2026, 3, 3, 16, tzinfo=UTC), "because"),
    ("customers-db/read 2h from accounting they ask", None, None, "from accounting they ask"),
    ("customers-db/read 2h From: accounting", None, None, "From: accounting"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "starts_at", "until", "reason"), STARTS)
def test_a_start_stands_after_the_time(
    text: str, starts_at: datetime | None, until: datetime | None, reason: str
) -> None:
    line = parse(text)
    assert (line.starts_at, line.until, line.reason) == (starts_at, until, reason)


@pytest.mark.parametrize(
    ("start", "why"),
    [
        ("from tomorow 9:00", "a start is written from 9:00, from tomorrow 9:00, from monday 9:00 or from 2026-11-27 "
         "9:00; there is no day “tomorow”"),
        ("from today 9:00", "“from today 9:00” has already passed"),
        ("from 2026-03-01 9:00", "“from 2026-03-01 9:00” has already passed"),
        ("from tomorrow 25:00", "a time of day is written like 9:30 or 17:00, not “25:00”"),
        ("from 2026-03-29 2:30", "the clocks skip 02:30 on 29 March; choose another time"),
    ],
)  # fmt: skip
def test_a_start_that_cannot_be_used_is_answered_with_one_that_can(start: str, why: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(f"customers-db/read 2h {start} because")

    assert refused.value.field == "start"
    example = "/access customers-db/read 2h from tomorrow 9:00 INC-12 stuck refunds"
    assert refused.value.sentence == f"The start can't be used: {why}. For example: {example}"


def test_a_start_without_a_reason_is_repeated_with_one() -> None:
    with pytest.raises(InvalidInput) as refused:
        parse("customers-db/read 2h from tomorrow 9:00")

    assert refused.value.sentence == (
        "Say why, after the time: /access customers-db/read 2h from tomorrow 9:00 INC-12 stuck refunds"
    )


def test_the_case_of_a_role_is_the_policys() -> None:
    assert parse("aws-payments/poweruser 2h x").entitlement == Entitlement("aws-payments", "PowerUser")


WRONG = [
    ("", "entitlement",
     "Write /access <resource/role> <time> <reason>. For example: "
     "/access aws-payments/PowerUser 2h INC-12 stuck refunds"),
    ("customers-db/raed 2h INC-12 stuck refunds", "entitlement",
     f"I don't know customers-db/raed; did you mean {EXAMPLE}?"),
    ("customers-db/raed", "entitlement", f"I don't know customers-db/raed; did you mean {EXAMPLE}?"),
    ("zzz 2h x", "entitlement",
     "I don't know zzz; you may ask for aws-payments/PowerUser, customers-db/fix-orders and customers-db/read. "
     "/access help shows every command."),
    ("customers-db/read", "duration", f"Say for how long and why: {EXAMPLE}"),
    ("customers-db/read 2h", "reason", f"Say why, after the time: {EXAMPLE}"),
    ("customers-db/read until 17:00", "reason",
     "Say why, after the time: /access customers-db/read until 17:00 INC-12 stuck refunds"),
    ("customers-db/read stuck refunds", "duration",
     "The time after customers-db/read can't be used: a duration is written like 90s, 90m, 2h, 1h30 or 1d, "
     "not “stuck”. For example: /access customers-db/read 2h stuck refunds"),
    ("customers-db/read until noon x", "duration",
     "The time after customers-db/read can't be used: a time of day is written like 9:30 or 17:00, not “noon”. "
     "For example: /access customers-db/read 2h x"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "field", "sentence"), WRONG)
def test_a_wrong_line_is_answered_with_the_nearest_right_one(text: str, field: str, sentence: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(text)
    assert (refused.value.field, refused.value.sentence) == (field, sentence)


@pytest.mark.parametrize(
    ("typed", "suggested"),
    [
        ("0m INC-12", "2h INC-12"),
        ("0 minutes INC-12", "2h INC-12"),
        ("0h 0m INC-12", "2h INC-12"),
        ("“0m” INC-12", "2h INC-12"),
        ("-5m INC-12", "2h INC-12"),
        ("1.5h INC-12", "2h INC-12"),
        ("2w INC-12", "2h INC-12"),
        ("25:00 INC-12", "2h INC-12"),
        ("until noon INC-12", "2h INC-12"),
        ("until  noon INC-12", "2h INC-12"),
        ("0m", f"2h {REASON}"),
        ("14 stuck refunds", "2h 14 stuck refunds"),
        ("3rd try", "2h 3rd try"),
    ],
)
def test_a_time_that_cannot_be_used_is_left_out_of_the_line_that_can(typed: str, suggested: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(f"customers-db/read {typed}")

    assert refused.value.field == "duration"
    assert refused.value.sentence.endswith(f"For example: /access customers-db/read {suggested}")
    assert parse(f"customers-db/read {suggested}").duration == timedelta(hours=2)


@pytest.mark.parametrize(
    ("longest", "time"),
    [(timedelta(minutes=30), "30m"), (timedelta(minutes=90), "1h30m"), (timedelta(seconds=45), "45s")],
)
@pytest.mark.parametrize(
    "typed", ["", "customers-db/raed", "customers-db", "customers-db/read", "customers-db/read 0m x"]
)
def test_a_suggested_time_is_one_that_would_be_allowed(typed: str, longest: timedelta, time: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(typed, {READ: longest})

    _, _, suggested = refused.value.sentence.partition("/access customers-db/read ")
    assert suggested.split()[0] == time


@pytest.mark.parametrize(
    ("typed", "right"),
    [
        ("5m at 9:00 why not", "5m from 9:00 why not"),
        ("5m At 9:00 why not", "5m from 9:00 why not"),
        ("5m at 9am why not", "5m from 9:00 why not"),
        ("5m at 9 pm why not", "5m from 21:00 why not"),
        ("5m at 9.30 why not", "5m from 9:30 why not"),
        ("5m 9:00 why not", "5m from 9:00 why not"),
        ("5m tomorrow 9:00 why not", "5m from tomorrow 9:00 why not"),
        ("5m on monday at 9:00 why not", "5m from monday 9:00 why not"),
        ("5m starting tomorrow at 9:00 why not", "5m from tomorrow 9:00 why not"),
        ("5m 2026-03-10 9:00 why not", "5m from 2026-03-10 9:00 why not"),
        ("until 17:00 at 9:00 why not", "until 17:00 from 9:00 why not"),
        ("5m “at 9:00” why not", "5m from 9:00 why not"),
        ("5m at 9:00", f"5m from 9:00 {REASON}"),
    ],
)
def test_a_start_without_its_from_is_answered_with_it(typed: str, right: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(f"customers-db/read {typed}")

    assert refused.value.field == "start"
    assert f"To begin then: /access customers-db/read {right}." in refused.value.sentence
    assert parse(f"customers-db/read {right}").starts_at is not None


@pytest.mark.parametrize(
    "reason",
    ["14 refunds are stuck", "at least 9 refunds", "at 9 sites", "404 errors", "14.30 euro too much", "99:99 is shown",
     "on call", "monday's refunds", "9:00: the job failed", "2026-03-10 refunds", "10 pmax alarms", "start 9 jobs"],
)  # fmt: skip
def test_a_reason_may_have_numbers(reason: str) -> None:
    assert parse(f"customers-db/read 5m {reason}").reason == reason


def test_a_start_without_its_from_that_cannot_be_used_is_not_taken_for_now() -> None:
    with pytest.raises(InvalidInput, match="The start can't be used: a time of day is written like 9:30"):
        parse("customers-db/read 5m at 25:00 why not")


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("customers-db 2h why",
         "Say which role on customers-db you need: customers-db/fix-orders or customers-db/read. "
         "For example: /access customers-db/fix-orders 2h why"),
        ("Customers-DB", "Say which role on customers-db you need: customers-db/fix-orders or customers-db/read. "
         f"For example: /access customers-db/fix-orders 2h {REASON}"),
        ("aws-payments 2h why", "Say which role on aws-payments you need: aws-payments/PowerUser. "
         "For example: /access aws-payments/PowerUser 2h why"),
    ],
)  # fmt: skip
def test_a_resource_alone_is_answered_with_its_roles(typed: str, sentence: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(typed)

    assert (refused.value.field, refused.value.sentence) == ("entitlement", sentence)


def test_only_what_the_person_may_ask_for_is_suggested() -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_line("customers-db/raed 2h x", requestable=only("aws-payments/PowerUser"), now=NOW, zone=ZONE)
    assert "customers-db/read" not in refused.value.sentence
    with pytest.raises(InvalidInput, match=r"The security team can change that\.$"):
        parse_line("customers-db/read 2h x", requestable={}, now=NOW, zone=ZONE)


@pytest.mark.parametrize("text", ["x" * 100_000, "customers-db/raed " + "y" * 100_000, "a\u202e" * 10_000])
def test_a_very_long_line_gets_a_short_answer(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(text)
    assert len(refused.value.sentence) < 600
