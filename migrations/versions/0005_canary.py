"""Alerts of one more kind: the canary's."""

from alembic import op

revision = "0005"
down_revision = "0004"
changed_tables = ("alert",)
_BEFORE = "'overdue', 'unremovable', 'provider', 'policy', 'timekeeping', 'queue', 'jobs', 'sweep', 'timers', 'drift'"


def upgrade() -> None:
    _allow(f"{_BEFORE}, 'canary'")


def downgrade() -> None:
    op.execute("DELETE FROM alert WHERE kind = 'canary'")
    _allow(_BEFORE)


def _allow(kinds: str) -> None:
    with op.batch_alter_table("alert") as alert:
        alert.drop_constraint("ck_alert_kind_known", type_="check")
        alert.create_check_constraint("ck_alert_kind_known", f"kind IN ({kinds})")
