"""What the provider postgres tells people to type can be pasted, and does what it says, however things are called."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from access.errors import BadConfig, NotGrantable
from access.ports import Deadline, Finding, SecretReference
from countersign.demo.target import prepare
from countersign.embedded.postgres import EmbeddedPostgres
from tests.contracts.shop import granting, soon
from workers.providers.postgres import Postgres, Role, Settings

BOT = "my-bot_Production"
ROLE = "my-app_Production"
QUOTED = """it's "a"; DROP ROLE canary; --"""
DATABASE = """shop"; DROP ROLE canary; --"""
SCHEMA = """sales'; DROP ROLE canary; --"""
_STATEMENT = re.compile(r"\b(GRANT|REVOKE|ALTER ROLE|ROLLBACK PREPARED) .*", re.DOTALL)


class Hostile:
    """A server on which whoever could has given things the names that do harm where they are not quoted."""

    def __init__(self, server: EmbeddedPostgres, file: Path) -> None:
        self.shop = prepare(server)
        self._run(
            self.shop.superuser_dsn, "CREATE DATABASE {db}; CREATE ROLE {bot} LOGIN PASSWORD 'x'; CREATE ROLE canary"
        )
        self.owner_dsn = make_conninfo(self.shop.superuser_dsn, dbname=DATABASE)
        self.owner = psycopg.connect(self.owner_dsn, autocommit=True)
        self.run(
            "CREATE ROLE {role}; CREATE ROLE {quoted}; CREATE SCHEMA {schema}; GRANT CONNECT ON DATABASE {db} TO {bot}"
        )
        self.file = file
        file.write_text(make_conninfo(self.shop.bot_dsn, dbname=DATABASE, user=BOT, password="x"))

    def run(self, text: str) -> None:
        self.owner.execute(_named(text))

    def _run(self, dsn: str, text: str) -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            for statement in text.split("; "):
                connection.execute(_named(statement))

    def provider(self, mode: str = "login") -> Postgres:
        return Postgres(Settings.model_validate({"dsn": SecretReference(file=str(self.file)), "mode": mode}))

    def findings(self, mode: str = "login") -> list[Finding]:
        with closing(self.provider(mode)) as provider:
            return provider.check({ROLE: Role(grants=[ROLE]), QUOTED: Role(grants=[QUOTED])}, Deadline.after(20))

    def canary_lives(self) -> bool:
        return self.owner.execute("SELECT FROM pg_roles WHERE rolname = 'canary'").fetchone() is not None


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    directory = tmp_path_factory.mktemp("hostile")
    server = EmbeddedPostgres(directory / "pg", settings={"fsync": "off", "max_prepared_transactions": "4"}).start()
    hostile = Hostile(server, directory / "dsn")
    yield hostile
    hostile.owner.close()
    server.remove()


@pytest.mark.parametrize("mode", ["membership", "login"])
def test_every_cure_of_doctor_can_be_typed_until_there_is_none(hostile: Hostile, mode: str) -> None:
    hostile.run("GRANT CREATE ON SCHEMA {schema} TO PUBLIC; GRANT CREATE ON SCHEMA {schema} TO {quoted}")
    hostile.run("CREATE TABLE IF NOT EXISTS {schema}.t (i integer); GRANT TRIGGER, REFERENCES ON {schema}.t TO PUBLIC")
    hostile.run("GRANT pg_maintain TO {quoted}; GRANT CONNECT, TEMPORARY ON DATABASE {db}, shop TO PUBLIC")
    hostile.run("ALTER ROLE {bot} NOCREATEROLE SUPERUSER; REVOKE pg_signal_backend, {role}, {quoted} FROM {bot}")
    prepared_by_a_holder(hostile)
    cured = set[str]()
    for _ in range(10):  # one cure may uncover the next
        bad = [finding for finding in hostile.findings(mode) if finding.level != "ok"]
        cures = {found[0] for finding in bad if (found := _STATEMENT.search(finding.cure))}
        if not cures - cured:
            break
        for cure in sorted(cures - cured):
            hostile.owner.execute(cure.encode())
        cured |= cures
    left = [finding for finding in hostile.findings(mode) if finding.level != "ok"]
    # A role that carries pg_maintain no more, that may be granted, and with which one can connect.
    assert left == []
    assert len(cured) >= 7
    assert hostile.canary_lives()


def prepared_by_a_holder(hostile: Hostile) -> None:
    login = f"cs_{'0' * 26}"
    with psycopg.connect(hostile.owner_dsn, autocommit=True) as holder:
        holder.execute(sql.SQL("DROP ROLE IF EXISTS {r}").format(r=sql.Identifier(login)))
        holder.execute(sql.SQL("CREATE ROLE {r}").format(r=sql.Identifier(login)))
        holder.execute(sql.SQL("SET SESSION AUTHORIZATION {r}").format(r=sql.Identifier(login)))
        holder.execute("BEGIN")
        holder.execute("SELECT pg_advisory_xact_lock(1)")
        holder.execute("PREPARE TRANSACTION 'it''s mine''; DROP ROLE canary; --'")


def test_what_a_refused_grant_says_can_be_typed(hostile: Hostile) -> None:
    hostile.run("ALTER ROLE {bot} SUPERUSER; REVOKE {role} FROM {bot}; REVOKE pg_maintain FROM {quoted}")
    with closing(hostile.provider()) as provider:
        for kind in (BadConfig, NotGrantable):
            with pytest.raises(kind) as caught:
                provider.grant(granting(ROLE), soon())
            found = _STATEMENT.search(caught.value.sentence)
            assert found, caught.value.sentence
            hostile.owner.execute(found[0].encode())
        hostile.run("ALTER ROLE {bot} CREATEROLE")
        spec = granting(ROLE)
        provider.grant(spec, soon())
        provider.revoke(spec, None, soon())
    assert hostile.canary_lives()


def _named(text: str) -> sql.Composed:
    names = {"bot": BOT, "role": ROLE, "quoted": QUOTED, "db": DATABASE, "schema": SCHEMA}
    return sql.SQL(text).format(**{hole: sql.Identifier(name) for hole, name in names.items()})  # pyright: ignore[reportArgumentType] -- literals above
