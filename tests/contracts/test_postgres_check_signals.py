"""What `doctor` says of the right to end sessions: an end needs it in both modes, and its cure helps every account."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from access.ports import Deadline, Finding
from countersign.demo.target import Target
from countersign.embedded.postgres import EmbeddedPostgres
from tests.contracts.membership_world import OLDER, prepare_older
from tests.contracts.postgres_world import PostgresWorld
from tests.contracts.shop import Mode, for_a_while, provider_factory
from workers.providers.postgres import Postgres, Role

READ = {"read": Role(grants=["support_read"])}
TAKEN = "REVOKE pg_signal_backend FROM countersign"
Check = Callable[[Mode], dict[str, Finding]]


def checking(dsn: str, directory: Path, mode: Mode) -> dict[str, Finding]:
    with provider_factory(Postgres, dsn, directory, mode) as make:
        return {finding.subject: finding for finding in make().check(READ, Deadline.after(20))}


@pytest.fixture
def check(target: Target, tmp_path: Path) -> Check:
    return lambda mode: checking(target.bot_dsn, tmp_path, mode)


@pytest.mark.parametrize("mode", ["login", "membership"])
def test_a_bot_that_may_not_end_sessions_is_told_so_in_both_modes(
    check: Check, world: PostgresWorld, mode: Mode
) -> None:
    assert check(mode)["pg_signal_backend"].level == "ok"
    with for_a_while(world, TAKEN, "GRANT pg_signal_backend TO countersign"):
        finding = check(mode)["pg_signal_backend"]
    assert finding.level == "error"
    assert finding.cure == 'As a superuser: GRANT pg_signal_backend TO "countersign" WITH INHERIT TRUE;'


@pytest.mark.parametrize("subject", ["pg_signal_backend", "reserved"])
def test_the_cure_helps_an_account_that_does_not_inherit(check: Check, world: PostgresWorld, subject: str) -> None:
    with (
        for_a_while(world, TAKEN, f"{TAKEN}; GRANT pg_signal_backend TO countersign"),
        for_a_while(world, "SELECT 1", "REVOKE pg_use_reserved_connections FROM countersign"),
        for_a_while(world, "ALTER ROLE countersign NOINHERIT", "ALTER ROLE countersign INHERIT"),
    ):
        cure = check("login")[subject].cure.removeprefix("As a superuser: ").split(";", maxsplit=1)[0]
        world.owner.execute(cure.encode())
        uses = "SELECT pg_has_role('countersign', %s, 'USAGE')"
        role = "pg_use_reserved_connections" if subject == "reserved" else subject
        assert world.owner.execute(uses, [role]).fetchone() == (True,)


@pytest.mark.parametrize(
    ("role", "subject"),
    [("pg_signal_backend", "members of pg_signal_backend"), ("countersign", "members of countersign")],
)
@pytest.mark.parametrize("mode", ["login", "membership"])
def test_who_else_can_end_the_bots_sessions_is_named(
    check: Check, world: PostgresWorld, mode: Mode, role: str, subject: str
) -> None:
    with world.own_login("ann"), for_a_while(world, f"GRANT {role} TO ann", f"REVOKE {role} FROM ann"):
        finding = check(mode)[subject]
    assert finding.level == "warning"
    assert finding.sentence == (f"Members of {role}: ann. They can end the bot's sessions, and so delay an end.")
    assert finding.cure == f'As a superuser: REVOKE "{role}" FROM "ann";'


if OLDER:

    @pytest.fixture(scope="module")
    def older(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
        server = EmbeddedPostgres(tmp_path_factory.mktemp("older"), bin_dir=OLDER[-1], settings={"fsync": "off"})
        server.start()
        try:
            yield prepare_older(server)
        finally:
            server.remove()

    def test_before_16_it_is_enough_to_be_a_member(older: Target, tmp_path: Path) -> None:
        assert checking(older.bot_dsn, tmp_path, "membership")["pg_signal_backend"].level == "ok"
        with closing(psycopg.connect(older.superuser_dsn, autocommit=True)) as owner:
            owner.execute(TAKEN)
            finding = checking(older.bot_dsn, tmp_path, "membership")["pg_signal_backend"]
            assert finding.level == "error"
            cure = finding.cure.removeprefix("As a superuser: ")
            assert cure == 'GRANT pg_signal_backend TO "countersign";'
            owner.execute(cure.encode())
        assert checking(older.bot_dsn, tmp_path, "membership")["pg_signal_backend"].level == "ok"
