"""Which target a grant is at: resources that one account reaches on one server share its limits and its breaker."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
changed_tables = ("grant",)


def upgrade() -> None:
    # Empty: scheduled by the version before, during the upgrade too; its resource stands for its target.
    op.add_column("grant", sa.Column("target_key", sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("grant", "target_key")
