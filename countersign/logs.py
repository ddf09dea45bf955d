"""Log lines, for people or for programs: time, level, what; and never a secret that this process knows."""

import json
import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote

from access import clock
from access.faults import describe

if TYPE_CHECKING:
    from access.settings import LogFormat  # whoever stays small imports this file too

_TOKENS = re.compile(r"\b(xox[abeprs]|xapp)-[A-Za-z0-9-]{6,}")
_SECRET_NAMES = re.compile(r"TOKEN|SECRET|PASSWORD|KEY|DSN|DATABASE_URL|REDIS_URL|PING_URL|PAGE_URL")
_ADDRESS = re.compile(r"DSN|DATABASE_URL|REDIS_URL")
_PARAMETER = re.compile(
    r"pass\w*\s*=\s*(.*?)(?=[\s&]+(?:host\w*|port|dbname|user|options|service|ssl\w*|\w+_\w+)\s*=|$)", re.DOTALL
)
_BETWEEN = re.compile(r"[^\w!$*()<>{}|~^`.-]+")
"""What may cut a password that was not escaped into pieces, of which drivers quote one."""
_ID = re.compile(r"\b[0-9a-hjkmnp-tv-z]{26}\b")
_LEAST = 8
"""A shorter value would blacken ordinary words."""


class Redactor:
    """Blackens known secrets and what has the shape of a Slack token."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = sorted({secret for secret in secrets if len(secret) >= _LEAST}, key=len, reverse=True)

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Redactor":
        """Knows every value of this environment that is named like a secret."""
        named = {name: value for name, value in environment.items() if _SECRET_NAMES.search(name)}
        pieces = (piece for name, value in named.items() if _ADDRESS.search(name) for piece in _pieces(value))
        return cls([*named.values(), *pieces])

    def __call__(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        return _TOKENS.sub("[token]", text)


def _pieces(address: str) -> Iterator[str]:
    """All that can be a part of the password in an address, whole and cut, as written and as read."""
    after_user = address.partition("://")[2].rpartition("@")[0].partition(":")[2]
    for password in (after_user, *_PARAMETER.findall(address)):
        for written in (password, unquote(password)):
            yield written
            yield from _BETWEEN.split(written)


class AsText(logging.Formatter):
    """A line for people; tracebacks are blackened too."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        return self._redact(super().format(record))


class AsJson(logging.Formatter):
    """One JSON object a line. Of an exception its type and place: its own words may quote a secret."""

    def __init__(self, redact: Redactor, process: str) -> None:
        super().__init__()
        self._redact = redact
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        message = self._redact(record.getMessage())  # before it is quoted: a quoted secret would not be known again
        more = {}
        if ids := _ID.findall(message):
            more["ids"] = ids
        if record.exc_info and record.exc_info[1] is not None:
            more["exception"] = describe(record.exc_info[1])
        return as_json(
            datetime.fromtimestamp(record.created, UTC), record.levelname, self._process, record.name, message, **more
        )


def as_json(time: datetime, level: str, process: str, logger: str, message: str, **more: object) -> str:
    """The line that programs read."""
    shown = time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line = {"time": shown, "level": level, "process": process, "logger": logger, "message": message}
    return json.dumps(line | more, ensure_ascii=False)


def configure(level: str, shape: "LogFormat" = "text", process: str = "countersign") -> None:
    """One handler on standard error; every value of the environment that is named like a secret is blackened."""
    redact = Redactor.of(os.environ)
    handler = logging.StreamHandler()
    handler.setFormatter(AsJson(redact, process) if shape == "json" else AsText(redact))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for noisy in ("slack_bolt", "slack_sdk", "alembic", "rq"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLogger().level))


def of_children(names: Iterable[str], shape: "LogFormat") -> Callable[[str, str], str]:
    """How the supervisor shows a line of the child of this name: (name, line)."""
    width = max((len(name) for name in names), default=0)
    if shape == "text":
        return lambda name, line: f"{name:<{width}} | {line}"
    redact = Redactor.of(os.environ)

    def shown(name: str, line: str) -> str:
        # A child's own lines are JSON; the rest is Redis's, the interpreter's or the supervisor's.
        return line if _is_object(line) else as_json(clock.host_now(), "INFO", name, "output", redact(line))

    return shown


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
