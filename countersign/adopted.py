"""Starts several processes from one that has imported what they share (warm_start.py), and minds them as our own.

Linux only: a process that dies leaves its children to us if we ask for them (PR_SET_CHILD_SUBREAPER).
"""

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from countersign.embedded import leash

_SHARED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH")
"""All that the process which imports is given: none of it is a secret, and it is the same for all."""
_PROGRAM = "countersign.warm_start"
_PR_SET_CHILD_SUBREAPER = 36
_one_at_a_time = threading.Lock()


class Adopted:
    """A process that was forked for us. The part of `subprocess.Popen` that the supervisor needs."""

    def __init__(self, pid: int, stdout: IO[bytes]) -> None:
        self.pid = pid
        self.stdout = stdout
        self.returncode: int | None = None
        self._handle = os.pidfd_open(pid)
        self._reaping = threading.Lock()

    def poll(self) -> int | None:
        with self._reaping:
            if self.returncode is None:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid:
                    self.returncode = os.waitstatus_to_exitcode(status)
            return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        ended = select.poll()
        ended.register(self._handle, select.POLLIN)
        ended.poll(None if timeout is None else 1000 * timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired([str(self.pid)], timeout or 0.0)
        return code

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self.poll() is None:
            signal.pidfd_send_signal(self._handle, number)

    def __del__(self) -> None:
        os.close(self._handle)


@dataclass
class Wanted:
    """One process to fork, and our ends of its pipes."""

    name: str
    env: Mapping[str, str]
    announces: bool
    theirs: dict[str, int] = field(default_factory=dict[str, int])
    ours: dict[str, int] = field(default_factory=dict[str, int])

    def open(self) -> None:
        self.theirs["environment"], self.ours["environment"] = os.pipe()
        self.ours["output"], self.theirs["output"] = os.pipe()
        if self.announces:
            self.ours["ready"], self.theirs["ready"] = os.pipe()


class WarmStart:
    """Forks these processes, once. `stop` gives it up from another thread."""

    def __init__(self, wanted: Sequence[Wanted]) -> None:
        self._wanted = wanted
        self._importing: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def run(self) -> list[tuple[Adopted, int | None]]:
        """Each process with the descriptor at which it says that it is ready. Raises OSError: none of them runs."""
        with _one_at_a_time, _adopting():
            for one in self._wanted:
                one.open()
            try:
                pids = self._forked()
            finally:
                for one in self._wanted:
                    _close(one.theirs)
            if pids is None:
                for one in self._wanted:
                    _close(one.ours)  # who was forked already hears nothing, and ends
                raise ChildProcessError("the common imports failed")
            return [self._begun(one, pid) for one, pid in zip(self._wanted, pids, strict=True)]

    def stop(self) -> None:
        self._stopped = True
        if self._importing is not None:
            self._importing.terminate()

    def _forked(self) -> list[int] | None:
        """None where not all of them were."""
        plan = [{"name": one.name, **one.theirs} for one in self._wanted]
        leashed = [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), str(os.getuid()), str(os.getgid())]
        program = [sys.executable, "-m", _PROGRAM, str(os.getpid()), json.dumps(plan)]
        shared = self._wanted[0].env
        with subprocess.Popen(  # noqa: S603  (our own program)
            [*leashed, *program],
            env={name: shared[name] for name in _SHARED if name in shared},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what is wrong is said again by each process that is then started by itself
            pass_fds=[descriptor for one in self._wanted for descriptor in one.theirs.values()],
            start_new_session=True,
        ) as self._importing:
            if self._stopped:
                self._importing.terminate()
            assert self._importing.stdout is not None
            said = self._importing.stdout.readline()
        return json.loads(said) if said and self._importing.returncode == 0 else None

    def _begun(self, one: Wanted, pid: int) -> tuple[Adopted, int | None]:
        """It has waited for its environment: now that we are its parent it may begin."""
        process = Adopted(pid, os.fdopen(one.ours["output"], "rb"))
        try:
            with os.fdopen(one.ours["environment"], "wb") as stream:
                stream.write(json.dumps(dict(one.env)).encode())
        except BrokenPipeError:
            pass  # it has ended already, which is noticed like any other end
        return process, one.ours.get("ready")


class _adopting:  # noqa: N801 -- used as a function
    """While it is entered, the orphans below us become our children."""

    def __enter__(self) -> None:
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)

    def __exit__(self, *_: Any) -> None:
        _prctl(_PR_SET_CHILD_SUBREAPER, 0)


def possible() -> bool:
    """Whether this system can do it."""
    if sys.platform != "linux":
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def _close(descriptors: dict[str, int]) -> None:
    for descriptor in descriptors.values():
        os.close(descriptor)
    descriptors.clear()
