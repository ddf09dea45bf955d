"""Backups of our own store, as an operator takes and restores them."""

import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

Restore = Callable[[], None]
"""Puts the database back to what it was. Nobody may be connected."""


def backup(url: str) -> Restore:
    """Taken now, while nobody is connected."""
    parsed = make_url(url)
    name = parsed.database
    assert name is not None
    if parsed.get_backend_name() == "sqlite":
        return _of_file(Path(name))
    return _of_server(url, name)


def _of_file(file: Path) -> Restore:
    kept = file.with_suffix(f".{uuid4()}.backup")
    shutil.copy(file, kept)

    def restore() -> None:
        for leftover in file.parent.glob(f"{file.name}-*"):  # the write-ahead log of the newer life
            leftover.unlink()
        shutil.copy(kept, file)

    return restore


def _of_server(url: str, name: str) -> Restore:
    kept = f"backup_{uuid4().hex}"
    server = make_url(url).set(database="postgres").render_as_string(hide_password=False)
    _copy(server, name, kept)

    def restore() -> None:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        _copy(server, kept, name)

    return restore


def _copy(server: str, source: str, copy: str) -> None:
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement.format(sql.Identifier(copy), sql.Identifier(source)))
