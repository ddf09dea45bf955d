"""What is tidied up behind access that has ended: looks and alerts of one more kind."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
changed_tables = ("grant", "alert", "look")
_ALERTS = (
    "'overdue', 'unremovable', 'provider', 'policy', 'timekeeping', 'queue', 'jobs', 'sweep', 'timers', 'drift', "
    "'canary', 'restored', 'clocks'"
)
_LOOKS = "'roster', 'member', 'drift'"


def upgrade() -> None:
    _allow("alert", f"{_ALERTS}, 'leftover'")
    _allow("look", f"{_LOOKS}, 'cleanup'")
    # With a default: workers of the revision before go on writing rows without it.
    op.add_column("grant", sa.Column("leftover", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("grant", sa.Column("cleanup_until", sa.DateTime(timezone=True), nullable=True))
    watched = sa.text("cleanup_until IS NOT NULL")
    op.create_index(
        "ix_grant_cleanup", "grant", ["resource"], postgresql_where=watched, sqlite_where=watched
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_grant_cleanup", "grant")
    op.drop_column("grant", "cleanup_until")
    op.drop_column("grant", "leftover")
    op.execute("DELETE FROM look WHERE kind = 'cleanup'")
    op.execute("DELETE FROM alert WHERE kind = 'leftover'")
    _allow("look", _LOOKS)
    _allow("alert", _ALERTS)


def _allow(table: str, kinds: str) -> None:
    with op.batch_alter_table(table) as changed:
        changed.drop_constraint(f"ck_{table}_kind_known", type_="check")
        changed.create_check_constraint(f"ck_{table}_kind_known", f"kind IN ({kinds})")
