"""The triggers that keep the audit log append-only: whether each stands, and who could take them away."""

import sqlalchemy as sa

GUARDS = {
    "sqlite": {
        "audit_event_no_update", "audit_event_no_delete", "audit_event_no_replace",
        "audit_head_no_delete", "audit_head_no_second", "audit_head_no_way_back",
    },
    "postgresql": {
        "audit_event_append_only", "audit_event_append_only_row", "audit_event_no_zero",
        "audit_head_append_only", "audit_head_append_only_row", "audit_head_no_way_back",
    },
}  # fmt: skip
"""As the migrations make them."""
_STANDING = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ('audit_event', 'audit_head')",
    # O: fires for every session of an application; A: also for one that replays another server's changes.
    "postgresql": "SELECT tgname FROM pg_catalog.pg_trigger WHERE tgenabled IN ('O', 'A') "
    "AND tgrelid IN (pg_catalog.to_regclass('audit_event'), pg_catalog.to_regclass('audit_head'))",
}
_MIGHTY = sa.text(
    "SELECT current_user FROM pg_catalog.pg_class AS class JOIN pg_catalog.pg_roles AS role ON rolname = current_user "
    "WHERE class.oid IN (pg_catalog.to_regclass('audit_event'), pg_catalog.to_regclass('audit_head')) "
    "AND (rolsuper OR pg_catalog.pg_has_role(current_user, relowner, 'MEMBER')) LIMIT 1"
)


def missing(connection: sa.Connection) -> list[str]:
    """The guards that are gone or switched off, sorted."""
    dialect = connection.dialect.name
    standing = connection.execute(sa.text(_STANDING[dialect])).scalars()
    return sorted(GUARDS[dialect].difference(standing))


def may_be_taken_away_by(connection: sa.Connection) -> str | None:
    """The role of this connection, where it owns the log or rules over its owner; a SQLite file knows no roles."""
    return connection.execute(_MIGHTY).scalar() if connection.dialect.name == "postgresql" else None
