"""The database: refused with a sentence and its cure when it cannot serve, and never half changed."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from access import sqlite
from access.actors import system
from access.errors import Unavailable
from access.ids import MessageId
from access.models import AuditHead, Message, MessageKind
from access.store import (
    Change,
    Database,
    compare_and_set,
    compare_and_set_all,
    insert_all_unless_there,
    insert_unless_there,
)
from countersign.embedded.postgres import EmbeddedPostgres
from tests.databases import PostgresDatabases, SqliteFiles
from tests.fakes import NOON
from tests.standby import standby
from tests.world import World


def test_a_file_that_became_read_only_is_unavailable(sqlite_files: SqliteFiles) -> None:
    """A disk mounted anew."""
    with sqlite_files.fresh() as url:
        _is_unavailable(Database(url.replace("sqlite:///", "sqlite:///file:") + "?mode=ro&uri=true"))


def test_a_standby_is_unavailable(tmp_path: Path) -> None:
    """A primary that was demoted."""
    with standby(tmp_path / "standby") as url:
        _is_unavailable(Database(url))


def _is_unavailable(database: Database) -> None:
    with pytest.raises(Unavailable, match="nothing was changed"), database.write() as session:
        session.connection().execute(sa.text("UPDATE audit_head SET seq = 1"))
    database.close()


@pytest.fixture
def postgres_database(postgres_databases: PostgresDatabases) -> Iterator[Database]:
    with postgres_databases.fresh() as url:
        database = Database(url, pool_size=1)
        yield database
        database.close()


def test_a_server_that_goes_away_in_the_middle_is_unavailable_and_serves_again(
    postgres_database: Database, postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    world = World.make(postgres_database, tmp_path)
    request = world.ask()

    def tell_while_it_goes() -> None:
        with world.core.work(system("test")) as work:
            work.session.get(AuditHead, 1)
            with psycopg.connect(postgres.superuser_dsn, autocommit=True) as connection:
                ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
                connection.execute(ends, (postgres_database.url.database,))
            work.tell(MessageKind.ALERT, request.id, "C0SEC")

    with pytest.raises(Unavailable, match="nothing was changed"):
        tell_while_it_goes()

    assert world.messages("alert") == []
    assert world.approve(request).status == "approved"


def test_a_server_without_a_free_connection_is_unavailable(
    postgres_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_database.engine().pool, "_timeout", 0.05)

    with postgres_database.write() as one, postgres_database.write() as two:
        one.connection()
        two.connection()
        with pytest.raises(Unavailable), postgres_database.write() as three:
            three.connection()


def test_a_file_that_somebody_holds_for_too_long_is_unavailable(
    sqlite_files: SqliteFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY", timedelta(0))
    with sqlite_files.fresh() as url:
        database, other = Database(url), Database(url)
        with other.write() as holding:
            holding.connection()
            with pytest.raises(Unavailable), database.write() as session:
                session.connection()
        with database.write() as session:
            session.connection()
        database.close()
        other.close()


def test_a_change_is_made_only_while_the_row_is_as_expected(database: Database) -> None:
    message = Message(
        id=MessageId("n1"), kind=MessageKind.ALERT, subject="a1", recipient="C0", due_at=NOON, created_at=NOON
    )
    with database.write() as session:
        session.add(message)
    with database.write() as session:
        assert compare_and_set(session, Message, "n1", expected={"ts": None, "fence": 0}, values={"fence": 1})
        assert not compare_and_set(session, Message, "n1", expected={"ts": None, "fence": 0}, values={"fence": 2})
        assert not compare_and_set(session, Message, "n2", expected={}, values={"fence": 2})
    with database.read() as session:
        assert session.get_one(Message, "n1").fence == 1


def test_of_many_changes_the_one_that_lost_is_noticed(database: Database) -> None:
    told = [
        {"id": f"n{number}", "kind": MessageKind.ALERT, "subject": f"a{number}", "recipient": "C0", "created_at": NOON}
        for number in range(40)
    ]
    with database.write() as session:
        assert len(insert_all_unless_there(session, Message, told)) == 40
        again = [told[0] | {"id": "n40"}, told[1] | {"id": "n41", "subject": "a41"}]
        assert insert_all_unless_there(session, Message, again) == {"n41"}
    with database.write() as session:
        seen = [Change(f"n{number}", {"fence": 0, "ts": None}, {"fence": 1}) for number in range(20)]
        asked = [Change(f"n{number}", {"fence": 0}, {"problem": "x"}) for number in range(20, 40)]
        assert compare_and_set_all(session, Message, [*seen, *asked])
        assert compare_and_set_all(session, Message, [])
    with database.write() as session:
        lost = Change("n20", {"fence": 1}, {"problem": "y"})
        assert not compare_and_set_all(session, Message, [Change("n0", {"fence": 1}, {"problem": "y"}), lost])


def test_what_is_there_already_is_not_inserted_and_we_know(database: Database) -> None:
    def message(identifier: str, recipient: str) -> Message:
        return Message(
            id=MessageId(identifier),
            kind=MessageKind.ALERT,
            subject="a1",
            recipient=recipient,
            due_at=NOON,
            created_at=NOON,
        )

    with database.write() as session:
        assert insert_unless_there(session, message("n1", "C0"))
        assert not insert_unless_there(session, message("n2", "C0")), "the same message"
        assert insert_unless_there(session, message("n3", "C1"))


def test_of_many_writers_at_once_each_change_is_kept(database: Database) -> None:
    def add() -> None:
        for _ in range(5):
            with database.write() as session:
                session.connection().execute(sa.text("UPDATE audit_head SET seq = seq + 1"))

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with database.read() as session:
        assert session.get_one(AuditHead, 1).seq == 40


def test_a_look_sees_one_state(database: Database) -> None:
    with database.read() as session:
        before = session.connection().execute(sa.text("SELECT seq FROM audit_head")).scalar_one()
        with database.write() as other:
            other.connection().execute(sa.text("UPDATE audit_head SET seq = seq + 1"))
        assert session.connection().execute(sa.text("SELECT seq FROM audit_head")).scalar_one() == before


def test_looking_changes_nothing(database: Database) -> None:
    if database.dialect == "postgresql":
        with pytest.raises(Unavailable), database.read() as session:
            session.connection().execute(sa.text("UPDATE audit_head SET seq = 7"))
    else:
        with database.read() as session:
            session.connection().execute(sa.text("UPDATE audit_head SET seq = 7"))
    with database.read() as session:
        assert session.get_one(AuditHead, 1).seq == 0


def test_peoples_words_stay_out_of_the_errors_of_the_database(database: Database) -> None:
    def write() -> None:
        with database.write() as session:
            statement = "INSERT INTO heartbeat (name, kind, beat_at) VALUES (:name, NULL, NULL)"
            session.connection().execute(sa.text(statement), {"name": "canary words"})

    with pytest.raises(IntegrityError) as error:
        write()

    # Of PostgreSQL's message the first line alone is free of the row.
    assert "canary" not in str(error.value).splitlines()[0]
    assert "SQL parameters hidden" in str(error.value)


def test_the_databases_own_clock_is_aware(database: Database) -> None:
    assert database.time().tzinfo is not None
