"""A PostgreSQL in recovery: it holds our schema and takes no changes, as a standby whose primary is gone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from access.store import Database
from countersign import schema
from countersign.embedded.postgres import EmbeddedPostgres


@contextmanager
def standby(directory: Path) -> Iterator[str]:
    """Its DATABASE_URL."""
    server = EmbeddedPostgres(directory, settings={"fsync": "off"}).start()
    try:
        database = Database(_url(server))
        schema.migrate(database)
        database.close()
        server.stop()
        Path(server._data, "standby.signal").touch()
        server.start()
        yield _url(server)
    finally:
        server.remove()


def _url(server: EmbeddedPostgres) -> str:
    parts = conninfo_to_dict(server.superuser_dsn)
    return f"postgresql://{parts['user']}:{parts['password']}@{parts['host']}:{parts['port']}/postgres"
