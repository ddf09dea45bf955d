"""A real MariaDB of its own for the tests, set up by the script of docs/providers/mysql.md."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pymysql

from countersign.embedded import leash
from tests.ports import free_port
from tests.tls import Authority
from tests.waiting import wait_until

PAGE = (Path(__file__).parents[2] / "docs/providers/mysql.md").read_text(encoding="utf-8")
SCRIPTS: dict[str, str] = dict(re.findall(r"<!-- set-up: (\w+) -->\n```sql\n(.*?)```", PAGE, re.DOTALL))
BOT, BOT_PASSWORD = "countersign", "canary-of-the-bot-5d2e7a"
SHOP = """
CREATE DATABASE shop CHARACTER SET utf8mb4;
CREATE TABLE shop.customers (id INT PRIMARY KEY, name VARCHAR(60), email VARCHAR(60), card VARCHAR(30));
CREATE TABLE shop.orders (id INT PRIMARY KEY, customer INT, status VARCHAR(20));
INSERT INTO shop.customers SELECT seq, CONCAT('Name ', seq), CONCAT(seq, '@example.test'), '4111' FROM shop.seq_1_to_50;
INSERT INTO shop.orders SELECT seq, 1 + seq % 50, 'open' FROM shop.seq_1_to_50;
CREATE DATABASE other; CREATE TABLE other.secrets (id INT); INSERT INTO other.secrets VALUES (1);
CREATE DATABASE shop_1; CREATE TABLE shop_1.things (id INT); INSERT INTO shop_1.things VALUES (1);
CREATE DATABASE shopx1; CREATE TABLE shopx1.things (id INT); INSERT INTO shopx1.things VALUES (1);
CREATE ROLE support_read; GRANT SELECT (id, name, email) ON shop.customers TO support_read;
CREATE ROLE orders_fix; GRANT SELECT, UPDATE (status) ON shop.orders TO orders_fix;
CREATE ROLE nothing;
"""
Client = Any
"""A connection of the driver's, whose types leave out much."""


def program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


READY = program("mariadbd") is not None and program("mariadb-install-db") is not None


class MariaDb:
    """One server on loopback, with TLS, which is gone with the tests."""

    host = "127.0.0.1"

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port, self.extra_port = free_port(), free_port()
        self.socket = directory / "s"
        self.log = directory / "general.log"
        self.within: Sequence[str] = ()
        """What the server is started by, where it is to have surroundings of its own."""
        self.authority = Authority(directory)
        self.authority.server(self.host)  # which leaves its key and certificate
        self._process: subprocess.Popen[bytes] | None = None

    def install(self) -> None:
        command = [str(program("mariadb-install-db")), "--no-defaults", f"--datadir={self.directory / 'data'}",
                   "--auth-root-authentication-method=normal", "--skip-test-db", *self._account()]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True, timeout=120)

    def start(self, *more: str) -> None:
        certificate = self.directory / f"authority-{self.host}"
        command = [
            *self.within, str(program("mariadbd")), "--no-defaults", f"--datadir={self.directory / 'data'}",
            f"--socket={self.socket}", f"--port={self.port}", f"--bind-address={self.host}",
            f"--extra-port={self.extra_port}",
            f"--pid-file={self.directory / 'pid'}", f"--log-error={self.directory / 'error.log'}",
            "--general-log=ON", f"--general-log-file={self.log}", "--log-output=FILE", "--skip-name-resolve",
            f"--ssl-cert={certificate}.pem", f"--ssl-key={certificate}.key",
            "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M", "--innodb-log-file-size=16M",
            "--performance-schema=OFF", "--max-connections=80", "--thread-cache-size=8", *self._account(), *more,
        ]  # fmt: skip
        tied = [sys.executable, leash.__file__, str(os.getpid()), str(os.geteuid()), str(os.getegid()), *command]
        self._process = subprocess.Popen(tied, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wait_until(self._answers, "the MariaDB to answer", within=60)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()  # what is left of it is thrown away
            self._process.wait(30)

    def _account(self) -> list[str]:
        return ["--user=root"] if os.geteuid() == 0 else []

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.directory / "error.log").read_text(encoding="utf-8")
        with suppress(OSError), socket.socket(socket.AF_UNIX) as line:
            line.connect(str(self.socket))
            return True
        return False

    def owner(self) -> Client:
        """As root, over the server's own socket."""
        return pymysql.connect(unix_socket=str(self.socket), user="root", autocommit=True)

    def log_in(self, user: str, password: str, **more: Any) -> Client:
        """As anyone, over TLS."""
        tls = {"ssl": {"ca": str(self.authority.certificate)}} if more.pop("tls", True) else {"ssl_disabled": True}
        said: dict[str, Any] = {"host": self.host, "port": self.port, "user": user, "password": password, **tls}
        return pymysql.connect(**said, autocommit=True, connect_timeout=10, read_timeout=20, **more)

    def written(self) -> str:
        logs = (self.log, self.directory / "error.log")
        return "".join(log.read_text(encoding="utf-8", errors="replace") for log in logs)


def run(owner: Client, script: str) -> None:
    """Statement by statement, as a client would that is given it."""
    lines = [line for line in script.splitlines() if not line.lstrip().startswith("--")]
    for statement in "\n".join(lines).split(";"):
        if statement.strip():
            with owner.cursor() as cursor:
                cursor.execute(statement)


def ask(owner: Client, statement: str) -> Sequence[tuple[Any, ...]]:
    with owner.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def prepare(server: MariaDb) -> None:
    """The shop, and what the page says to do for the bot."""
    with server.owner() as owner:
        run(owner, SHOP)
        run(owner, SCRIPTS["bot"].replace("A-LONG-RANDOM-PASSWORD", BOT_PASSWORD))
        run(owner, SCRIPTS["roles"])
        run(owner, SCRIPTS["rights"])
        run(owner, "GRANT orders_fix TO countersign@'%' WITH ADMIN OPTION")


@contextmanager
def serving(*more: str) -> Iterator[MariaDb]:
    with TemporaryDirectory(prefix="cs-mariadb-", dir="/tmp") as directory:
        server = MariaDb(Path(directory))
        server.install()
        server.start(*more)
        try:
            prepare(server)
            yield server
        finally:
            server.stop()
