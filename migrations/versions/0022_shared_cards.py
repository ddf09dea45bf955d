"""Requests that were asked at once and go the same way share one card; on which one each stands."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
changed_tables = ("request",)


def upgrade() -> None:
    op.add_column("request", sa.Column("card_id", sa.String(), nullable=True))
    shares = sa.text("card_id IS NOT NULL")
    op.create_index("ix_request_card", "request", ["card_id"], postgresql_where=shares, sqlite_where=shares)


def downgrade() -> None:
    op.drop_index("ix_request_card", "request")
    op.drop_column("request", "card_id")
