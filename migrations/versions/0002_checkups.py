"""Checkups and looks: what workers find when they look at targets and people."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "checkup",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("resource", sa.String(), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_checkup"),
    )
    due = sa.text("due_at IS NOT NULL")
    op.create_index("ix_checkup_due", "checkup", ["due_at"], postgresql_where=due, sqlite_where=due)
    op.create_table(
        "look",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("suspects", sa.JSON(), nullable=False),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('roster', 'member', 'drift')", name="ck_look_kind_known"),
        sa.PrimaryKeyConstraint("id", name="pk_look"),
        sa.UniqueConstraint("kind", "subject", name="uq_look_kind_subject"),
    )
    op.create_index("ix_look_due", "look", ["due_at"])


def downgrade() -> None:
    op.drop_table("look")
    op.drop_table("checkup")
