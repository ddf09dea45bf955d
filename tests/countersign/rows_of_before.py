"""A database as the version before left it, and rows as that version writes them."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import command

from access.store import Database
from countersign import schema

REVISION = "0015"
"""Of the version before."""
NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)
_VALUES: dict[type[sa.types.TypeEngine[Any]], Any] = {
    sa.Boolean: False, sa.Integer: 1, sa.DateTime: NOW, sa.JSON: {}, sa.String: "-",
}  # fmt: skip


def at_the_revision_before(database: Database) -> sa.MetaData:
    """Its tables."""
    database.create()
    with database.engine().connect() as connection:
        config = schema._config()
        config.attributes["connection"] = connection
        command.upgrade(config, REVISION)
    return tables_of(database)


def tables_of(database: Database) -> sa.MetaData:
    """As they are in the database, which may be another version's."""
    found = sa.MetaData()
    with database.engine().connect() as connection:
        found.reflect(connection)
    return found


def a_row(table: sa.Table, **values: Any) -> dict[str, Any]:
    """With all that must be said; only of columns that the table has."""
    said = {
        column.name: _value(column) for column in table.columns if not column.nullable and column.server_default is None
    }
    return said | values


def _value(column: sa.Column[Any]) -> Any:
    return next(value for kind, value in _VALUES.items() if isinstance(column.type, kind))
