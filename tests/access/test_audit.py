"""The log only grows: in one gap-free chain whoever writes, and the database itself refuses to change it."""

import json
import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from access import audit
from access.audit import Event
from access.models import AuditEvent, AuditHead
from access.store import Database
from tests.fakes import NOON
from tests.tampering import tamper
from tests.world import World


def write(database: Database, *actions: str, at=NOON) -> None:
    with database.write() as session:
        audit.append(session, [Event(action=action, actor="system:test") for action in actions], at=at)


def events(database: Database) -> list[AuditEvent]:
    with database.read() as session:
        return list(session.exec(select(AuditEvent).order_by(sa.text("seq"))))


def verified(database: Database) -> audit.Verified:
    with database.read() as session:
        return audit.verify(session)


def test_an_entry_says_who_did_what_to_what_and_how_it_went(database: Database) -> None:
    with database.write() as session:
        event = Event(action="grant.active", actor="slack:U0LEA", object_id="g1", outcome="failure", details={"n": 1})
        audit.append(session, [event], at=NOON)

    assert json.loads(events(database)[0].entry) == {
        "v": 1, "seq": 1, "at": "2026-11-23T12:00:00.000000Z", "action": "grant.active", "actor": "slack:U0LEA",
        "object": "g1", "outcome": "failure", "details": {"n": 1},
    }  # fmt: skip


def test_each_event_hangs_on_the_one_before(database: Database) -> None:
    write(database, "one", "two")
    write(database, "three")

    first, second, third = events(database)
    assert first.previous == audit.GENESIS
    assert (second.previous, third.previous) == (first.hash, second.hash)
    with database.read() as session:
        head = session.exec(select(AuditHead)).one()
    assert (head.seq, head.hash) == (3, third.hash)
    assert verified(database).flaw is None


def test_an_empty_log_holds(database: Database) -> None:
    assert verified(database) == audit.Verified(events=0, head=audit.GENESIS, flaw=None)


def test_time_never_runs_backwards_whatever_a_clock_says(database: Database) -> None:
    write(database, "one", at=NOON)
    write(database, "two", at=NOON - timedelta(hours=1))
    write(database, "three", at=NOON + timedelta(seconds=1))

    assert [event.at for event in events(database)] == [NOON, NOON, NOON + timedelta(seconds=1)]
    assert verified(database).flaw is None


def test_eight_writers_make_one_chain_without_gaps(database: Database) -> None:
    def press(writer: int) -> None:
        for number in range(10):
            write(database, f"writer-{writer}-{number}")

    threads = [threading.Thread(target=press, args=(writer,)) for writer in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [event.seq for event in events(database)] == list(range(1, 81))
    assert verified(database).flaw is None


def test_a_log_that_grows_while_it_is_verified_is_no_flaw(database: Database) -> None:
    """On PostgreSQL two statements see two states unless they are told not to."""
    write(database, "one")
    done, flaws = threading.Event(), list[audit.Flaw | None]()

    def look() -> None:
        while not done.is_set():
            flaws.append(verified(database).flaw)

    looker = threading.Thread(target=look)
    looker.start()
    for number in range(100):
        write(database, f"event-{number}")
    done.set()
    looker.join()

    assert set(flaws) == {None}


def test_what_is_rolled_back_leaves_no_event(database: Database) -> None:
    def fail() -> None:
        with database.write() as session:
            audit.append(session, [Event(action="one", actor="system:test")], at=NOON)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    write(database, "two")

    assert [event.action for event in events(database)] == ["two"]
    assert verified(database).flaw is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_event SET actor = 'slack:U0EVE'",
        "DELETE FROM audit_event",
        "DELETE FROM audit_event WHERE seq = 1",
    ],
)
def test_the_database_refuses_to_change_an_event(database: Database, statement: str) -> None:
    write(database, "one", "two")

    with pytest.raises(DBAPIError, match="append-only"), database.write() as session:
        session.connection().execute(sa.text(statement))

    assert len(events(database)) == 2


def test_two_swapped_events_are_found(database: Database) -> None:
    write(database, "one", "two", "three")
    for statement in ("SET seq = 9 WHERE seq = 1", "SET seq = 1 WHERE seq = 2", "SET seq = 2 WHERE seq = 9"):
        tamper(database, f"UPDATE audit_event {statement}")

    flaw = verified(database).flaw
    assert flaw is not None
    assert flaw.seq == 1


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM audit_head",
        "UPDATE audit_head SET seq = 2",
        "UPDATE audit_head SET hash = previous FROM audit_event WHERE audit_event.seq = 3",
    ],
)
def test_a_head_that_does_not_fit_is_found(database: Database, statement: str) -> None:
    write(database, "one", "two", "three")
    tamper(database, statement)
    try:
        assert verified(database).flaw is not None
    finally:  # the fixture needs a head to empty
        if statement.startswith("DELETE"):
            row = "1, 0, '2026-11-23 12:00:00+00:00', '0'"
            tamper(database, f"INSERT INTO audit_head (id, seq, at, hash) VALUES ({row})")


def test_no_audit_no_action(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    request = world.ask()

    def full(*_args: object, **_more: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(audit, "append", full)
        with pytest.raises(OSError, match="no space"):
            world.approve(request)

    assert world.requests()[0].status == "pending"
    assert world.grants() == []
    assert world.approve(request).status == "approved"
