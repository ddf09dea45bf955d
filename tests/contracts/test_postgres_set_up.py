"""The page about the provider postgres: its account is pasted into a fresh server, and its check names what it says."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import psycopg
import pytest
import yaml
from psycopg.conninfo import make_conninfo

from access.ports import Deadline, Finding, SecretReference
from countersign.embedded.postgres import EmbeddedPostgres
from tests.contracts.membership_world import OLDER
from tests.contracts.shop import granting, soon
from workers.providers.postgres import Postgres, Settings
from workers.providers.postgres.provider import Role
from workers.providers.postgres.tls import Tls

PAGE = (Path(__file__).parents[2] / "docs/providers/postgres.md").read_text(encoding="utf-8")
LOGIN, MEMBERSHIP = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
PASSWORD = "a long random one"
BINARIES: list[Path | None] = [None, *OLDER[-1:]]
"""Of the newest server, and of one before version 16 where there is one."""


def fresh(directory: Path, binaries: Path | None, script: str) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(directory, bin_dir=binaries, settings={"fsync": "off"}) as server:
        with psycopg.connect(server.superuser_dsn, autocommit=True) as superuser:
            superuser.execute("CREATE DATABASE shop")
            superuser.execute("CREATE ROLE support_read")
            superuser.execute("CREATE ROLE ann LOGIN")
            superuser.execute(script.encode())
        yield server
        server.remove()


@pytest.fixture(scope="module")
def fresh_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    yield from fresh(tmp_path_factory.mktemp("fresh"), None, LOGIN)


def provider_on(server: EmbeddedPostgres, directory: Path, mode: Literal["login", "membership"] = "login") -> Postgres:
    file = directory / "dsn"
    file.write_text(make_conninfo(server.dsn(user="countersign", password=PASSWORD, database="shop")))
    return Postgres(Settings(dsn=SecretReference(file=str(file)), mode=mode))


def found(server: EmbeddedPostgres, directory: Path, mode: Literal["login", "membership"] = "login") -> list[Finding]:
    provider = provider_on(server, directory, mode)
    try:
        return provider.check({"read": Role(grants=["support_read"])}, Deadline.after(20))
    finally:
        provider.close()


def test_the_account_of_the_page_lacks_nothing_and_has_nothing_too_much(
    fresh_server: EmbeddedPostgres, tmp_path: Path
) -> None:
    assert [one for one in found(fresh_server, tmp_path) if one.level != "ok"] == []
    provider = provider_on(fresh_server, tmp_path)
    spec = granting("support_read")
    assert provider.grant(spec, soon()).state == "active"
    assert provider.revoke(spec, None, soon()).state == "removed"
    provider.close()


@pytest.mark.parametrize("binaries", BINARIES, ids=lambda one: one.parts[-2] if one else "newest")
def test_so_has_the_account_for_memberships(tmp_path: Path, binaries: Path | None) -> None:
    older = MEMBERSHIP.replace("WITH ADMIN TRUE, INHERIT FALSE, SET FALSE", "WITH ADMIN OPTION")
    for server in fresh(tmp_path / "server", binaries, older if binaries else MEMBERSHIP):
        wrong = [one for one in found(server, tmp_path, "membership") if one.level != "ok"]
        assert [one.subject for one in wrong if one.level == "error"] == []
        assert {one.subject for one in wrong} <= ({"version"} if binaries else set())


SPOILED = [
    ("`CREATEROLE`", "ALTER ROLE countersign NOCREATEROLE", "ALTER ROLE countersign CREATEROLE"),
    ("`pg_signal_backend`", "REVOKE pg_signal_backend FROM countersign", "GRANT pg_signal_backend TO countersign"),
    ("ADMIN", "REVOKE support_read FROM countersign",
     "GRANT support_read TO countersign WITH ADMIN TRUE, INHERIT FALSE, SET FALSE"),
    ("`CONNECT` for a role", "REVOKE CONNECT ON DATABASE shop FROM support_read",
     "GRANT CONNECT ON DATABASE shop TO support_read"),
    ("`CONNECT` on the database `postgres`", "REVOKE CONNECT ON DATABASE postgres FROM countersign",
     "GRANT CONNECT ON DATABASE postgres TO countersign"),
    ("`SUPERUSER`", "ALTER ROLE countersign SUPERUSER", "ALTER ROLE countersign NOSUPERUSER"),
    ("`SUPERUSER`", "ALTER ROLE countersign BYPASSRLS", "ALTER ROLE countersign NOBYPASSRLS"),
    ("`SUPERUSER`", "GRANT pg_write_all_data TO countersign", "REVOKE pg_write_all_data FROM countersign"),
    ("a role of the policy that can pass on", "CREATE TABLE owned (i integer); ALTER TABLE owned OWNER TO support_read",
     "DROP TABLE owned"),
    ("the bot can use the rights", "GRANT support_read TO countersign WITH INHERIT TRUE",
     "GRANT support_read TO countersign WITH INHERIT FALSE"),
    ("`CONNECT` or `TEMPORARY` for PUBLIC", "GRANT TEMPORARY ON DATABASE shop TO PUBLIC",
     "REVOKE TEMPORARY ON DATABASE shop FROM PUBLIC"),
    ("rights of PUBLIC", "GRANT CREATE ON SCHEMA public TO PUBLIC", "REVOKE CREATE ON SCHEMA public FROM PUBLIC"),
    ("other members", "GRANT pg_signal_backend TO ann", "REVOKE pg_signal_backend FROM ann"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "does", "undoes"), SPOILED, ids=[does for _, does, _ in SPOILED])
def test_the_check_finds_each_fault_of_the_page_as_bad_as_the_page_says(
    line: str, does: str, undoes: str, fresh_server: EmbeddedPostgres, tmp_path: Path
) -> None:
    rows = [one for one in PAGE.splitlines() if one.startswith("|") and line in one.split("|")[1]]
    (row,) = [one for one in rows if one.split("|")[1].strip() == line] or rows
    level = row.split("|")[2].strip().partition(":")[0].partition(",")[0]
    with psycopg.connect(fresh_server.dsn(database="shop"), autocommit=True) as superuser:
        superuser.execute(does.encode())
        try:
            levels = {one.level for one in found(fresh_server, tmp_path)}
        finally:
            superuser.execute(undoes.encode())

    assert level in levels - {"ok"}, does


def test_the_policy_of_the_page_is_read_and_every_word_of_the_settings_is_on_it() -> None:
    (policy,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    said = yaml.safe_load(policy)["resources"][0]

    assert Settings.model_validate(said["settings"]).mode == "login"
    assert Role(grants=said["roles"]["read"]["grants"]).grants == ["support_read"]
    assert [word for word in Settings.model_fields if f"| `{word}` |" not in PAGE] == []
    assert Tls().mode == "verify-full"
