"""The chain shows whatever was done to it, from its beginning or from where it was last known to hold."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from access import audit
from access.audit import START, Event, Mark, Verified
from access.store import Database
from tests.fakes import NOON
from tests.tampering import tamper


@pytest.fixture
def log(database: Database) -> Database:
    """Ten events, a minute apart."""
    for number in range(10):
        with database.write() as session:
            what = Event(
                action="grant.active",
                actor='system:"grant"',
                object_id=None if number % 2 else f"object-{number}",
                outcome="failure" if number == 7 else "success",
                details={} if number == 5 else {"words": 'läuft "bis", \\ \n 17:00', "outcome": "no"},
            )
            audit.append(session, [what], at=NOON + timedelta(minutes=number))
    return database


def verified(database: Database, since: Mark = START) -> Verified:
    with database.read() as session:
        return audit.verify(session, since)


def mark(database: Database, seq: int) -> Mark:
    with database.read() as session:
        return Mark(seq, session.get_one(audit.AuditEvent, seq).hash)


def test_what_nobody_touched_holds_from_anywhere(log: Database) -> None:
    whole = verified(log)

    assert (whole.events, whole.flaw) == (10, None)
    assert [verified(log, mark(log, seq)) for seq in (1, 5, 10)] == [whole] * 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("action = 'grant.ended'", "a column of event 8 differs from its entry"),
        ("actor = 'system:other'", "a column of event 8 differs from its entry"),
        ("object_id = 'object-1'", "a column of event 8 differs from its entry"),
        ("object_id = 'null'", "a column of event 8 differs from its entry"),
        ("at = '2026-11-23 12:07:01.000000+00:00'", "a column of event 8 differs from its entry"),
        ("entry = replace(entry, '17:00', '18:00')", "event 8 was changed after it was written"),
        ("entry = replace(entry, 'failure', 'success')", "event 8 was changed after it was written"),
        ("hash = previous", "event 8 was changed after it was written"),
        ("previous = hash", "event 8 does not follow the one before it"),
    ],
)
def test_a_changed_event_is_found_from_anywhere_before_it(log: Database, change: str, said: str) -> None:
    since = mark(log, 5)
    if log.dialect == "sqlite":
        change = change.replace("+00:00", "")
    tamper(log, f"UPDATE audit_event SET {change} WHERE seq = 8")

    for found in (verified(log), verified(log, since)):
        assert found.flaw is not None
        assert (found.events, found.flaw.seq, found.flaw.sentence) == (7, 8, said)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM audit_event WHERE seq = 8", "event 8 is missing; the next one is 9"),
        ("DELETE FROM audit_event WHERE seq > 7", "the head says 10 events, but the log ends after 7"),
        ("UPDATE audit_head SET hash = previous FROM audit_event WHERE audit_event.seq = 10", "the head does not foll"),
        ("DELETE FROM audit_head", "the head of the log is missing"),
    ],
)
def test_what_is_missing_is_found_from_anywhere_before_it(log: Database, statement: str, said: str) -> None:
    since = mark(log, 5)
    before = log.engine().connect()
    head = before.exec_driver_sql("SELECT id, seq, at, hash FROM audit_head").one()
    before.close()
    tamper(log, statement)

    for found in (verified(log), verified(log, since)):
        assert found.flaw is not None
        assert said in found.flaw.sentence
    if "DELETE FROM audit_head" in statement:
        tamper(log, "INSERT INTO audit_head VALUES (:id, :seq, :at, :hash)", **head._mapping)


def test_a_rewritten_beginning_is_found_by_the_hash_that_was_known(log: Database) -> None:
    since = mark(log, 5)
    tamper(log, "UPDATE audit_event SET hash = previous WHERE seq = 5")

    flaw = verified(log, since).flaw
    assert flaw is not None
    assert flaw.sentence == "event 5, up to which the log once held, is another one now"


def test_a_log_that_ends_before_what_was_known_is_found(log: Database) -> None:
    since = mark(log, 10)
    tamper(log, "DELETE FROM audit_event WHERE seq > 7")

    flaw = verified(log, since).flaw
    assert flaw is not None
    assert flaw.sentence == "event 10, up to which the log once held, is missing"


def test_a_last_known_event_that_hangs_on_nothing_is_found(log: Database) -> None:
    since = mark(log, 5)
    tamper(log, "UPDATE audit_event SET previous = 'nothing' WHERE seq = 5")

    flaw = verified(log, since).flaw
    assert flaw is not None
    assert flaw.sentence == "event 5 was changed after it was written"


def test_a_column_of_the_last_known_event_is_looked_at_too(log: Database) -> None:
    since = mark(log, 5)
    tamper(log, "UPDATE audit_event SET actor = 'system:other' WHERE seq = 5")

    flaw = verified(log, since).flaw
    assert flaw is not None
    assert flaw.sentence == "a column of event 5 differs from its entry"


def test_time_that_runs_backwards_is_found(log: Database) -> None:
    with log.write() as session:
        head = session.get_one(audit.AuditHead, 1)
        head.at = NOON - timedelta(days=1)
    with log.write() as session:
        audit.append(session, [Event(action="late", actor="system")], at=NOON - timedelta(hours=1))

    flaw = verified(log, mark(log, 10)).flaw
    assert flaw is not None
    assert flaw.sentence == "event 11 is older than the one before it"


def test_a_log_holds_whatever_the_time_zone_of_the_server(log: Database) -> None:
    if log.url.get_backend_name() == "postgresql":  # the other store knows no time zones
        with log.engine().begin() as connection:
            connection.execute(sa.text(f"ALTER DATABASE {log.url.database} SET timezone TO 'Asia/Kolkata'"))
        log.engine().dispose()

    assert verified(log).flaw is None
