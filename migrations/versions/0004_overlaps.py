"""The overlap ledger: which grants need the same role of the same principal on the same target."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
changed_tables = ("grant",)


def upgrade() -> None:
    op.create_table(
        "share",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("principal", sa.String(), nullable=False),
        sa.Column("taken_by", sa.String(), nullable=True),
        sa.Column("taken_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_share"),
    )
    op.create_table(
        "hold",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("grant_id", sa.String(), nullable=False),
        sa.Column("share_id", sa.String(), nullable=False),
        sa.Column("pre_existing", sa.Boolean(), nullable=True),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["grant_id"], ["grant.id"], name="fk_hold_grant_id_grant"),
        sa.ForeignKeyConstraint(["share_id"], ["share.id"], name="fk_hold_share_id_share"),
        sa.PrimaryKeyConstraint("id", name="pk_hold"),
        sa.UniqueConstraint("grant_id", "share_id", name="uq_hold_grant_id_share_id"),
    )
    op.create_index("ix_hold_share_id", "hold", ["share_id"])


def downgrade() -> None:
    op.drop_table("hold")
    op.drop_table("share")
