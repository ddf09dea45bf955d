"""Alerts of one more kind: that clocks differ."""

from alembic import op

revision = "0007"
down_revision = "0006"
changed_tables = ("alert",)
_BEFORE = (
    "'overdue', 'unremovable', 'provider', 'policy', 'timekeeping', 'queue', 'jobs', 'sweep', 'timers', 'drift', "
    "'canary', 'restored'"
)


def upgrade() -> None:
    _allow(f"{_BEFORE}, 'clocks'")


def downgrade() -> None:
    op.execute("DELETE FROM alert WHERE kind = 'clocks'")
    _allow(_BEFORE)


def _allow(kinds: str) -> None:
    with op.batch_alter_table("alert") as alert:
        alert.drop_constraint("ck_alert_kind_known", type_="check")
        alert.create_check_constraint("ck_alert_kind_known", f"kind IN ({kinds})")
