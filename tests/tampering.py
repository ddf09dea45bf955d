"""What somebody does who has the database itself in hand: the log's own refusal to change is switched off first."""

import sqlalchemy as sa

from access.store import Database


def tamper(database: Database, statement: str, **values: object) -> None:
    """Runs one statement on the audit log as its thief would."""
    with database.engine().begin() as connection:
        if database.dialect == "sqlite":
            connection.exec_driver_sql("DROP TRIGGER IF EXISTS audit_event_no_update")
            connection.exec_driver_sql("DROP TRIGGER IF EXISTS audit_event_no_delete")
        else:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.execute(sa.text(statement), values)
