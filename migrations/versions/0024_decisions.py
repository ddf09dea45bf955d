"""What each decision was made of: who could answer then, who could not and why. Only ever added to."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
changed_tables = ("request",)
_TABLES = ("approver_snapshot", "decision")


def upgrade() -> None:
    op.create_table(
        "approver_snapshot",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_approver_snapshot"),
    )
    op.create_table(
        "decision",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("policy_sha256", sa.String(length=64), nullable=False),
        sa.Column("snapshot_id", sa.String(), nullable=False),
        sa.Column("excluded", sa.JSON(), nullable=False),
        sa.Column("votes", sa.JSON(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=True),
        sa.Column("missing", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"]),
        sa.ForeignKeyConstraint(["snapshot_id"], ["approver_snapshot.id"]),
        sa.PrimaryKeyConstraint("id", name="pk_decision"),
    )
    op.create_index("ix_decision_request_id", "decision", ["request_id"])
    _only_added_to()


def downgrade() -> None:
    op.drop_table("decision")
    op.drop_table("approver_snapshot")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION decisions_append_only()")


def _only_added_to() -> None:
    if op.get_bind().dialect.name != "postgresql":
        for table in _TABLES:
            for change in ("update", "delete"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{change} BEFORE {change.upper()} ON {table} "
                    "BEGIN SELECT RAISE(ABORT, 'what decisions were made of is append-only'); END"
                )
        return
    op.execute(
        "CREATE FUNCTION decisions_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'what decisions were made of is append-only'; END $$"
    )
    for table in _TABLES:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION decisions_append_only()"
        )
