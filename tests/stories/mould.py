"""Starts our processes quickly: each is a copy of one that has imported everything already.

To import is most of what a process of ours does in a story. From there on it is the same program, with arguments, an
environment and an output of its own. tests/hands and tests/test_readme.py start them by the command line.
"""

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

IMPORTED = (
    "countersign.__main__",
    "countersign.processes",
    "bot.socket_mode",
    "bot.http_mode",
    "workers.providers.postgres",
)


class Mould:
    """The one that was made first, and the way to it."""

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-m", "tests.stories.mould", str(theirs.fileno())]
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        with ours:
            self._lines = ours.makefile("rw", encoding="utf-8")

    def start(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> "Copy":
        """As `countersign` with these arguments."""
        return Copy(self, self.ask({"arguments": arguments, "environment": environment, "log": str(log)}))

    def ask(self, question: Mapping[str, Any]) -> Any:
        with self._one_at_a_time:
            self._lines.write(json.dumps(question) + "\n")
            self._lines.flush()
            return json.loads(self._lines.readline())

    def close(self) -> None:
        self._lines.close()
        self._process.wait(30)


class Copy:
    """A process that was started; as subprocess.Popen, as far as a story needs it."""

    def __init__(self, mould: Mould, pid: int) -> None:
        self._mould = mould
        self._code: int | None = None
        self.pid = pid

    def poll(self) -> int | None:
        if self._code is None:
            self._code = self._mould.ask({"ended": self.pid})
        return self._code

    def wait(self, timeout: float = 60.0) -> int:
        end = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() >= end:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(0.02)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def serve(channel: socket.socket) -> dict[str, Any] | None:
    """Answers until nobody asks any more. In a copy it returns what that one is to be."""
    with channel, channel.makefile("rw", encoding="utf-8") as lines:
        for line in lines:
            asked = json.loads(line)
            if "ended" in asked:
                answer = ended(asked["ended"])
            elif (answer := os.fork()) == 0:
                return asked
            lines.write(json.dumps(answer) + "\n")
            lines.flush()
    return None


def ended(pid: int) -> int | None:
    """Its exit code, negative for a signal; None while it runs."""
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def become(asked: dict[str, Any]) -> None:
    os.environ.clear()
    os.environ.update(asked["environment"])
    log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    sys.argv = ["countersign", *asked["arguments"]]
    import_module("countersign.__main__").main()


def main() -> None:
    for name in IMPORTED:
        import_module(name)
    gc.freeze()
    asked = serve(socket.socket(fileno=int(sys.argv[1])))
    if asked is not None:
        become(asked)


if __name__ == "__main__":
    main()
