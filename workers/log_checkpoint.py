"""How far the log had come, remembered where a backup of the database does not reach: in a file and in Redis.

The file is as private as the job key. In Redis anybody may write who has its password, so a mark there counts only with
our signature and from our own log (docs/adr/0014-a-restored-database.md). Who has no job key, as the bot, does not look
there.
"""

import fcntl
import json
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from access import clock
from access.errors import AccessError, Unready
from access.log_checkpoint import LogCheckpoint
from access.private_files import open_private, state_directory
from workers.redis_connection import reason
from workers.signing import Forged, Seal

logger = logging.getLogger(__name__)

KEY = "countersign:high-water:signed"
"""Not that of the versions which did not sign: theirs go on writing beside us while they are replaced."""
FILE = "high-water"
PURPOSE = "high-water"
_AFTER_FAILURE_SECONDS = 5.0
_LARGEST = 1024
_TRIES = 2

# Answers what was there, and writes only where that is what the caller has read: the mark of a process that is further
# is never replaced by one that does not know of it. Too large: its beginning is seen; another type: its name.
_SWAP = """
local kind = redis.call('TYPE', KEYS[1]).ok
local there = ''
if kind == 'string' then there = redis.call('GETRANGE', KEYS[1], 0, ARGV[3])
elseif kind ~= 'none' then there = kind end
if ARGV[2] ~= '' and there == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2]) end
return there
"""


@dataclass(frozen=True)
class Signing:
    """What a mark in Redis is signed with, and what it is bound to. `installation` may raise Unavailable."""

    seal: Seal
    installation: Callable[[], str]

    def written(self, mark: LogCheckpoint) -> bytes:
        body = _said(mark) | {"installation": self.installation()}
        return self.seal.sign(PURPOSE, json.dumps(body, separators=(",", ":")).encode())

    def read(self, data: bytes) -> LogCheckpoint:
        """Raises Forged, whose sentence holds no word of the data."""
        if len(data) > _LARGEST:
            raise Forged("it is too large")
        said = json.loads(self.seal.verified(PURPOSE, data))
        ours = self.installation()
        # A log without a first event cannot say which it was: after the loss of the whole database every mark counts.
        if ours and said["seq"] and said["installation"] != ours:
            raise Forged("it is of another installation")
        return _mark(said)


class CheckpointStore:
    """Each place is read before it is written over, and then this process knows itself what it saw."""

    def __init__(self, directory: Path, redis: Redis | None = None, signing: Signing | None = None) -> None:
        self._file = directory / FILE
        self._signing = signing
        self._swap = redis.register_script(_SWAP) if redis is not None and signing is not None else None
        self._skip_until = 0.0
        self._said_of_file = set[str]()
        self._known: list[LogCheckpoint] | None = None
        self._refused: list[str] = []
        self._seen: bytes | None = None
        """What Redis held when it was read or written last; None before that."""
        self._in_file = self._in_redis = False

    def known(self) -> Sequence[LogCheckpoint]:
        """What cannot be read is left out, and said in the log."""
        if self._known is None:
            self._known = self._from_file()
        if self._swap is not None and self._seen is None:
            there = self._ask(b"", b"")
            if there is not None:
                self._known += self._judged(there)
        return list(self._known)

    def refused(self) -> Sequence[str]:
        return list(self._refused)

    def note(self, reached: LogCheckpoint) -> None:
        """Writes only what is not written yet. What another process wrote meanwhile is known from now on."""
        self._refused = []
        judged = self._known or []
        self._known = [reached]
        if judged != [reached]:
            self._in_file = self._in_redis = False
        if not self._in_file:
            self._in_file = self._into_file(reached, judged)
        if self._seen is not None and not self._in_redis:
            self._in_redis = self._into_redis(reached, judged)

    def _from_file(self) -> list[LogCheckpoint]:
        try:
            with os.fdopen(open_private(self._file, os.O_RDONLY), "rb") as file:
                return [_mark(json.loads(file.read(_LARGEST)))]
        except FileNotFoundError:
            return []
        except (OSError, Unready) as error:
            self._say_of_file("read", error)
        except (ValueError, TypeError, KeyError):
            logger.warning("what was remembered of the log cannot be read; it is written anew")
        return []

    def _into_file(self, reached: LogCheckpoint, judged: Sequence[LogCheckpoint]) -> bool:
        """One process of the host at a time; who finds another at it comes again with the next sweep."""
        new = self._file.with_name(f"{FILE}.{os.getpid()}")
        try:
            directory = os.open(state_directory(self._file.parent), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self._is_further(self._from_file(), reached, judged):
                    return False
                with os.fdopen(open_private(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "w") as file:
                    file.write(json.dumps(_said(reached)))
                new.replace(self._file)
            finally:
                os.close(directory)
        except BlockingIOError:
            return False
        except (OSError, Unready) as error:
            self._say_of_file("written", error)
            return False
        self._said_of_file.clear()
        return True

    def _into_redis(self, reached: LogCheckpoint, judged: Sequence[LogCheckpoint]) -> bool:
        assert self._signing is not None
        try:
            text = self._signing.written(reached)
        except AccessError:
            return False  # the database does not answer, as the sweep says
        for _ in range(_TRIES):
            seen = self._seen
            there = self._ask(seen or b"", text)
            if there is None:
                return False
            if there == seen:
                self._seen = text
                return True
            if self._is_further(self._judged(there), reached, judged):
                return False
        return False

    def _is_further(
        self, found: Sequence[LogCheckpoint], reached: LogCheckpoint, judged: Sequence[LogCheckpoint]
    ) -> bool:
        """Whether somebody else wrote what this process has not compared with the log. The next sweep does."""
        new = [one for one in found if one.seq >= reached.seq and one not in (reached, *judged)]
        assert self._known is not None
        self._known += new
        return bool(new)

    def _ask(self, seen: bytes, text: bytes) -> bytes | None:
        """What is there; it is replaced if it is what was seen. None while Redis cannot be used."""
        if self._swap is None or clock.monotonic() < self._skip_until:
            return None
        try:
            there: Any = self._swap(keys=[KEY], args=[seen, text, _LARGEST])
        except RedisError as error:
            self._skip_until = clock.monotonic() + _AFTER_FAILURE_SECONDS
            logger.debug("Redis does not remember how far the log is (%s)", reason(error))
            return None
        return bytes(there)

    def _judged(self, there: bytes) -> list[LogCheckpoint]:
        """The mark, unless it is not ours. What was judged need not be read again."""
        assert self._signing is not None
        try:
            found = [self._signing.read(there)] if there else []
        except Forged as forged:
            logger.warning("the mark of the log in Redis is not believed: %s", forged)
            self._refused.append(str(forged))
            found = []
        except AccessError:
            return []  # the database does not answer; asked again by the next sweep
        self._seen = there
        return found

    def _say_of_file(self, what: str, error: Exception) -> None:
        if what not in self._said_of_file:
            logger.warning("%s cannot be %s (%s)", self._file, what, type(error).__name__)
        self._said_of_file.add(what)


def _said(mark: LogCheckpoint) -> dict[str, Any]:
    return {"seq": mark.seq, "hash": mark.hash, "at": mark.at.isoformat()}


def _mark(said: Any) -> LogCheckpoint:
    """Raises ValueError, TypeError or KeyError for what is none."""
    return LogCheckpoint(int(said["seq"]), str(said["hash"]), datetime.fromisoformat(said["at"]).astimezone(UTC))
