"""Comments in the thread beneath a card are kept with the request; a message is found by where it stands."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
changed_tables = ("notice", "request")
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    stands = sa.text("ts IS NOT NULL")
    op.create_index("ix_notice_ts", "notice", ["ts"], postgresql_where=stands, sqlite_where=stands)
    op.create_table(
        "comment",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("ts", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("author_slack", sa.String(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("first_words", sa.Text(), nullable=True),
        sa.Column("is_shortened", sa.Boolean(), nullable=False),
        sa.Column("edits", sa.Integer(), nullable=False),
        sa.Column("edited_ts", sa.String(), nullable=True),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("edited_at", _MOMENT, nullable=True),
        sa.Column("deleted_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"]),
        sa.PrimaryKeyConstraint("id", name="pk_comment"),
        sa.UniqueConstraint("channel", "ts", name="uq_comment_channel_ts"),
    )
    op.create_index("ix_comment_request_id", "comment", ["request_id"])


def downgrade() -> None:
    op.drop_table("comment")
    op.drop_index("ix_notice_ts", "notice")
