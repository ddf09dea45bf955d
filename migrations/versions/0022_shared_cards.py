"""Requests that were asked at once and go the same way share one card, and one answer those that one click answers."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
changed_tables = ("request",)
_INDEXES = {"ix_request_card": "card_id", "ix_request_answer": "answer_id"}


def upgrade() -> None:
    for name, column in _INDEXES.items():
        op.add_column("request", sa.Column(column, sa.String(), nullable=True))
        shares = sa.text(f"{column} IS NOT NULL")
        op.create_index(name, "request", [column], postgresql_where=shares, sqlite_where=shares)


def downgrade() -> None:
    for name, column in _INDEXES.items():
        op.drop_index(name, "request")
        op.drop_column("request", column)
