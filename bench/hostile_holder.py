"""The end of one access on a real PostgreSQL: quiet, against a hostile holder, and with very many tables of theirs."""

import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Event, Thread

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from access.errors import ProviderError
from access.ids import GrantId, ulid
from access.ports import Deadline, GrantSpec, SecretReference
from bench.figures import Figure, quantile
from bench.servers import Servers, TookTooLong, say, wait_for
from countersign.demo.target import DATABASE, READ, Target, prepare
from countersign.embedded.postgres import EmbeddedPostgres
from workers.providers.postgres import Postgres, Settings
from workers.providers.postgres.login import login_name

_GOAL = 2000.0
_CALL_SECONDS = 10.0
_PATIENCE = 30.0
_BATCH = 500
_CLIENTS = 2
_HIDDEN_SECONDS = 5
_LOCK_OWN_ROW = b"ALTER ROLE CURRENT_USER PASSWORD 'of my own'"


@dataclass(frozen=True)
class Holder:
    """Who has one access."""

    target: Target
    spec: GrantSpec
    dsn: str

    @property
    def login(self) -> str:
        return login_name(self.spec)

    def connect(self, options: str = "") -> psycopg.Connection:
        return psycopg.connect(self.dsn, autocommit=True, options=options)


def measure(servers: Servers, *, samples: int, crowded: int, tables: int) -> list[Figure]:
    """So many ends of each kind; of those with `tables` tables only `crowded`, for these take long to make."""
    server = EmbeddedPostgres(servers.directory / "hostile", settings={"max_prepared_transactions": "10"}).start()
    try:
        target = prepare(server)
        file = servers.directory / "hostile.dsn"
        file.write_text(target.bot_dsn, encoding="utf-8")
        with closing(Postgres(Settings(dsn=SecretReference(file=str(file))))) as provider:
            say(f"  hostile holder: {samples} ends undisturbed, as many against him, {crowded} with {tables} tables")
            floor = [_bare_end(server, target) for _ in range(samples)]
            ends = partial(_ends, provider, target)
            kinds = {
                "end of one access": ends(samples, _undisturbed),
                "end against a hostile holder": ends(samples, _hostile),
                f"end with {tables:,} tables of the holder": ends(crowded, partial(_crowded, tables=tables)),
            }
    finally:
        server.remove()
    return [
        Figure(
            name=f"{name}, p99", value=1000 * quantile(seconds, 0.99), unit="ms", floor=1000 * quantile(floor, 0.99),
            goal=None if name == "end of one access" else _GOAL, samples=len(seconds),
        )
        for name, seconds in kinds.items()
    ]  # fmt: skip


Played = Callable[[Holder], Generator[None]]


def _ends(provider: Postgres, target: Target, count: int, played: Played) -> list[float]:
    """Seconds each, from the first call until the target said that nothing is there."""
    return [_end(provider, target, played) for _ in range(count)]


def _end(provider: Postgres, target: Target, played: Played) -> float:
    now = datetime.now(UTC)
    spec = GrantSpec(
        grant_id=GrantId(ulid(now)), resource="customers-db", role="read", definition={"grants": [READ]},
        settings={}, scope={}, principal="ann", expires_at=now + timedelta(hours=1),
    )  # fmt: skip
    receipt = provider.grant(spec, Deadline.after(_CALL_SECONDS)).receipt
    secret = provider.reveal(spec, receipt, Deadline.after(_CALL_SECONDS))
    shown = {label: value.get_secret_value() for label, value in secret.fields}
    dsn = make_conninfo(target.bot_dsn, user=shown["Login"], password=shown["Password"])
    with contextmanager(played)(Holder(target, spec, dsn)):
        began = time.perf_counter()
        while time.perf_counter() - began < _PATIENCE:
            with suppress(ProviderError):
                removal = provider.revoke(spec, receipt, Deadline.after(_CALL_SECONDS))
                if removal.state == "pending":
                    time.sleep(removal.look_again.total_seconds() if removal.look_again else 0)
                elif not provider.observe(spec, receipt, Deadline.after(_CALL_SECONDS)).present:
                    return time.perf_counter() - began
    raise TookTooLong(f"the access of a holder was not ended in {_PATIENCE:g} s")


