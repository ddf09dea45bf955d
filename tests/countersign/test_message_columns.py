"""Where a message goes, and which step reminds, is in its columns, also of a row of the version before (ADR 31)."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import select

from access.models import Message
from access.store import Database
from countersign import schema
from tests.countersign.rows_of_before import a_row, at_the_revision_before, tables_of

RECIPIENTS = {
    ("reminder", "C0PAYAPPR:payments-leads:1800"): ("C0PAYAPPR", "payments-leads", 1800),
    ("review", "C0PAYAPPR:1716372000.000100"): ("C0PAYAPPR", None, None),
    ("review", "C0PAYAPPR"): ("C0PAYAPPR", None, None),
    ("answer", "U0ANN"): ("U0ANN", None, None),
    ("page", "webhook"): ("webhook", None, None),
}
NEW = {"destination", "step_group", "step_after_s", "undelivered_where", "undelivered_code"}
pytestmark = pytest.mark.both_databases


def written_by_the_version_before(database: Database, messages: sa.Table) -> None:
    with database.engine().begin() as connection:
        for kind, recipient in RECIPIENTS:
            row = a_row(messages, id=f"{kind} {recipient}", kind=kind, recipient=recipient)
            row |= {"undelivered_cause": f"{recipient.partition(':')[0]} is_archived"}
            assert not row.keys() & NEW
            connection.execute(messages.insert(), row)


def columns(database: Database, *names: str) -> dict[tuple[str, str], tuple[Any, ...]]:
    with database.read() as session:
        rows = session.exec(select(Message)).all()
        return {(row.kind, row.recipient): tuple(getattr(row, name) for name in names) for row in rows}


def check(database: Database) -> None:
    assert columns(database, "destination", "step_group", "step_after_s") == RECIPIENTS
    why = columns(database, "undelivered_where", "undelivered_code")
    assert why == {key: (destination, "is_archived") for key, (destination, _, _) in RECIPIENTS.items()}


def test_the_messages_of_before_have_their_columns_after_the_migration(unmigrated_url: str) -> None:
    database = Database(unmigrated_url)
    written_by_the_version_before(database, at_the_revision_before(database).tables["notice"])

    schema.migrate(database)

    check(database)
    database.close()


def test_what_the_version_before_writes_beside_this_one_has_its_columns(database: Database) -> None:
    messages = tables_of(database).tables["notice"]
    written_by_the_version_before(database, messages)

    check(database)
    with database.engine().begin() as connection:
        changed = connection.execute(messages.update().values(undelivered_cause="slack ratelimited"))
        assert changed.rowcount == len(RECIPIENTS), "what the trigger writes is not counted instead"
    assert set(columns(database, "undelivered_where", "undelivered_code").values()) == {("slack", "ratelimited")}
    with database.engine().begin() as connection:
        connection.execute(messages.update().values(undelivered_cause=""))
    assert set(columns(database, "undelivered_where", "undelivered_code").values()) == {("", "")}
