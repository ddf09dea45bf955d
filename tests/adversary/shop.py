"""The shop on a server where things can go wrong: its people, the roles that the bot can give, and how all connect."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from countersign.demo.target import BOT, DATABASE, Target, prepare
from countersign.embedded.postgres import EmbeddedPostgres
from tests.contracts.membership_world import prepare_older

PASSWORD = "of their own"
ELSEWHERE = "elsewhere"
"""A database that the bot may not enter."""
SQUARE = "square"
"""A database that PUBLIC may connect to, as every new one is."""

SETTINGS = {
    "fsync": "off",
    "max_prepared_transactions": "5",
    "max_connections": "25",
    # A small lock table: what takes 12,000 tables elsewhere takes hundreds here.
    "max_locks_per_transaction": "10",
    "deadlock_timeout": "5s",
    "autovacuum": "off",
}

_SERVER = """
ALTER ROLE countersign CREATEROLE;
CREATE ROLE reads; CREATE ROLE writes; CREATE ROLE creates; CREATE ROLE inner_role; CREATE ROLE through;
CREATE ROLE extra; CREATE ROLE bystanders; CREATE ROLE connects;
GRANT CONNECT ON DATABASE shop TO reads, writes, creates, inner_role, extra, connects;
GRANT TEMPORARY ON DATABASE shop TO creates;
GRANT inner_role TO through;
"""
_GIVEN = ("reads", "writes", "creates", "through", "connects")

_SHOP = """
CREATE TABLE vault (id integer PRIMARY KEY, word text NOT NULL);
INSERT INTO vault SELECT i, 'word ' || i FROM generate_series(1, 20000) AS i;
CREATE TABLE ledger (id integer PRIMARY KEY, word text NOT NULL);
INSERT INTO ledger SELECT i, 'line ' || i FROM generate_series(1, 50) AS i;
CREATE TABLE extra_vault (word text); INSERT INTO extra_vault VALUES ('more');
GRANT SELECT ON vault TO reads, creates, inner_role;
GRANT SELECT, INSERT, UPDATE ON ledger TO writes;
GRANT SELECT ON extra_vault TO extra;
GRANT USAGE, CREATE ON SCHEMA public TO eve;
CREATE SCHEMA workshop; GRANT USAGE ON SCHEMA workshop TO PUBLIC; GRANT CREATE ON SCHEMA workshop TO creates;
"""

STANDING = ("ann", "lea", "eve", "mallory")
"""People with logins of their own that may connect and nothing else; Mallory is Ann's accomplice."""


@dataclass(frozen=True)
class Shop:
    """One server with the shop on it."""

    server: EmbeddedPostgres
    target: Target
    superuser: psycopg.Connection
    """In the shop; the eye of the judge and the hand that cleans up."""

    @property
    def version(self) -> int:
        return self.superuser.info.server_version // 10000

    def dsn(self, user: str, password: str = PASSWORD, database: str = DATABASE, options: str = "") -> str:
        dsn = self.server.dsn(user=user, password=password, database=database)
        return make_conninfo(dsn, connect_timeout=5, **({"options": options} if options else {}))

    def administrator(self, database: str = DATABASE) -> psycopg.Connection:
        """A new session of the superuser, as a DBA has one."""
        return psycopg.connect(self.server.dsn(database=database), autocommit=True)

    def log_size(self) -> int:
        return self.server.log.stat().st_size

    def log_since(self, size: int) -> str:
        with self.server.log.open("rb") as log:
            log.seek(size)
            return log.read().decode(errors="replace")


@contextmanager
def serving(directory: Path, bin_dir: Path | None = None) -> Iterator[Shop]:
    """The shop on a server of its own; with `bin_dir` on another version."""
    settings = SETTINGS if bin_dir else SETTINGS | {"reserved_connections": "2", "scram_iterations": "1"}
    server = EmbeddedPostgres(directory, bin_dir=bin_dir, settings=settings).start()
    try:
        shop = prepare_older(server) if bin_dir else prepare(server)
        with psycopg.connect(shop.superuser_dsn, autocommit=True) as superuser:
            _furnish(superuser)
            _open_databases(superuser)
            superuser.execute("SET search_path = ''")  # the judge believes no planted name either
            yield Shop(server, shop, superuser)
    finally:
        server.remove()


def _furnish(superuser: psycopg.Connection) -> None:
    older = superuser.info.server_version < 160000
    superuser.execute(_SERVER.replace("ALTER ROLE countersign CREATEROLE;", "") if older else _SERVER)
    options = "WITH ADMIN OPTION" if older else "WITH ADMIN TRUE, INHERIT FALSE, SET FALSE"
    superuser.execute(f"GRANT {', '.join(_GIVEN)} TO {BOT} {options}".encode())
    if not older:
        superuser.execute(f"GRANT pg_use_reserved_connections TO {BOT}".encode())
    for person in STANDING:
        login = sql.Identifier(person)
        superuser.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(login, sql.Literal(PASSWORD)))
        superuser.execute(sql.SQL("GRANT CONNECT ON DATABASE shop TO {}").format(login))
    superuser.execute(_SHOP)


def _open_databases(superuser: psycopg.Connection) -> None:
    superuser.execute(f"CREATE DATABASE {ELSEWHERE}".encode())
    superuser.execute(f"CREATE DATABASE {SQUARE}".encode())
    superuser.execute(f"REVOKE CONNECT ON DATABASE {ELSEWHERE} FROM PUBLIC".encode())
    superuser.execute(f"GRANT CONNECT ON DATABASE {ELSEWHERE} TO creates".encode())