def _bare_end(server: EmbeddedPostgres, target: Target) -> float:
    """The same by the driver alone on a warm connection of the bot: rights, sessions, way in, login, and a look."""
    with psycopg.connect(target.bot_dsn, autocommit=True) as bot:
        bot.execute(f"CREATE ROLE bare LOGIN; GRANT {READ} TO bare WITH INHERIT TRUE, SET FALSE".encode())
        bot.execute("ALTER ROLE bare PASSWORD 'bare'")
        dsn = server.dsn(user="bare", password="bare", database=DATABASE)
        with psycopg.connect(dsn, autocommit=True):
            began = time.perf_counter()
            bot.execute(f"REVOKE {READ} FROM bare".encode())
            bot.execute("ALTER ROLE bare NOLOGIN VALID UNTIL '-infinity' PASSWORD NULL")
            sessions = b"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'bare'"
            while bot.execute(sessions).fetchall():
                pass
            bot.execute("DROP ROLE bare")
            bot.execute("SELECT FROM pg_roles WHERE rolname = 'bare'").fetchall()
            return time.perf_counter() - began


def _undisturbed(holder: Holder) -> Generator[None]:
    with closing(holder.connect()):
        yield


def _hostile(holder: Holder) -> Generator[None]:
    """The own row locked in a prepared transaction, clients that come back at once, a session that hides."""
    with holder.connect() as session:
        session.execute("BEGIN")
        session.execute(_LOCK_OWN_ROW)
        session.execute(sql.SQL("PREPARE TRANSACTION {}").format(sql.Literal(holder.login)))
    over = Event()
    threads = [Thread(target=_keep_coming, args=(holder, over)) for _ in range(_CLIENTS)]
    threads.append(Thread(target=_hide, args=(holder, over)))
    for thread in threads:
        thread.start()
    with psycopg.connect(holder.target.superuser_dsn, autocommit=True) as superuser:
        hidden = "SELECT 1 FROM pg_stat_activity WHERE usesysid IS NULL AND backend_type = 'client backend'"
        wait_for(lambda: superuser.execute(hidden).fetchone(), "the session that hides")
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()
            with suppress(psycopg.errors.UndefinedObject):
                superuser.execute(sql.SQL("ROLLBACK PREPARED {}").format(sql.Literal(holder.login)))


def _keep_coming(holder: Holder, over: Event) -> None:
    while not over.is_set():
        with suppress(psycopg.Error), holder.connect("-c lock_timeout=20ms") as client:
            while not over.wait(0.02):
                with suppress(psycopg.errors.LockNotAvailable):
                    client.execute(_LOCK_OWN_ROW)
        over.wait(0.002)


def _hide(holder: Holder, over: Event) -> None:
    with suppress(psycopg.Error), holder.connect(f"-c post_auth_delay={_HIDDEN_SECONDS}"):
        over.wait(_PATIENCE)


def _crowded(holder: Holder, *, tables: int) -> Generator[None]:
    """Made in batches, for all at once they would not fit into the lock table; so they are dropped."""
    with psycopg.connect(holder.target.superuser_dsn, autocommit=True) as superuser:
        superuser.execute("CREATE SCHEMA crowded; GRANT USAGE, CREATE ON SCHEMA crowded TO PUBLIC")
        with holder.connect() as session:
            _in_batches(session, tables, "CREATE TABLE crowded.t{} (i integer);")
        try:
            with closing(holder.connect()):
                yield
        finally:
            _in_batches(superuser, tables, "DROP TABLE IF EXISTS crowded.t{};")
            superuser.execute("DROP SCHEMA crowded CASCADE")
            login = sql.Identifier(holder.login)
            with suppress(psycopg.errors.UndefinedObject):
                superuser.execute(sql.SQL("DROP OWNED BY {}; DROP ROLE {}").format(login, login))


def _in_batches(session: psycopg.Connection, count: int, statement: str) -> None:
    for first in range(0, count, _BATCH):
        numbers = range(first, min(first + _BATCH, count))
        session.execute("".join(statement.format(number) for number in numbers).encode())
