"""Log lines: for people or for programs, and never with a secret."""

import json
import logging
import subprocess
import sys
from datetime import datetime, timedelta

import pytest

from countersign.logs import AsJson, AsText, Redactor, of_children

SECRET = 'canary-"4711"-äß'
GRANT = "01kaq9z0000000000000b4k2mp"
REDACT = Redactor([SECRET])


def record(message: str, *values: object, error: Exception | None = None) -> logging.LogRecord:
    given = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("workers.lane", logging.WARNING, __file__, 1, message, values, given)


def read(made: logging.LogRecord) -> dict[str, object]:
    line = AsJson(REDACT, "worker grant").format(made)
    assert "\n" not in line
    return json.loads(line)


def test_a_line_for_programs_is_one_object_with_all_it_knows() -> None:
    line = read(record("call of %s failed\nbadly", GRANT))

    assert datetime.fromisoformat(str(line.pop("time"))).utcoffset() == timedelta(0)
    assert line == {
        "level": "WARNING", "process": "worker grant", "logger": "workers.lane",
        "message": f"call of {GRANT} failed\nbadly", "ids": [GRANT],
    }  # fmt: skip


def test_a_line_that_names_no_row_has_no_ids() -> None:
    assert "ids" not in read(record("keeping time"))


@pytest.mark.parametrize("formatter", [AsText(REDACT), AsJson(REDACT, "bot")])
def test_no_line_carries_a_secret_or_a_token(formatter: logging.Formatter) -> None:
    line = formatter.format(record("it said %s and xoxb-1234567-abc", SECRET))

    assert "canary" not in line
    assert "4711" not in line
    assert "xoxb" not in line
    assert "[secret]" in line
    assert "[token]" in line


def test_an_exception_is_named_without_its_words() -> None:
    try:
        raise ValueError("what the target said of Ann")
    except ValueError as error:
        line = read(record("it failed", error=error))

    assert str(line["exception"]).startswith("ValueError at test_logs.py:")
    assert "Ann" not in str(line)


def test_a_supervisor_leaves_lines_for_programs_as_they_are_and_wraps_the_rest() -> None:
    shown = of_children(["redis", "bot"], "json")
    own = AsJson(REDACT, "bot").format(record("hello"))

    assert shown("bot", own) == own
    wrapped = json.loads(shown("redis", "* Ready to accept connections"))
    assert (wrapped["process"], wrapped["message"]) == ("redis", "* Ready to accept connections")


def test_a_supervisor_puts_the_name_before_lines_for_people() -> None:
    assert of_children(["redis", "bot"], "text")("bot", "hello") == "bot   | hello"


def test_a_process_writes_as_it_is_told(tmp_path) -> None:
    program = "import logging; from countersign import logs; logs.configure('INFO', 'json', 'bot'); "
    ran = subprocess.run(
        [sys.executable, "-c", program + "logging.getLogger('x').info('key %s', 'canary-4711')"],
        env={"MY_KEY": "canary-4711"}, capture_output=True, text=True, check=True,
    )  # fmt: skip

    line = json.loads(ran.stderr)
    assert (line["process"], line["logger"], line["message"]) == ("bot", "x", "key [secret]")
