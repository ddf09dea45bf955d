"""Log lines for people: time, level, what; and never a secret that this process knows."""

import logging
import os
import re
from collections.abc import Iterable

_TOKENS = re.compile(r"\b(xox[abeprs]|xapp)-[A-Za-z0-9-]{6,}")
_SECRET_NAMES = re.compile(r"TOKEN|SECRET|PASSWORD|KEY|DSN|DATABASE_URL|REDIS_URL")
_LEAST = 8
"""A shorter value would blacken ordinary words."""


class Redacting(logging.Formatter):
    """Blackens known secrets and what has the shape of a Slack token, in messages and tracebacks alike."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")
        self._secrets = sorted({secret for secret in secrets if len(secret) >= _LEAST}, key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        for secret in self._secrets:
            line = line.replace(secret, "[secret]")
        return _TOKENS.sub("[token]", line)


def configure(level: str) -> None:
    """One handler on standard error; every value of the environment that is named like a secret is blackened."""
    handler = logging.StreamHandler()
    handler.setFormatter(Redacting(value for name, value in os.environ.items() if _SECRET_NAMES.search(name)))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for noisy in ("slack_bolt", "slack_sdk", "alembic", "rq"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLogger().level))
