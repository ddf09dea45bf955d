"""The reference receiver of `examples/`, run as the program it is, over real TLS; and what is in its file."""

import hashlib
import json
import secrets
import sqlite3
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import access
from access.ids import GrantId, ulid
from access.ports import Deadline, GrantSpec, SecretReference
from tests.tls import Authority
from workers.providers.webhook import Settings
from workers.providers.webhook.settings import Ability

PROGRAM = Path(access.__file__).parent.parent / "examples" / "webhook-receiver" / "receiver.py"
HOST = "127.0.0.1"
PATH = "/countersign"
KEY = "2026-11"
ALL: tuple[Ability, ...] = ("end_sessions", "expire", "extend", "list", "reveal")


@dataclass(frozen=True)
class Receiver:
    """One that runs, and where its files are."""

    directory: Path
    port: int
    authority: Authority
    secret: str
    pid: int

    @property
    def keys(self) -> Path:
        """What the receiver accepts: one `name:secret` a line."""
        return self.directory / "keys"

    @property
    def key(self) -> Path:
        """What a worker signs with."""
        return self.directory / "key"

    @property
    def log(self) -> Path:
        return self.directory / "receiver.log"

    @property
    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.authority.certificate))

    def settings(self, port: int | None = None, *, can: Sequence[Ability] = ALL, **other: Any) -> Settings:
        """Of the provider. `port`: of what stands before the receiver."""
        usual: dict[str, Any] = {
            "url": f"https://{HOST}:{port or self.port}{PATH}", "key": SecretReference(file=str(self.key)),
            "networks": ["127.0.0.0/8"], "ca": str(self.authority.certificate), "can": list(can),
        }  # fmt: skip
        return Settings(**(usual | other))

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """As the receiver's owner, straight in its file."""
        with closing(sqlite3.connect(self.directory / "state.db", timeout=20)) as file, file:
            return file.execute(statement, values).fetchall()

    def ask(
        self, method: str, path: str, bearer: str = "", body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """As a person, past everything that stands before the receiver."""
        with closing(HTTPSConnection(HOST, self.port, timeout=20, context=self.trust)) as connection:
            said_of_us = {"Connection": "close", "Authorization": f"Bearer {bearer}", **(headers or {})}
            connection.request(method, path, body, said_of_us)
            answer = connection.getresponse()
            said = answer.read()
        return answer.status, json.loads(said) if said else {}

    def log_in(self, token: str) -> str | None:
        status, said = self.ask("POST", "/session", token)
        return said["session"] if status == 200 else None

    def reads(self, session: str, report: str) -> bool:
        return self.ask("GET", f"/reports/{report}", session)[0] == 200


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@contextmanager
def receiving(directory: Path, *more: str, within: Sequence[str] = ()) -> Iterator[Receiver]:
    """A receiver with one key, and `more` of its arguments; `within`: what starts it in surroundings of its own."""
    authority, secret = Authority(directory), secrets.token_hex(32)
    authority.server(HOST)
    (directory / "keys").write_text(f"{KEY}:{secret}\n")
    (directory / "key").write_text(f"{KEY}:{secret}\n")
    for private in ("keys", "key"):
        (directory / private).chmod(0o600)
    arguments = ["--listen", f"{HOST}:0", "--certificate", str(directory / f"authority-{HOST}.pem")]
    arguments += ["--private-key", str(directory / f"authority-{HOST}.key"), "--keys", str(directory / "keys")]
    arguments += ["--state", str(directory / "state.db"), *more]
    with (directory / "receiver.log").open("wb") as log:
        command = [*within, sys.executable, str(PROGRAM), *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said.startswith("listening on https://"), (directory / "receiver.log").read_text()
        yield Receiver(directory, int(said.split(":")[2].partition("/")[0]), authority, secret, process.pid)
    finally:
        process.terminate()
        process.communicate(timeout=20)


def make_spec(principal: str = "ann") -> GrantSpec:
    now = datetime.now(UTC)
    return GrantSpec(
        grant_id=GrantId(ulid(now)),
        resource="sales-reports",
        role="read",
        definition={"grants": ["sales"]},
        settings={"can": list(ALL)},
        scope={},
        principal=principal,
        expires_at=now + timedelta(hours=1),
    )


def soon() -> Deadline:
    return Deadline.after(20)


def settings_by_target() -> list[list[Settings]]:
    """Those of one list lead to one endpoint by one key; `networks` and `can` are no part of it."""
    url, key = "https://access.example.org/countersign", SecretReference(env="ACCESS_KEY")
    return [
        [Settings(url=url, key=key, can=[]), Settings(url=url, key=key, can=["list"])],
        [Settings(url=url, key=SecretReference(env="OTHER_KEY"), can=[])],
        [Settings(url=f"{url}/other", key=key, can=[])],
    ]
