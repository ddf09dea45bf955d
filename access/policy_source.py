"""The policy as it is now: the file is read again whenever it changes."""

import threading
from collections.abc import Mapping
from pathlib import Path

from access.catalog import Policy
from access.errors import PolicyError
from access.faults import why
from access.policy.load import load_policy
from access.ports import Provider

Stamp = tuple[int, int, int]


def read_policy(file: Path) -> str:
    """The text of the file. Raises PolicyError."""
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        cure = "there is no such file. Run `countersign init` to write one, or set COUNTERSIGN_POLICY to yours."
        raise PolicyError(cure, file=str(file)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"the file cannot be read: {why(error)}.", file=str(file)) from None


class PolicySource:
    """Hands out the checked policy. Granting needs a valid one; ending and telling go on with the last that was."""

    def __init__(self, file: Path, providers: Mapping[str, type[Provider]]) -> None:
        self.file = file
        self._providers = providers
        self._lock = threading.Lock()
        self._stamp: Stamp | None = None
        self._policy: Policy | None = None
        self._error: PolicyError | None = None

    def current(self) -> Policy:
        """The policy of this moment. Raises PolicyError when the file cannot be used, whatever it said before."""
        with self._lock:
            self._refresh()
            if self._error is not None:
                raise self._error.with_traceback(None)  # else each raise would hold on to its callers
            assert self._policy is not None
            return self._policy

    def last_valid(self) -> Policy:
        """The newest policy that could be used: for telling, ending, denying. Raises PolicyError if there was none."""
        with self._lock:
            self._refresh()
            if self._policy is None:
                assert self._error is not None
                raise self._error.with_traceback(None)
            return self._policy

    def cached(self) -> Policy | None:
        """The same as `last_valid`, without waiting: None when the file has to be read, or is being read."""
        if not self._lock.acquire(blocking=False):
            return None
        try:
            return self._policy if self._stamp_now() == self._stamp else None
        except OSError:
            return None
        finally:
            self._lock.release()

    def _stamp_now(self) -> Stamp:
        status = self.file.stat()
        return (status.st_mtime_ns, status.st_size, status.st_ino)

    def _refresh(self) -> None:
        try:
            stamp = self._stamp_now()
            if stamp == self._stamp:
                return
        except OSError:
            stamp = None  # whatever it is, the reading says it
        try:
            text = read_policy(self.file)
        except PolicyError as error:
            self._stamp, self._error = None, error
            return
        self._stamp = stamp
        try:
            self._policy = load_policy(text, file=str(self.file), providers=self._providers)
            self._error = None
        except PolicyError as error:
            self._error = error
