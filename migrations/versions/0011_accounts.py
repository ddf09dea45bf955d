"""People are told apart by their Slack accounts too: one vote an account, and what an account asks and holds."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
changed_tables = ("request", "review", "grant")
_PENDING = sa.text("status = 'pending'")
_UNFINISHED = sa.text("due_at IS NOT NULL")


def upgrade() -> None:
    op.create_index("uq_review_account", "review", ["request_id", "version", "reviewer_slack"], unique=True)
    op.create_index(
        "ix_request_waiting", "request", ["requester_slack"], postgresql_where=_PENDING, sqlite_where=_PENDING
    )
    op.create_index(
        "ix_grant_holder", "grant", ["subject_slack"], postgresql_where=_UNFINISHED, sqlite_where=_UNFINISHED
    )


def downgrade() -> None:
    op.drop_index("ix_grant_holder", "grant")
    op.drop_index("ix_request_waiting", "request")
    op.drop_index("uq_review_account", "review")
