"""A database that cannot serve is refused at the start, with the cure."""

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from access.errors import Unavailable, Unready
from access.store import Database
from countersign import schema
from countersign.embedded.postgres import EmbeddedPostgres

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
            database.create()
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
    database.create()
    database.close()

    assert (tmp_path / "deep/er/countersign.db").exists()


def _read(database: Database) -> None:
    with database.read() as session:
        session.connection()


def _write(database: Database) -> None:
    with database.write() as session:
        session.connection()


@pytest.mark.parametrize(
    "use", [Database.reachable, lambda made: made.check("0001"), schema.revision_of, schema.check, _read, _write]
)
def test_whoever_looks_makes_no_file(tmp_path: Path, use: Callable[[Database], object]) -> None:
    database = Database(f"sqlite:///{tmp_path}/deep/countersign.db")

    with pytest.raises((Unready, Unavailable)):
        use(database)
    database.close()

    assert list(tmp_path.iterdir()) == []


def test_a_database_that_is_gone_is_unavailable_and_not_made_anew(tmp_path: Path) -> None:
    """Its file was moved away while we run: an empty one in its place would say that no access is open."""
    database = Database(f"sqlite:///{tmp_path}/countersign.db")
    database.create()
    database.close()
    (tmp_path / "countersign.db").rename(tmp_path / "moved.db")

    with pytest.raises(Unavailable):
        _read(database)

    assert not (tmp_path / "countersign.db").exists()


def test_a_file_that_is_not_there_is_named_with_what_to_do(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/none.db")

    with pytest.raises(Unready, match=r"no database file .*none\.db\. .* set DATABASE_URL\. .*`countersign migrate`\."):
        database.check(schema.head())
    database.close()


def test_an_empty_database_says_what_to_run(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
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
