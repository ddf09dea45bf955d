"""Approval for less time, changes by the requester, and who looks at a request; what made each version of it."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
changed_tables = ("request", "review")
_MOMENT = sa.DateTime(timezone=True)
_ADDED: dict[str, sa.types.TypeEngine[object]] = {
    "narrowed_from": sa.Integer(), "narrowed_by": sa.String(), "narrowed_by_slack": sa.String(),
    "asked_duration_s": sa.Integer(), "asked_until": _MOMENT,
    "claimed_by": sa.String(), "claimed_by_slack": sa.String(), "claimed_at": _MOMENT, "claim_until": _MOMENT,
}  # fmt: skip


def upgrade() -> None:
    for name, kind in _ADDED.items():
        op.add_column("request", sa.Column(name, kind, nullable=True))
    waits = sa.text("status = 'pending'")
    op.create_index("ix_request_claimed", "request", ["claim_until"], postgresql_where=waits, sqlite_where=waits)
    op.add_column("review", sa.Column("carried_from", sa.Integer(), nullable=True))
    op.create_table(
        "request_version",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=True),
        sa.Column("made_by_slack", sa.String(), nullable=True),
        sa.Column("at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"]),
        sa.PrimaryKeyConstraint("id", name="pk_request_version"),
        sa.UniqueConstraint("request_id", "version", name="uq_request_version_request_id_version"),
    )


def downgrade() -> None:
    op.drop_table("request_version")
    op.drop_column("review", "carried_from")
    op.drop_index("ix_request_claimed", "request")
    for name in reversed(_ADDED):
        op.drop_column("request", name)
