"""Access that is extended, and access that starts later."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
changed_tables = ("request", "grant")


def upgrade() -> None:
    op.add_column("request", sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True))
    extending = sa.text("extends IS NOT NULL")
    op.create_index("ix_request_extends", "request", ["extends"], postgresql_where=extending, sqlite_where=extending)
    # With a default: workers of the revision before go on writing rows without it.
    op.add_column("grant", sa.Column("extensions", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("grant", sa.Column("behind_since", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("grant", "behind_since")
    op.drop_column("grant", "extensions")
    op.drop_index("ix_request_extends", "request")
    op.drop_column("request", "starts_at")
