"""Messages that do not arrive: since when, why, when to alert; alerts and notices of one more kind."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
changed_tables = ("alert", "notice")
_ALERTS = (
    "'overdue', 'unremovable', 'provider', 'policy', 'timekeeping', 'queue', 'jobs', 'sweep', 'timers', 'drift', "
    "'canary', 'restored', 'clocks', 'leftover', 'standing', 'rights'"
)
_NOTICES = "'review', 'answer', 'ended', 'alert', 'page', 'reveal', 'warning', 'reminder', 'home', 'digest'"
_INDEXES = {
    "ix_notice_alert": ("alert_at", "alert_at"),
    "ix_notice_undelivered": ("undelivered_cause", "undelivered_since"),
}


def upgrade() -> None:
    _allow("alert", f"{_ALERTS}, 'undelivered'")
    _allow("notice", f"{_NOTICES}, 'undelivered'")
    op.add_column("notice", sa.Column("undelivered_since", sa.DateTime(timezone=True), nullable=True))
    # With a default: workers of the revision before go on writing rows without it.
    op.add_column("notice", sa.Column("undelivered_cause", sa.String(), nullable=False, server_default=""))
    op.add_column("notice", sa.Column("alert_at", sa.DateTime(timezone=True), nullable=True))
    for name, (column, there) in _INDEXES.items():
        few = sa.text(f"{there} IS NOT NULL")
        op.create_index(name, "notice", [column], postgresql_where=few, sqlite_where=few)


def downgrade() -> None:
    for name in _INDEXES:
        op.drop_index(name, "notice")
    for column in ("alert_at", "undelivered_cause", "undelivered_since"):
        op.drop_column("notice", column)
    for table, kinds in (("notice", _NOTICES), ("alert", _ALERTS)):
        op.execute(f"DELETE FROM {table} WHERE kind = 'undelivered'")  # noqa: S608 -- our own names
        _allow(table, kinds)


def _allow(table: str, kinds: str) -> None:
    with op.batch_alter_table(table) as changed:
        changed.drop_constraint(f"ck_{table}_kind_known", type_="check")
        changed.create_check_constraint(f"ck_{table}_kind_known", f"kind IN ({kinds})")
