"""How far the log had come, remembered where a backup of the database does not reach: in a file and in Redis."""

import json
import logging
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from access import clock
from access.operations.high_water import HighWater
from workers.redis_connection import reason

logger = logging.getLogger(__name__)

KEY = "countersign:high-water"
FILE = "high-water"
_AFTER_FAILURE_SECONDS = 5.0


class Remembered:
    """A process reads each place once, and never writes over what it has not read; then it knows itself what it saw."""

    def __init__(self, state_directory: Path, redis: Redis | None) -> None:
        self._file = state_directory / FILE
        self._redis = redis
        self._skip_until = 0.0
        self._file_told = False
        self._known: list[HighWater] | None = None
        self._heard = redis is None
        self._in_file = self._in_redis = False

    def known(self) -> Sequence[HighWater]:
        """What cannot be read is left out, and said in the log."""
        if self._known is None:
            self._known = _marks(self._from_file())
        if not self._heard:
            self._known += _marks(self._from_redis())
        return list(self._known)

    def note(self, reached: HighWater) -> None:
        """Writes only what is not written yet."""
        news = self._known != [reached]
        text = json.dumps({"seq": reached.seq, "hash": reached.hash, "at": reached.at.isoformat()})
        if news or not self._in_file:
            self._in_file = self._into_file(text)
        if self._heard and (news or not self._in_redis):
            self._in_redis = self._into_redis(text)
        self._known = [reached]

    def _from_file(self) -> str | None:
        try:
            return self._file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            logger.warning("%s cannot be read (%s)", self._file, type(error).__name__)
            return None

    def _into_file(self, text: str) -> bool:
        new = self._file.with_name(f"{FILE}.{os.getpid()}")
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            new.write_text(text, encoding="utf-8")
            new.replace(self._file)
        except OSError as error:
            if not self._file_told:
                logger.warning("%s cannot be written (%s)", self._file, type(error).__name__)
            self._file_told = True
            return False
        self._file_told = False
        return True

    def _from_redis(self) -> str | None:
        if self._redis is None or clock.monotonic() < self._skip_until:
            return None
        try:
            found = self._redis.get(KEY)
        except RedisError as error:
            self._failed(error)
            return None
        self._heard = True
        return found.decode(errors="replace") if isinstance(found, bytes) else None

    def _into_redis(self, text: str) -> bool:
        if self._redis is None:
            return True
        if clock.monotonic() < self._skip_until:
            return False
        try:
            self._redis.set(KEY, text)
        except RedisError as error:
            self._failed(error)
            return False
        return True

    def _failed(self, error: RedisError) -> None:
        self._skip_until = clock.monotonic() + _AFTER_FAILURE_SECONDS
        logger.debug("Redis does not remember how far the log is (%s)", reason(error))


def _marks(text: str | None) -> list[HighWater]:
    """None for what is not ours: a log is not older than what nobody wrote."""
    if text is None:
        return []
    try:
        said = json.loads(text)
        return [HighWater(int(said["seq"]), str(said["hash"]), datetime.fromisoformat(said["at"]).astimezone(UTC))]
    except (ValueError, TypeError, KeyError):
        logger.warning("what was remembered of the log cannot be read; it is written anew")
        return []
