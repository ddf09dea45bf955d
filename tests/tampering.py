"""What somebody does who has the database itself in hand: the log's own refusal to change is switched off first."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from access.store import Database


def tamper(database: Database, statement: str, **values: object) -> None:
    """Runs one statement on the audit log as its thief would."""
    with unguarded(database) as connection:
        connection.execute(sa.text(statement), values)


@contextmanager
def unguarded(database: Database) -> Iterator[sa.Connection]:
    """A transaction in which the log can be changed."""
    with database.engine().begin() as connection:
        if database.dialect == "sqlite":
            guards = connection.exec_driver_sql(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE 'audit!_%' ESCAPE '!'"
            )
            for name in guards.scalars().all():
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        yield connection
