"""A primary, its replica and a sentinel, each a real process: what fails over, and how a test makes it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import RedisError

from countersign.embedded import leash
from countersign.embedded.valkey import server_binary
from tests.ports import free_port
from tests.waiting import wait_until

NAME = "mymaster"
PASSWORD = "canary-of-the-servers"
SENTINEL_PASSWORD = "canary-of-the-sentinels"


class Server:
    """One process; it dies with the test run."""

    def __init__(self, directory: Path, settings: str, *options: str, password: str) -> None:
        directory.mkdir(mode=0o755)
        self.port = free_port()
        file = directory / "server.conf"
        file.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {directory}\nlogfile log\nrequirepass {password}\n{settings}"
        )
        who = [str(os.getpid()), str(os.getuid()), str(os.getgid())]
        command = [sys.executable, "-I", "-S", leash.__file__, *who, str(server_binary()), str(file), *options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        self.client = Redis("127.0.0.1", self.port, password=password, socket_timeout=2.0)
        wait_until(self._answers, "the server to answer")

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        self.client.close()
        self._process.kill()
        self._process.wait()

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except RedisError:
            return False


class Sentinels:
    """Started together; `url` names a sentinel that is not there before the one that is."""

    def __init__(self, directory: Path) -> None:
        servers = f"masterauth {PASSWORD}\nrepl-diskless-sync-delay 0\n"
        self.primary = Server(directory / "primary", servers, password=PASSWORD)
        follow = f"replicaof 127.0.0.1 {self.primary.port}\n"
        self.replica = Server(directory / "replica", servers + follow, password=PASSWORD)
        watch = {
            "monitor": f"127.0.0.1 {self.primary.port} 1", "auth-pass": PASSWORD,
            "down-after-milliseconds": "1000", "failover-timeout": "2000",
        }  # fmt: skip
        self.sentinel = Server(directory / "sentinel", _of(watch), "--sentinel", password=SENTINEL_PASSWORD)
        wait_until(self._is_watched, "the sentinel to know the replica, and the replica to follow")

    @property
    def url(self) -> str:
        listed = f"127.0.0.1:{free_port()},127.0.0.1:{self.sentinel.port}"
        return f"redis+sentinel://:{PASSWORD}@{listed}/{NAME}/0?sentinel_password={SENTINEL_PASSWORD}"

    def lose_before_it_is_copied(self, key: str) -> None:
        """As if the primary died before the replica had heard of it."""
        self.replica.client.config_set("replica-read-only", "no")
        self.replica.client.delete(key)
        self.replica.client.config_set("replica-read-only", "yes")

    def wait_until_copied(self) -> None:
        """What was written so far is on the replica too."""
        wait_until(lambda: self.primary.client.wait(1, 1000) == 1, "the replica to have it")

    def fail_over(self) -> None:
        self.primary.kill()
        address = f"127.0.0.1:{self.replica.port}"
        wait_until(lambda: self._known()["address"] == address, "the sentinel to promote the replica")

    def close(self) -> None:
        for server in (self.sentinel, self.replica, self.primary):
            server.close()

    def _is_watched(self) -> bool:
        known, replica = self._known(), self.replica.client.info("replication")
        return replica.get("master_link_status") == "up" and known["slaves"] == 1 and known["status"] == "ok"

    def _known(self) -> Mapping[str, Any]:
        return self.sentinel.client.info("sentinel")["master0"]


def _of(settings: Mapping[str, str]) -> str:
    monitor = f"sentinel monitor {NAME} {settings['monitor']}\n"
    rest = (f"sentinel {name} {NAME} {value}\n" for name, value in settings.items() if name != "monitor")
    return monitor + "".join(rest)


@pytest.fixture
def sentinels(tmp_path: Path) -> Iterator[Sentinels]:
    started = Sentinels(tmp_path)
    yield started
    started.close()
