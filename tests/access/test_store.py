"""The database: refused with a sentence and its cure when it cannot serve, and never half changed."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.exc import IntegrityError

from access import store
from access.errors import Unavailable, Unready
from access.ids import NoticeId
from access.models import AuditHead, Notice, NoticeKind
from access.store import Database, compare_and_set, insert_unless_there
from countersign import schema
from countersign.embedded.postgres import EmbeddedPostgres
from tests.databases import PostgresDatabases, SqliteFiles
from tests.fakes import NOON
from tests.world import World

HOW = "write sqlite:////path/to/file.db or postgresql://user:password@host/name."


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", f"DATABASE_URL is not a database URL; {HOW}"),
        ("countersign.db", f"DATABASE_URL is not a database URL; {HOW}"),
        ("postgresql://user:canary@host:port/name", f"DATABASE_URL is not a database URL; {HOW}"),
        ("mysql://host/name", f"DATABASE_URL names mysql; Countersign knows sqlite and postgresql: {HOW}"),
        ("postgres://host/name", f"DATABASE_URL names postgres; Countersign knows sqlite and postgresql: {HOW}"),
        ("sqlite://", f"DATABASE_URL names no file, and each process would have a memory of its own; {HOW}"),
        ("sqlite:///:memory:", f"DATABASE_URL names no file, and each process would have a memory of its own; {HOW}"),
    ],
)
def test_a_wrong_url_is_answered_with_a_right_one(url: str, sentence: str) -> None:
    with pytest.raises(Unready) as refused:
        Database(url)

    assert refused.value.sentence == sentence


@pytest.mark.parametrize("url", ["postgresql+asyncpg://u@h/d", "sqlite+aiosqlite:////tmp/x.db"])
def test_the_driver_is_ours_whatever_the_url_says(url: str) -> None:
    assert Database(url).url.drivername in ("postgresql+psycopg", "sqlite")


def test_a_password_is_not_shown_wherever_it_stands() -> None:
    shown = Database("postgresql://ann:canary@host/name?password=canary&sslmode=require").shown

    assert shown == "postgresql+psycopg://ann:***@host/name"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"port": 1}, "refused"),
        ({"password": "canary-wrong"}, "password authentication failed"),
        ({"username": "canary-nobody"}, "password authentication failed"),
        ({"database": "nowhere"}, 'database "nowhere" does not exist'),
        ({"host": "host.invalid"}, "host.invalid"),
        ({"query": {"sslmode": "canary"}}, "sslmode"),
    ],
)
def test_a_server_that_does_not_let_us_in_is_quoted(
    postgres: EmbeddedPostgres, change: dict[str, object], why: str
) -> None:
    parts = conninfo_to_dict(postgres.superuser_dsn)
    right = sa.URL.create(
        "postgresql",
        str(parts["user"]),
        str(parts["password"]),
        str(parts["host"]),
        int(str(parts["port"])),
        "postgres",
    )
    database = Database(right.set(**change).render_as_string(hide_password=False))  # pyright: ignore[reportArgumentType]

    with pytest.raises(Unready, match=why) as refused:
        database.reachable()

    assert "cannot be used: " in refused.value.sentence
    assert "canary-wrong" not in refused.value.sentence
    database.close()


def test_a_file_that_cannot_be_opened_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory", encoding="utf-8")
    for url in (f"sqlite:///{tmp_path}/file/countersign.db", f"sqlite:///{tmp_path}"):
        database = Database(url)
        with pytest.raises(Unready, match="cannot be used"):
            database.reachable()
        database.close()


def test_a_file_that_is_no_database_is_said_to_be(tmp_path: Path) -> None:
    file = tmp_path / "countersign.db"
    file.write_bytes(b"not a database at all" * 100)
    database = Database(f"sqlite:///{file}")

    with pytest.raises(Unready, match="file is not a database"):
        database.check("0001")
    database.close()


def test_the_directory_of_a_new_file_is_made(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/deep/er/countersign.db")
    database.reachable()
    database.close()

    assert (tmp_path / "deep/er/countersign.db").exists()


def test_an_empty_database_says_what_to_run(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/empty.db")

    with pytest.raises(Unready, match=r"is empty; this version needs \w+\. Run `countersign migrate`\."):
        database.check(schema.head())
    database.close()


def test_another_revision_says_what_to_run(database_url: str) -> None:
    database = Database(database_url)
    database.check(schema.head())
    with database.write() as session:
        session.connection().execute(sa.text("UPDATE alembic_version SET version_num = '0000'"))

    with pytest.raises(Unready, match=rf"is at revision 0000; this version needs {schema.head()}\. Run"):
        database.check(schema.head())
    database.close()


@pytest.fixture
def readers_url(database_kind: str, database_url: str, postgres: EmbeddedPostgres) -> str:
    """The same database, for one who may only read."""
    if database_kind == "sqlite":
        return database_url.replace("sqlite:///", "sqlite:///file:") + "?mode=ro&uri=true"
    url, name, password = sa.make_url(database_url), f"reader_{uuid4().hex}", uuid4().hex
    with psycopg.connect(postgres.dsn(database=str(url.database)), autocommit=True) as connection:
        role = sql.Identifier(name)
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(password)))
        connection.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}").format(role))
    return url.set(username=name, password=password).render_as_string(hide_password=False)


def test_a_database_that_cannot_be_written_is_refused_at_the_start(readers_url: str) -> None:
    database = Database(readers_url)

    with pytest.raises(Unready, match=r"cannot be used: .*(readonly|permission denied)"):
        database.check(schema.head())
    database.close()


def test_a_database_that_became_read_only_is_unavailable(database_kind: str, database_url: str) -> None:
    """A standby that was promoted away, a disk mounted anew."""
    made = Database(database_url)
    made.close()
    if database_kind == "sqlite":
        database = Database(database_url.replace("sqlite:///", "sqlite:///file:") + "?mode=ro&uri=true")
    else:
        name = sa.make_url(database_url).database
        with made.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'))
        made.close()
        database = Database(database_url)

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
        with world.core.work("system:test") as work:
            work.session.get(AuditHead, 1)
            with psycopg.connect(postgres.superuser_dsn, autocommit=True) as connection:
                ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
                connection.execute(ends, (postgres_database.url.database,))
            work.tell(NoticeKind.ALERT, request.id, "C0SEC")

    with pytest.raises(Unavailable, match="nothing was changed"):
        tell_while_it_goes()

    assert world.notices("alert") == []
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
    monkeypatch.setattr(store, "BUSY", timedelta(0))
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
    notice = Notice(
        id=NoticeId("n1"), kind=NoticeKind.ALERT, subject="a1", recipient="C0", due_at=NOON, created_at=NOON
    )
    with database.write() as session:
        session.add(notice)
    with database.write() as session:
        assert compare_and_set(session, Notice, "n1", expected={"ts": None, "fence": 0}, values={"fence": 1})
        assert not compare_and_set(session, Notice, "n1", expected={"ts": None, "fence": 0}, values={"fence": 2})
        assert not compare_and_set(session, Notice, "n2", expected={}, values={"fence": 2})
    with database.read() as session:
        assert session.get_one(Notice, "n1").fence == 1


def test_what_is_there_already_is_not_inserted_and_we_know(database: Database) -> None:
    def notice(identifier: str, recipient: str) -> Notice:
        return Notice(
            id=NoticeId(identifier),
            kind=NoticeKind.ALERT,
            subject="a1",
            recipient=recipient,
            due_at=NOON,
            created_at=NOON,
        )

    with database.write() as session:
        assert insert_unless_there(session, notice("n1", "C0"))
        assert not insert_unless_there(session, notice("n2", "C0")), "the same message"
        assert insert_unless_there(session, notice("n3", "C1"))


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
