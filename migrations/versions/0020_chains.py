"""Approval chains: the groups that a vote counts for; who approved may still deny while later stages are asked."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
changed_tables = ("review",)
_OLD = ["request_id", "version", "reviewer"]
_BY_ACCOUNT = ["request_id", "version", "reviewer_slack"]


def upgrade() -> None:
    op.drop_index("uq_review_account", "review")
    with op.batch_alter_table("review") as review:
        review.add_column(sa.Column("groups", sa.JSON(), nullable=False, server_default="[]"))
        review.drop_constraint("uq_review_request_id_version_reviewer", type_="unique")
        review.create_unique_constraint("uq_review_request_id_version_reviewer_verdict", [*_OLD, "verdict"])
    op.create_index("uq_review_account", "review", [*_BY_ACCOUNT, "verdict"], unique=True)


def downgrade() -> None:
    op.drop_index("uq_review_account", "review")
    with op.batch_alter_table("review") as review:
        review.drop_constraint("uq_review_request_id_version_reviewer_verdict", type_="unique")
        review.create_unique_constraint("uq_review_request_id_version_reviewer", _OLD)
        review.drop_column("groups")
    op.create_index("uq_review_account", "review", _BY_ACCOUNT, unique=True)
