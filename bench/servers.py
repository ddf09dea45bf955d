"""What the benchmarks stand on: a PostgreSQL, a Valkey, fresh stores, and the product's own processes."""

import os
import secrets
import sys
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Literal, TypeVar

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from redis import Redis

from access.settings import Settings
from access.store import Database
from countersign import schema
from countersign.embedded.postgres import EmbeddedPostgres
from countersign.embedded.valkey import EmbeddedValkey
from countersign.supervisor import Child, Supervisor
from countersign.up import children

Kind = Literal["SQLite", "PostgreSQL"]
KINDS: tuple[Kind, ...] = ("SQLite", "PostgreSQL")
T = TypeVar("T")


class TookTooLong(Exception):
    """What a benchmark waited for did not happen."""


@dataclass(frozen=True)
class Servers:
    """One PostgreSQL, as a target and as a store, and one Valkey, for the whole run."""

    directory: Path
    postgres: EmbeddedPostgres
    valkey: EmbeddedValkey

    @contextmanager
    def store(self, kind: Kind) -> Generator[str]:
        """The URL of an empty store on the newest revision; Redis is emptied too."""
        with Redis.from_url(self.valkey.url) as redis:
            redis.flushall()
        name = f"store_{secrets.token_hex(4)}"
        with self._created(kind, name) as url:
            database = Database(url)
            schema.migrate(database)
            database.close()
            yield url

    @contextmanager
    def _created(self, kind: Kind, name: str) -> Generator[str]:
        if kind == "SQLite":
            yield f"sqlite:///{self.directory / name}.db"
            return
        with psycopg.connect(self.postgres.superuser_dsn, autocommit=True) as connection:
            parts = conninfo_to_dict(self.postgres.superuser_dsn)
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            yield f"postgresql://{parts['user']}:{parts['password']}@{parts['host']}:{parts['port']}/{name}"
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def environment(self, *, store: str, policy: str, **more: str) -> dict[str, str]:
        """What the product's processes are told; the policy is written into a new state directory."""
        # Its own for each store: one that remembers another database takes this one for a backup.
        state = Path(mkdtemp(prefix="state-", dir=self.directory))
        file = state / "access.yml"
        file.write_text(policy, encoding="utf-8")
        return inherited() | {
            "DATABASE_URL": store,
            "REDIS_URL": self.valkey.url,
            "COUNTERSIGN_POLICY": str(file),
            "COUNTERSIGN_STATE": str(state),
            "COUNTERSIGN_LOG_LEVEL": "WARNING",
        } | more  # fmt: skip


def inherited() -> dict[str, str]:
    """The few words of our own environment that a process needs to run at all; it must find this package."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ", "TMPDIR") if name in os.environ}
    return kept | {"PYTHONPATH": str(Path(__file__).parent.parent)}


@contextmanager
def serving(directory: Path) -> Generator[Servers]:
    """Starts the servers in `directory`; ends them."""
    with ExitStack() as stack:
        postgres = stack.enter_context(EmbeddedPostgres(directory / "postgres"))
        stack.callback(postgres.remove)
        valkey = stack.enter_context(EmbeddedValkey(directory / "valkey"))
        yield Servers(directory, postgres, valkey)


@contextmanager
def running(children: Sequence[Child], write: Callable[[str], None] | None = None) -> Generator[Supervisor]:
    """Runs these processes until left; then ends them. `write` takes what they print."""
    supervisor = Supervisor(children, write=write or say)
    thread = threading.Thread(target=supervisor.run, name="supervisor", daemon=True)
    thread.start()
    try:
        yield supervisor
    finally:
        supervisor.stop()
        thread.join()


def of_one_host(environment: Mapping[str, str], *names: str) -> list[Child]:
    """The processes that `countersign up` would start; with `names` only these."""
    settings = Settings.read(environment)
    database = Database(settings.database_url)
    found = children(settings, database, environment)
    database.close()
    return [child for child in found if not names or child.name in names]


def python(name: str, environment: Mapping[str, str], *arguments: str) -> Child:
    """`python -m <arguments>`."""
    return Child(name, [sys.executable, "-m", *arguments], environment)


def wait_for(look: Callable[[], T], what: str, *, within: float = 30.0, every: float = 0.02) -> T:
    """The first true answer. Raises TookTooLong."""
    end = time.monotonic() + within
    while not (found := look()):
        if time.monotonic() > end:
            raise TookTooLong(f"waited {within:g} s in vain for {what}")
        time.sleep(every)
    return found


def say(words: str) -> None:
    """A line of progress."""
    print(words, flush=True)
