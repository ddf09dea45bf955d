"""Standing access: who holds what the bot can give without a grant, and who accepted that; alerts of that kind."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
changed_tables = ("alert",)
_BEFORE = (
    "'overdue', 'unremovable', 'provider', 'policy', 'timekeeping', 'queue', 'jobs', 'sweep', 'timers', 'drift', "
    "'canary', 'restored', 'clocks', 'leftover'"
)
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _allow(f"{_BEFORE}, 'standing'")
    op.create_table(
        "standing_access",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("slot", sa.String(length=64), nullable=False),
        sa.Column("place_id", sa.String(length=32), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("resource", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("principal", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("via", sa.String(), nullable=False),
        sa.Column("grantor", sa.String(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("can_log_in", sa.Boolean(), nullable=False),
        sa.Column("found_at", _MOMENT, nullable=False),
        sa.Column("seen_at", _MOMENT, nullable=False),
        sa.Column("accepted_at", _MOMENT, nullable=True),
        sa.Column("accepted_by", sa.String(), nullable=True),
        sa.Column("accepted_slack", sa.String(), nullable=True),
        sa.Column("gone_at", _MOMENT, nullable=True),
        sa.CheckConstraint("status IN ('new', 'accepted', 'gone')", name="ck_standing_access_status_known"),
        sa.PrimaryKeyConstraint("id", name="pk_standing_access"),
    )
    stands = "status <> 'gone'"
    op.create_index(
        "uq_standing_access_slot", "standing_access", ["slot"], unique=True,
        postgresql_where=sa.text(stands), sqlite_where=sa.text(stands),
    )  # fmt: skip
    op.create_index("ix_standing_access_place_id", "standing_access", ["place_id"])
    op.create_index("ix_standing_access_resource", "standing_access", ["resource"])


def downgrade() -> None:
    op.drop_table("standing_access")
    op.execute("DELETE FROM alert WHERE kind = 'standing'")
    _allow(_BEFORE)


def _allow(kinds: str) -> None:
    with op.batch_alter_table("alert") as alert:
        alert.drop_constraint("ck_alert_kind_known", type_="check")
        alert.create_check_constraint("ck_alert_kind_known", f"kind IN ({kinds})")
