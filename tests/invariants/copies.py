"""Older copies of the store: taken and put back within milliseconds, for a machine lives through many of them."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import SQLModel

from access.store import Database

_COPY = "copy_of_public"


class Copies:
    """One copy at a time."""

    def __init__(self, database: Database, directory: Path) -> None:
        self._database = database
        self._kept = directory / "store.copy"
        self._tables = [table.name for table in SQLModel.metadata.sorted_tables]

    def take(self) -> None:
        """Of now, while nobody writes."""
        if self._database.dialect == "sqlite":
            self._database.close()  # the last connection folds the write-ahead log into the file
            shutil.copy(self._file, self._kept)
            return
        with self._as_operator() as connection:
            connection.execute(sa.text(f"DROP SCHEMA IF EXISTS {_COPY} CASCADE"))
            connection.execute(sa.text(f"CREATE SCHEMA {_COPY}"))
            for table in self._tables:
                connection.execute(sa.text(f'CREATE TABLE {_COPY}."{table}" AS TABLE public."{table}"'))

    def put_back(self) -> None:
        """The store is what it was; what was written since is gone."""
        if self._database.dialect == "sqlite":
            self._database.close()
            for leftover in self._file.parent.glob(f"{self._file.name}-*"):
                leftover.unlink()
            shutil.copy(self._kept, self._file)
            return
        with self._as_operator() as connection:
            for table in reversed(self._tables):
                connection.execute(sa.text(f'DELETE FROM public."{table}"'))
            for table in self._tables:
                connection.execute(sa.text(f'INSERT INTO public."{table}" SELECT * FROM {_COPY}."{table}"'))

    def forget(self) -> None:
        """The file goes with its directory."""
        if self._database.dialect == "sqlite":
            return
        with self._as_operator() as connection:
            connection.execute(sa.text(f"DROP SCHEMA IF EXISTS {_COPY} CASCADE"))

    @property
    def _file(self) -> Path:
        return Path(str(self._database.url.database))

    @contextmanager
    def _as_operator(self) -> Iterator[sa.Connection]:
        """Who restores may write over the audit log."""
        with self._database.engine().begin() as connection:
            connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
            yield connection
