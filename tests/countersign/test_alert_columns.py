"""What an alert is about is in its columns, also where the version before has written the row (ADR 31)."""

import pytest
import sqlalchemy as sa
from sqlmodel import select

from access.actors import system
from access.alert_rows import number_open
from access.alerts.groups import resolved
from access.grants import integrity
from access.ids import GrantId
from access.messages.outbox import AlertFacts, Outbox
from access.models import Alert, AlertKind, AlertVariant, MessageKind
from access.reconcile.restored import by_hand
from access.store import Database
from bot.views.alert_words import titled
from countersign import schema
from tests.cast import SECURITY
from tests.countersign.rows_of_before import a_row, at_the_revision_before, tables_of
from tests.world import World

GRANT = GrantId("01kaq9z0000000000000000aa1")
SUBJECTS = {
    ("overdue", GRANT): ("customers-db", GRANT, "", None),
    ("unremovable", GRANT): ("customers-db", GRANT, "", None),
    ("leftover", GRANT): ("customers-db", GRANT, "", None),
    ("drift", GRANT): ("customers-db", GRANT, "", None),
    ("overdue", "customers-db/*"): ("customers-db", None, "group", None),
    ("drift", "customers-db/*"): ("customers-db", None, "group", None),
    ("drift", "customers-db :unanswered"): ("customers-db", None, "unanswered", None),
    ("drift", "customers-db :uncompared"): ("customers-db", None, "uncompared", None),
    ("drift", f"{GRANT} :changed"): ("customers-db", GRANT, "changed", None),
    ("drift", "customers-db cs 7"): ("customers-db", None, "", "cs 7"),
    ("drift", "customers-db cs/*"): ("customers-db", None, "", "cs/*"),
    ("provider", "customers-db"): ("customers-db", None, "", None),
    ("rights", "customers-db/read"): ("customers-db", None, "", "read"),
    ("canary", "customers-db/canary"): ("customers-db", None, "", "canary"),
    ("undelivered", "C0PAYAPPR is_archived"): (None, None, "is_archived", "C0PAYAPPR"),
    ("sweep", "members"): (None, None, "members", None),
    ("sweep", "overdue"): (None, None, "unlisted", None),
    ("sweep", "sweep"): (None, None, "", None),
    ("timers", "emptied"): (None, None, "emptied", None),
    ("jobs", "high-water"): (None, None, "foreign-mark", None),
    ("queue", "grant"): (None, None, "", None),
    ("clocks", "host1"): (None, None, "", None),
}
pytestmark = pytest.mark.both_databases


def written_by_the_version_before(database: Database, tables: sa.MetaData) -> None:
    with database.engine().begin() as connection:
        requests, grants, alerts = (tables.tables[name] for name in ("request", "grant", "alert"))
        connection.execute(requests.insert(), a_row(requests, id="r1", status="approved"))
        grant = a_row(grants, id=GRANT, request_id="r1", status="revoking", resource="customers-db")
        connection.execute(grants.insert(), grant)
        for kind, subject in SUBJECTS:
            alert = a_row(alerts, id=f"{kind} {subject}", kind=kind, subject=subject)
            assert not alert.keys() & {"resource", "grant_id", "variant", "name"}
            connection.execute(alerts.insert(), alert)


def columns(database: Database) -> dict[tuple[str, str], tuple[str | None, str | None, str, str | None]]:
    with database.read() as session:
        rows = session.exec(select(Alert)).all()
        return {(row.kind, row.subject): (row.resource, row.grant_id, row.variant, row.name) for row in rows}


def test_the_alerts_of_before_have_their_columns_after_the_migration(unmigrated_url: str) -> None:
    database = Database(unmigrated_url)
    written_by_the_version_before(database, at_the_revision_before(database))

    schema.migrate(database)

    assert columns(database) == SUBJECTS
    database.close()


def test_what_the_version_before_opens_beside_this_one_has_its_columns(database: Database) -> None:
    written_by_the_version_before(database, tables_of(database))

    assert columns(database) == SUBJECTS


def test_a_name_on_a_target_is_never_taken_for_a_word_of_ours(world: World) -> None:
    """Whoever can create roles there chooses it."""
    with world.core.work(system("drift")) as work:
        for name in (":uncompared", ":unanswered", "cs/*"):
            work.open_alert(
                AlertKind.DRIFT, f"customers-db {name}", "It is there.", channel=SECURITY, resource="customers-db",
                name=name,
            )  # fmt: skip

    with world.core.database.read() as session:
        assert by_hand(session) == []
        assert resolved(session) == set()
    assert {titled(one)[0] for one in world.alerts()} == {"A target is not as we left it"}


def test_of_a_changed_record_the_owners_are_not_told_and_no_group_is_counted(world: World) -> None:
    grant = world.open()
    with world.core.work(system("integrity")) as work:
        integrity.alert(work, grant, ["role"], "it ends as it was approved", channel=SECURITY)

    (alert,) = world.alerts()
    assert (alert.resource, alert.grant_id, alert.variant) == ("customers-db", grant.id, AlertVariant.CHANGED)
    assert {one.recipient for one in world.messages(MessageKind.ALERT)} == {SECURITY}
    with world.core.database.read() as session:
        assert number_open(session, AlertKind.DRIFT, "customers-db") == 0
    (claimed,) = Outbox(world.core).claim([one.id for one in world.messages(MessageKind.ALERT)])
    assert isinstance(claimed.facts, AlertFacts)
    assert claimed.facts.grant is None, "its row may say anything"
