"""What a process needs is looked at before it opens anything: all that is missing is said once, with what to do."""

import socket
from collections.abc import Iterator
from typing import Literal

from pydantic import SecretStr

from access.database_address import DatabaseAddress
from access.errors import Misconfigured, Unready
from access.faults import why
from access.settings import Settings
from countersign import env_file
from workers.handlers import Queue
from workers.redis_connection import connect
from workers.signing import parse_key

Process = Literal["bot", "timekeeper"] | Queue
_NO_REDIS = "A worker takes its jobs from Redis; where there is none, the timekeeper does the work alone. "


def check(settings: Settings, process: Process) -> None:
    """Raises Misconfigured: to start this process again is of no use before that is mended."""
    missing = [name for name, given in _needed(settings, process) if not given]
    if missing:
        are = "is" if len(missing) == 1 else "are"
        because = _NO_REDIS if "REDIS_URL" in missing else ""
        raise Misconfigured(f"{' and '.join(missing)} {are} not set. {because}{env_file.cure(missing)}")
    DatabaseAddress.parse(settings.database_url)
    if settings.redis_url:
        connect(settings.redis_url).close()
    if process != "bot":
        for key in settings.job_keys:
            parse_key(key.get_secret_value())


def check_port(address: tuple[str, int], setting: str) -> None:
    """Raises Unready where nothing can listen there now."""
    host, port = address
    try:
        socket.create_server(address, family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        raise Unready(f"{setting}: nothing can listen at {host} port {port}: {why(error)}. Set another.") from None


def _needed(settings: Settings, process: Process) -> Iterator[tuple[str, SecretStr | str | None]]:
    """What it cannot do without: whoever only ends access needs no word of Slack's."""
    if process != "revoke":
        yield "SLACK_BOT_TOKEN", settings.slack_bot_token
    if process == "bot" and not settings.answers_by_http():
        yield "SLACK_APP_TOKEN", settings.slack_app_token
    if process not in ("bot", "timekeeper"):
        yield "REDIS_URL", settings.redis_url
