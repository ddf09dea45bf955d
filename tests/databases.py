"""Databases for tests: copies of one that is on the newest revision, made once a session."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from access.audit import GENESIS
from access.store import Database
from countersign import schema

MEMORY = Path("/dev/shm")
"""Where Linux keeps files in memory: a commit that waits for a disk teaches a test nothing."""


class SqliteFiles:
    """Copies of one migrated file."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._template = directory / "template.db"
        database = Database(f"sqlite:///{self._template}")
        schema.migrate(database)
        database.close()  # the last connection folds the write-ahead log into the file

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """A file of its own."""
        file = self._directory / f"{uuid4()}.db"
        shutil.copy(self._template, file)
        yield f"sqlite:///{file}"
        self._remove(file)

    @contextmanager
    def unmigrated(self) -> Iterator[str]:
        """One that has no schema."""
        file = self._directory / f"{uuid4()}.db"
        yield f"sqlite:///{file}"
        self._remove(file)

    @contextmanager
    def emptied(self) -> Iterator[Database]:
        """The same one for test after test, emptied: it keeps the statements that it has compiled."""
        file = Path(str(self._kept.url.database))
        shutil.copy(self._template, file)
        yield self._kept
        self._kept.close()
        self._remove(file)

    @cached_property
    def _kept(self) -> Database:
        return Database(f"sqlite:///{self._directory / 'kept.db'}")

    def _remove(self, file: Path) -> None:
        for leftover in file.parent.glob(f"{file.name}*"):
            leftover.unlink()


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

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """A database of its own."""
        name = self._create("countersign_template")
        yield self._url(name)
        self._drop(name)

    @contextmanager
    def unmigrated(self) -> Iterator[str]:
        """One that has no schema."""
        name = self._create("template0")
        yield self._url(name)
        self._drop(name)

    @contextmanager
    def emptied(self) -> Iterator[Database]:
        """The same one for test after test, emptied: it keeps its connections, and to make one takes half a second."""
        yield self._kept
        self._cleaner.execute(self._cleaning)

    def close(self) -> None:
        if "_kept" in vars(self):
            self._kept.close()
        if "_cleaner" in vars(self):
            self._cleaner.close()

    @cached_property
    def _cleaner(self) -> psycopg.Connection[Any]:
        connection = psycopg.connect(self._url(str(self._kept.url.database)), autocommit=True)
        connection.execute("SET lock_timeout = '5s'")
        connection.execute("SET session_replication_role = replica")  # else the audit log refuses, and rightly so
        return connection

    @cached_property
    def _cleaning(self) -> sql.Composed:
        """All at once: a statement for each table takes longer than many a test."""
        tables = self._cleaner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        emptied = [name for (name,) in tables if name not in ("alembic_version", "audit_head")]
        statements = [sql.SQL("DELETE FROM {}").format(sql.Identifier(name)) for name in emptied]
        first = sql.SQL("UPDATE audit_head SET seq = 0, at = to_timestamp(0), hash = {}").format(sql.Literal(GENESIS))
        return sql.SQL("; ").join([*statements, first])

    @cached_property
    def _kept(self) -> Database:
        return Database(self._url(self._create("countersign_template")))

    def _create(self, template: str) -> str:
        self._made += 1
        name = f"countersign_{self._made}"
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            connection.execute(copy.format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def _drop(self, name: str) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _url(self, name: str) -> str:
        parts = conninfo_to_dict(self._dsn)
        return f"postgresql://{parts['user']}:{parts['password']}@{parts['host']}:{parts['port']}/{name}"
