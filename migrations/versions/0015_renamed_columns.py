"""Columns by the field's words (ADR 29). Under both names for one version: whoever writes one writes the other."""

from functools import partial

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
changed_tables = ("grant", "share", "alert", "notice", "look")
_MOMENT = sa.DateTime(timezone=True)
_RENAMED: dict[str, dict[str, tuple[str, sa.types.TypeEngine[object], str | None]]] = {
    "notice": {
        "wanted": ("wanted_version", sa.Integer(), "1"),
        "shown": ("shown_version", sa.Integer(), "0"),
        "told_at": ("delivered_at", _MOMENT, None),
    },
    "alert": {"told_at": ("delivered_at", _MOMENT, None)},
    "grant": {
        "continues": ("supersedes_grant_id", sa.String(), None),
        "behind_since": ("target_expiry_stale_since", _MOMENT, None),
        "second_look_at": ("recheck_after", _MOMENT, None),
    },
    "share": {"taken_by": ("locked_by", sa.String(), None), "taken_until": ("locked_until", _MOMENT, None)},
}
"""By table and old name: the new name, its type, and what stands there where no value is given."""


def upgrade() -> None:
    # Kinds grow with every feature, and to widen a check SQLite writes the whole table anew.
    for table in ("alert", "look"):
        with op.batch_alter_table(table) as changed:
            changed.drop_constraint(f"ck_{table}_kind_known", type_="check")
    with op.batch_alter_table("notice") as changed:
        changed.drop_constraint("ck_notice_kind_known", type_="check")
        # The new version does not write the old names itself, so that they need a default.
        changed.alter_column("wanted", existing_type=sa.Integer(), existing_nullable=False, server_default="1")
        changed.alter_column("shown", existing_type=sa.Integer(), existing_nullable=False, server_default="0")
    for table, columns in _RENAMED.items():
        for new, kind, default in columns.values():
            op.add_column(table, sa.Column(new, kind, nullable=default is None, server_default=default))
        names = [name for old, (new, _, _) in columns.items() for name in (old, new)]
        rows = sa.table(table, *(sa.column(name) for name in names))
        op.execute(rows.update().values({new: rows.c[old] for old, (new, _, _) in columns.items()}))
        for statement in _kept_the_same(table, op.get_bind().dialect.name):
            op.execute(statement)


def downgrade() -> None:
    for table, columns in _RENAMED.items():
        if op.get_bind().dialect.name == "postgresql":
            op.execute(f"DROP FUNCTION renamed_{table}() CASCADE")
        else:
            for new, _, _ in columns.values():
                for event in ("inserted", "old", "new"):
                    op.execute(f"DROP TRIGGER renamed_{table}_{new}_{event}")
        for new, _, _ in columns.values():
            op.drop_column(table, new)


def _kept_the_same(table: str, dialect: str) -> list[str]:
    if dialect == "postgresql":
        return _by_function(table)
    return [
        statement
        for old, (new, _, default) in _RENAMED[table].items()
        for statement in _by_triggers(table, old, new, default or "NULL")
    ]


def _by_function(table: str) -> list[str]:
    """Before the row is written. What was inserted with the default was given under the other name."""
    columns = [(old, new, default or "NULL") for old, (new, _, default) in _RENAMED[table].items()]
    inserted = "".join(
        f"IF NEW.{new} IS NOT DISTINCT FROM {default} THEN NEW.{new} := NEW.{old}; "
        f"ELSE NEW.{old} := NEW.{new}; END IF; "
        for old, new, default in columns
    )
    updated = "".join(
        f"IF NEW.{old} IS DISTINCT FROM OLD.{old} THEN NEW.{new} := NEW.{old}; ELSE NEW.{old} := NEW.{new}; END IF; "
        for old, new, _ in columns
    )
    differs = " OR ".join(f"NEW.{old} IS DISTINCT FROM NEW.{new}" for old, new, _ in columns)
    return [
        f"CREATE FUNCTION renamed_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP = 'INSERT' THEN {inserted}ELSE {updated}END IF; RETURN NEW; END $$",
        f'CREATE TRIGGER renamed BEFORE INSERT OR UPDATE ON "{table}" FOR EACH ROW WHEN ({differs}) '
        f"EXECUTE FUNCTION renamed_{table}()",
    ]


def _by_triggers(table: str, old: str, new: str, default: str) -> list[str]:
    """After the row is written: SQLite's triggers cannot change a row before. Each ends where both are the same."""
    name, differ = f"renamed_{table}_{new}", f"NEW.{old} IS NOT NEW.{new}"
    given = f"iif(NEW.{new} IS {default}, NEW.{old}, NEW.{new})"
    write = partial('UPDATE "{}" SET {} WHERE rowid = NEW.rowid'.format, table)
    return [
        _trigger(f"{name}_inserted", f'INSERT ON "{table}"', differ, write(f"{old} = {given}, {new} = {given}")),
        _trigger(
            f"{name}_old", f'UPDATE OF {old} ON "{table}"', f"NEW.{old} IS NOT OLD.{old} AND {differ}",
            write(f"{new} = NEW.{old}"),
        ),
        _trigger(
            f"{name}_new", f'UPDATE OF {new} ON "{table}"', f"NEW.{new} IS NOT OLD.{new} AND {differ}",
            write(f"{old} = NEW.{new}"),
        ),
    ]  # fmt: skip


def _trigger(name: str, event: str, when: str, statement: str) -> str:
    return f"CREATE TRIGGER {name} AFTER {event} WHEN {when} BEGIN {statement}; END"
