"""What the provider postgres says of itself to `doctor`."""

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from access.ports import Deadline, Finding, host_time
from countersign.demo.target import DATABASE, Target
from tests.contracts.postgres_world import PostgresWorld
from tests.contracts.shop import for_a_while, provider_of
from workers.providers.postgres import Role
from workers.providers.postgres import check as its_check

READ = {"read": Role(grants=["support_read"])}
Check = Callable[..., dict[str, Finding]]


@pytest.fixture
def check(target: Target, tmp_path: Path) -> Check:
    file = tmp_path / "dsn"

    def run(roles: dict[str, Role] | None = None, dsn: str = target.bot_dsn) -> dict[str, Finding]:
        file.write_text(dsn)
        with closing(provider_of(file)) as provider:
            return {
                finding.subject: finding
                for finding in provider.check(READ if roles is None else roles, Deadline.after(20))
            }

    return run


def test_the_demos_target_is_in_order(check: Check) -> None:
    findings = check()
    assert [finding for finding in findings.values() if finding.level != "ok"] == []
    rights = {"CREATEROLE", "pg_signal_backend", "read", "public CONNECT", "public TEMPORARY", "not looked at"}
    allowed = {"prepared transactions"}  # the server of these tests has them switched on
    assert set(findings) == {"connection", "version", "clock", "reserved"} | rights | allowed


def test_an_unreachable_server_is_one_finding(check: Check) -> None:
    (finding,) = check(dsn="host=127.0.0.1 port=1 user=bot password=hush").values()
    assert finding.level == "error"
    assert "can't be reached" in finding.sentence
    assert "hush" not in finding.sentence + finding.cure


@pytest.mark.parametrize(
    ("does", "undoes", "subject", "cure"),
    [
        ("ALTER ROLE countersign NOCREATEROLE", "ALTER ROLE countersign CREATEROLE", "CREATEROLE", "CREATEROLE;"),
        (
            "REVOKE pg_signal_backend FROM countersign",
            "GRANT pg_signal_backend TO countersign",
            "pg_signal_backend",
            'GRANT pg_signal_backend TO "countersign" WITH INHERIT TRUE;',
        ),
        (
            "REVOKE support_read FROM countersign",
            "GRANT support_read TO countersign WITH ADMIN TRUE, INHERIT FALSE, SET FALSE",
            "read",
            'GRANT "support_read" TO "countersign" WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;',
        ),
        (
            "REVOKE CONNECT ON DATABASE shop FROM support_read",
            "GRANT CONNECT ON DATABASE shop TO support_read",
            "read",
            'GRANT CONNECT ON DATABASE "shop" TO "support_read";',
        ),
    ],
)
def test_a_missing_right_is_an_error_with_its_cure(
    check: Check, world: PostgresWorld, *, does: str, undoes: str, subject: str, cure: str
) -> None:
    with for_a_while(world, does, undoes):
        finding = check()[subject]
    assert finding.level == "error"
    assert cure in finding.cure


def test_a_superuser_as_the_bot_is_an_error(check: Check, target: Target) -> None:
    finding = check(dsn=target.superuser_dsn)["superuser"]
    assert finding.level == "error"
    assert finding.cure == 'As a superuser: ALTER ROLE "postgres" NOSUPERUSER;'


def test_a_bot_that_can_read_is_told_so(check: Check, world: PostgresWorld) -> None:
    again = "GRANT support_read TO countersign WITH ADMIN TRUE, INHERIT FALSE, SET FALSE"
    with for_a_while(world, "GRANT support_read TO countersign WITH INHERIT TRUE", again):
        finding = check()["read"]
    assert finding.level == "warning"
    assert finding.cure == 'GRANT "support_read" TO "countersign" WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;'


def test_rights_of_public_are_warned_of_by_database(check: Check, world: PostgresWorld) -> None:
    everybody = f"CONNECT, TEMPORARY ON DATABASE {DATABASE}"
    with for_a_while(world, f"GRANT {everybody} TO PUBLIC", f"REVOKE {everybody} FROM PUBLIC"):
        findings = check()
    assert findings["public CONNECT"].level == "warning"
    assert findings["public TEMPORARY"].cure == f'REVOKE TEMPORARY ON DATABASE "{DATABASE}" FROM PUBLIC;'


def test_a_role_that_is_unknown_is_named(check: Check) -> None:
    finding = check({"oops": Role(grants=["suport_read"])})["oops"]
    assert finding.level == "error"
    assert finding.sentence == "The database server has no role suport_read."


@pytest.mark.parametrize(("seconds", "level"), [(2, "ok"), (-20, "warning"), (90, "error")])
def test_a_clock_that_is_off_is_told_in_seconds(
    check: Check, monkeypatch: pytest.MonkeyPatch, seconds: int, level: str
) -> None:
    monkeypatch.setattr(its_check, "host_time", lambda: host_time() + timedelta(seconds=seconds))
    finding = check()["clock"]
    assert finding.level == level
    assert f"{abs(seconds)}." in finding.sentence


@pytest.mark.parametrize(
    ("does", "undoes", "subject", "said"),
    [
        (
            "REVOKE CONNECT ON DATABASE postgres FROM countersign",
            "GRANT CONNECT ON DATABASE postgres TO countersign",
            "own database",
            'GRANT CONNECT ON DATABASE postgres TO "countersign";',
        ),
        (
            "GRANT CREATE ON SCHEMA public TO PUBLIC",
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
            "schema public",
            "may create objects in the schema public",
        ),
    ],
)
def test_what_could_mislead_or_stop_an_end_is_named(
    check: Check, world: PostgresWorld, *, does: str, undoes: str, subject: str, said: str
) -> None:
    with for_a_while(world, does, undoes):
        finding = check()[subject]
    assert finding.level == "warning"
    assert said in finding.sentence + finding.cure


def test_a_connection_kept_free_for_the_bot_is_asked_for(check: Check) -> None:
    assert 'GRANT pg_use_reserved_connections TO "countersign" WITH INHERIT TRUE;' in check()["reserved"].cure
