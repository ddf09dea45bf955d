"""Which process has a grant in hand, and which grants wait for a target that does not answer (ADR 38)."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
changed_tables = ("grant",)
_INDEXES = {"ix_grant_claimed": "claimed_by", "ix_grant_unanswered": "unanswered_at"}


def upgrade() -> None:
    # Both empty in what the version before writes: its claims run out, and its pauses are waited for, as they were.
    op.add_column("grant", sa.Column("claimed_by", sa.String(), nullable=True))
    op.add_column("grant", sa.Column("unanswered_at", sa.DateTime(timezone=True), nullable=True))
    for name, column in _INDEXES.items():
        some = sa.text(f"{column} IS NOT NULL")
        op.create_index(name, "grant", [column], postgresql_where=some, sqlite_where=some)


def downgrade() -> None:
    for name, column in _INDEXES.items():
        op.drop_index(name, "grant")
        op.drop_column("grant", column)
