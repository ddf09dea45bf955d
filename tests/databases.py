"""Fresh databases for tests: a copy of one that is on the newest revision, made once a session."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from access.store import Database
from countersign import schema

MEMORY = Path("/dev/shm")
"""Where Linux keeps files in memory: a commit that waits for a disk teaches a test nothing."""


class SqliteFiles:
    """Copies of one migrated file."""

    def __init__(self, directory: Path) -> None:
        self._template = directory / "template.db"
        database = Database(f"sqlite:///{self._template}")
        schema.migrate(database)
        database.close()  # the last connection folds the write-ahead log into the file

    @contextmanager
    def fresh(self) -> Iterator[str]:
        with tempfile.TemporaryDirectory(prefix="countersign-", dir=MEMORY if MEMORY.is_dir() else None) as directory:
            file = Path(directory) / "countersign.db"
            shutil.copy(self._template, file)
            yield f"sqlite:///{file}"


class PostgresDatabases:
    """Databases made from one migrated template on a running server."""

    def __init__(self, superuser_dsn: str) -> None:
        self._dsn = superuser_dsn
        self._made = 0
        with psycopg.connect(superuser_dsn, autocommit=True) as connection:
            connection.execute("CREATE DATABASE countersign_template")
        database = Database(self._url("countersign_template"))
        schema.migrate(database)
        database.close()

    def _url(self, name: str) -> str:
        parts = conninfo_to_dict(self._dsn)
        return f"postgresql://{parts['user']}:{parts['password']}@{parts['host']}:{parts['port']}/{name}"

    @contextmanager
    def fresh(self) -> Iterator[str]:
        self._made += 1
        name = f"countersign_{self._made}"
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE countersign_template STRATEGY file_copy").format(
                    sql.Identifier(name)
                )
            )
            yield self._url(name)
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
