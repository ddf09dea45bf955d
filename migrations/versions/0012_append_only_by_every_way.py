"""The log and its head refuse to be changed by any statement, not only by UPDATE and DELETE."""

from alembic import op

revision = "0012"
down_revision = "0011"
changed_tables = ("audit_head", "audit_event")
_MOVES_BACK = 'NEW.id <> OLD.id OR NEW.seq < OLD.seq OR (NEW.seq = OLD.seq AND NEW."hash" <> OLD."hash")'
"""The head follows the log, which only grows. Where neither moves it may be written again: a start tries to."""


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _sqlite()
    else:
        _postgresql()


def _sqlite() -> None:
    # INSERT OR REPLACE takes the older row away without asking the trigger of DELETE (unless recursive_triggers is on).
    # No event is numbered 0 or less: the chain would not look there.
    _refuse(
        "audit_event_no_replace", "INSERT ON audit_event", "NEW.seq < 1 OR NEW.seq IN (SELECT seq FROM audit_event)"
    )
    _refuse("audit_head_no_delete", "DELETE ON audit_head", "1")
    _refuse("audit_head_no_second", "INSERT ON audit_head", "EXISTS (SELECT 1 FROM audit_head)")
    _refuse("audit_head_no_way_back", "UPDATE ON audit_head", _MOVES_BACK)


def _refuse(name: str, what: str, when: str) -> None:
    op.execute(
        f"CREATE TRIGGER {name} BEFORE {what} WHEN {when} "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
    )


def _postgresql() -> None:
    # A statement on a table that the log was made to inherit from fires only the triggers of its rows.
    for name, what in (
        ("audit_event_append_only_row", "UPDATE OR DELETE ON audit_event FOR EACH ROW"),
        ("audit_event_no_zero", "INSERT ON audit_event FOR EACH ROW WHEN (NEW.seq < 1)"),
        ("audit_head_append_only", "INSERT OR DELETE OR TRUNCATE ON audit_head FOR EACH STATEMENT"),
        ("audit_head_append_only_row", "DELETE ON audit_head FOR EACH ROW"),
        ("audit_head_no_way_back", f"UPDATE ON audit_head FOR EACH ROW WHEN ({_MOVES_BACK})"),
    ):
        op.execute(f"CREATE TRIGGER {name} BEFORE {what} EXECUTE FUNCTION audit_event_append_only()")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: an audit log is not unwritten")
