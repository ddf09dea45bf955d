"""What was asked as one value with its version, votes by stage and in turn; which facts each process knows (ADR 30)."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
changed_tables = ("request", "review", "heartbeat")


def upgrade() -> None:
    # With defaults: what the version before writes says nothing of these, and is of facts version 1.
    op.add_column("request", sa.Column("facts", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("request", sa.Column("facts_version", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("request", sa.Column("decision_seq", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("review", sa.Column("stage", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("heartbeat", sa.Column("facts_version", sa.Integer(), nullable=False, server_default="1"))


def downgrade() -> None:
    for table, column in (
        ("heartbeat", "facts_version"), ("review", "stage"), ("request", "decision_seq"), ("request", "facts_version"),
        ("request", "facts"),
    ):  # fmt: skip
        op.drop_column(table, column)
