"""What roles allow, as it was seen last; and alerts of one more kind."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
changed_tables = ("alert",)
_BEFORE = (
    "'overdue', 'unremovable', 'provider', 'policy', 'timekeeping', 'queue', 'jobs', 'sweep', 'timers', 'drift', "
    "'canary', 'restored', 'clocks', 'leftover', 'standing'"
)


def upgrade() -> None:
    op.create_table(
        "role_rights",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("resource", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("place", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("allows", sa.JSON(), nullable=False),
        sa.Column("accepted", sa.JSON(), nullable=False),
        sa.Column("creates", sa.JSON(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("wider_since", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_rights")),
        sa.UniqueConstraint("resource", "role", name=op.f("uq_role_rights_resource_role")),
    )
    _allow(f"{_BEFORE}, 'rights'")


def downgrade() -> None:
    op.execute("DELETE FROM alert WHERE kind = 'rights'")
    _allow(_BEFORE)
    op.drop_table("role_rights")


def _allow(kinds: str) -> None:
    with op.batch_alter_table("alert") as alert:
        alert.drop_constraint("ck_alert_kind_known", type_="check")
        alert.create_check_constraint("ck_alert_kind_known", f"kind IN ({kinds})")
