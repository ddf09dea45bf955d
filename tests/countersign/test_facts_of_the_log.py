"""What only the log of the version before says is in columns, after the migration and while it runs (ADR 31)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session, select

from access import audit
from access.audit import Event
from access.grants.admission import RESTORED, lost_since
from access.grants.removed_by_hand import REMOVED_BY_HAND, said_by_hand
from access.models import Alert, Grant, PolicyVersion
from access.store import Database
from countersign import schema
from tests.cast import KIM, LEA
from tests.countersign.rows_of_before import NOW, a_row, at_the_revision_before, tables_of

GRANT = "01kaq9z0000000000000000aa1"
EARLIER, LATER = (datetime(2026, 11, 29, hour, 30, 1, 500, tzinfo=UTC) for hour in (8, 9))
pytestmark = pytest.mark.both_databases


def written_by_the_version_before(database: Database, tables: sa.MetaData) -> None:
    requests, grants, alerts = (tables.tables[name] for name in ("request", "grant", "alert"))
    with database.write() as session:
        write = session.connection().execute
        write(requests.insert(), a_row(requests, id="r1", status="approved"))
        write(grants.insert(), a_row(grants, id=GRANT, request_id="r1", status="revoking"))
        write(alerts.insert(), a_row(alerts, id="a1", kind="restored", subject="database", opened_at=NOW))
        said = [
            policy("0a", "C0OLD"), policy("0b", "C0SEC"),
            by_hand(LEA), by_hand(KIM), restored(LATER), restored(EARLIER),
        ]  # fmt: skip
        for minutes, event in enumerate(said):
            audit.append(session, [event], at=NOW + timedelta(minutes=minutes))


def policy(sha256: str, channel: str) -> Event:
    details: dict[str, Any] = {"file": "access.yml", "security_channel": channel}
    return Event(action="policy.loaded", actor="system:timekeeper", object_id=sha256, details=details)


def by_hand(who: str) -> Event:
    return Event(action=REMOVED_BY_HAND, actor=f"slack:{who}", object_id=GRANT, details={"slack": who})


def restored(since: datetime) -> Event:
    return Event(action=RESTORED, actor="system:restored", details={"since": since})


def check(session: Session) -> None:
    versions = session.exec(select(PolicyVersion).order_by(sa.column("id"))).all()
    assert [(one.id, one.sha256, one.text, one.security_channel) for one in versions] == [
        (1, "0a", None, "C0OLD"), (2, "0b", None, "C0SEC"),
    ]  # fmt: skip
    assert [one.loaded_at for one in versions] == [NOW, NOW + timedelta(minutes=1)]
    assert lost_since(session) == EARLIER
    said = said_by_hand(session.exec(select(Grant)).one())
    assert said is not None
    assert (said.person, said.at) == (KIM, NOW + timedelta(minutes=3))


def test_the_facts_of_the_log_are_in_columns_after_the_migration(unmigrated_url: str) -> None:
    database = Database(unmigrated_url)
    written_by_the_version_before(database, at_the_revision_before(database))

    schema.migrate(database)

    with database.read() as session:
        check(session)
    database.close()


def test_what_the_version_before_says_in_the_log_beside_this_one_is_in_columns(database: Database) -> None:
    written_by_the_version_before(database, tables_of(database))

    with database.read() as session:
        check(session)
        assert audit.verify(session).flaw is None


def test_a_restored_alert_that_is_closed_is_left_as_it_is(database: Database) -> None:
    written_by_the_version_before(database, tables_of(database))
    with database.write() as session:
        session.connection().execute(sa.update(Alert).values(closed_at=NOW))
        audit.append(session, [restored(EARLIER - timedelta(days=1))], at=NOW)

    with database.read() as session:
        assert session.exec(select(Alert.since)).one() == EARLIER
