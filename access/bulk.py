"""Statements about many rows that take all of them as one parameter.

Their text is the same for two rows and for two hundred, so that driver and server know it again: to expand a list into
as many parameters, and to read the statement that comes of it, takes longer than to carry it out. PostgreSQL takes the
rows as JSON and works through them in one go; SQLite's driver is quick with one row after the other.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeDecorator
from sqlmodel import SQLModel

Key = tuple[tuple[str, bool], ...]
"""What a row is expected to have: names of columns, and whether the value is missing."""


def table_of(row: type[SQLModel]) -> sa.Table:
    return cast("sa.Table", getattr(row, "__table__"))  # noqa: B009 -- SQLModel does not declare it


class TextList(TypeDecorator[list[str]]):
    """A list of texts as one parameter: an array of PostgreSQL's, the JSON of one for SQLite."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        listed = postgresql.ARRAY(sa.Text) if dialect.name == "postgresql" else sa.Text()
        return dialect.type_descriptor(listed)

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        texts = list(map(str, value or ()))  # the driver would name a member of an enumeration by its type
        return texts if dialect.name == "postgresql" else json.dumps(texts)


def one_of(column: Any, name: str, dialect: str) -> sa.ColumnElement[bool]:
    """Whether it is one of the texts that the parameter of this name lists."""
    given = sa.bindparam(name, type_=TextList())
    if dialect == "postgresql":
        return sa.type_coerce(column, sa.Text()) == sa.any_(given)
    return column.in_(sa.select(sa.func.json_each(given).table_valued("value").c.value))


def insert_all(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts these, all with the same columns."""
    if connection.dialect.name == "postgresql":
        connection.execute(_insert(table, tuple(rows[0]), unless_there=False), {"rows": _ENCODE(rows)})
    else:
        connection.execute(sa.insert(table), rows)


def insert_all_unless_there(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """Inserts those that are not there, all with the same columns; the ids of those inserted."""
    names = tuple(rows[0])
    if connection.dialect.name == "postgresql":
        statement, given = _insert(table, names, unless_there=True), _ENCODE(rows)
    else:
        processors = _processors(table, names, connection.dialect)
        bound = [[bind(row[name]) if bind else row[name] for name, bind in processors] for row in rows]
        statement, given = _insert_on_sqlite(table, names), _ENCODE(bound)
    return set(connection.execute(statement, {"rows": given}).scalars())


def update_all(
    connection: sa.Connection, table: sa.Table, seen: Key, values: tuple[str, ...], rows: Sequence[Mapping[str, Any]]
) -> int:
    """On PostgreSQL: changes rows that are held to `new_` values while they have the `seen_` ones; returns how many."""
    return connection.execute(_update(table, seen, values), {"rows": _ENCODE(rows)}).rowcount


@cache
def _insert(table: sa.Table, names: tuple[str, ...], *, unless_there: bool) -> sa.Executable:
    given = _given({name: table.c[name] for name in names})
    columns = {name: given.c[name] for name in names} | _defaults(table, names)
    chosen = sa.select(*columns.values())
    insert = postgresql.insert(table).from_select(list(columns), chosen, include_defaults=False)
    return insert.on_conflict_do_nothing().returning(table.c.id) if unless_there else insert


@cache
def _insert_on_sqlite(table: sa.Table, names: tuple[str, ...]) -> sa.Executable:
    """As values of the driver's own, in the order of these names."""
    row = sa.func.json_each(sa.bindparam("rows", type_=sa.Text)).table_valued("value")
    found = [sa.func.json_extract(row.c.value, sa.literal_column(f"'$[{number}]'")) for number in range(len(names))]
    columns = dict(zip(names, found, strict=True)) | _defaults(table, names)
    # Without a condition SQLite would read what follows as one of a join.
    chosen = sa.select(*columns.values()).where(sa.literal_column("true"))
    insert = sqlite.insert(table).from_select(list(columns), chosen, include_defaults=False)
    return insert.on_conflict_do_nothing().returning(table.c.id)


def _defaults(table: sa.Table, names: Sequence[str]) -> dict[str, Any]:
    """What stands in the columns that are not given."""
    return {
        column.name: sa.literal(column.default.arg, column.type)
        for column in table.columns
        if column.name not in names and isinstance(column.default, sa.ColumnDefault) and column.default.is_scalar
    }


@cache
def _processors(
    table: sa.Table, names: tuple[str, ...], dialect: sa.Dialect
) -> list[tuple[str, Callable[[Any], Any] | None]]:  # fmt: skip
    return [(name, table.c[name].type.dialect_impl(dialect).bind_processor(dialect)) for name in names]


@cache
def _update(table: sa.Table, seen: Key, values: tuple[str, ...]) -> sa.Update:
    expected = {f"seen_{name}": table.c[name] for name, missing in seen if not missing}
    new = {f"new_{name}": table.c[name] for name in values}
    given = _given({"identifier": table.c.id, **expected, **new})
    conditions = [
        table.c[name].is_(None) if missing else table.c[name] == given.c[f"seen_{name}"] for name, missing in seen
    ]
    changed = sa.update(table).where(table.c.id == given.c.identifier, *conditions)
    return changed.values({name: given.c[f"new_{name}"] for name in values})


def _given(columns: Mapping[str, sa.Column[Any]]) -> sa.TableValuedAlias:
    """The rows that the parameter `rows` holds."""
    rows = sa.cast(sa.bindparam("rows", type_=sa.Text), sa.JSON)
    typed = [sa.column(name, column.type) for name, column in columns.items()]
    return sa.func.json_to_recordset(rows).table_valued(*typed).render_derived(name="given", with_types=True)


def _plain(value: object) -> str:
    """A time, which is all that rows hold beside what JSON knows. Raises ValueError for one without a zone."""
    if not isinstance(value, datetime):
        raise TypeError(f"{type(value).__name__} is not for a column")
    if value.tzinfo is None:
        raise ValueError(f"a naive time reached the database: {value!r}")
    return value.isoformat()


_ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain).encode
