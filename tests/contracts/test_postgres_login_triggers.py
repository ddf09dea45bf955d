"""Event triggers on login (PostgreSQL 17 and later) run in every new session, the bot's too: what comes of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from access.errors import Transient
from access.ports import Deadline, Finding
from countersign.demo.target import Target, prepare
from countersign.embedded.postgres import EmbeddedPostgres
from tests.contracts.postgres_world import PostgresWorld
from tests.contracts.shop import Mode, for_a_while, logins, make_spec, provider_factory, soon
from tests.waiting import wait_until
from workers.providers.postgres import Postgres, Role

HANGS = "PERFORM pg_catalog.pg_sleep(600)"
FAILS = "RAISE EXCEPTION 'come back tomorrow'"
_UNHURRIED = "-c transaction_timeout=0"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path_factory.mktemp("triggers"), settings={"fsync": "off"}).start()
    yield server
    server.remove()


@pytest.fixture(scope="module")
def target(server: EmbeddedPostgres) -> Target:
    return prepare(server)


@contextmanager
def trigger(server: EmbeddedPostgres, database: str, does: str) -> Iterator[None]:
    """In each new session of the bot in this database."""
    dsn = server.dsn(database=database)
    with psycopg.connect(dsn, autocommit=True, options=_UNHURRIED) as owner:
        owner.execute(
            "CREATE FUNCTION public.at_login() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF SESSION_USER = 'countersign' THEN {does}; END IF; END $$; "
            "CREATE EVENT TRIGGER at_login ON login EXECUTE FUNCTION public.at_login()".encode()
        )
        try:
            yield
        finally:
            owner.execute("DROP EVENT TRIGGER at_login; DROP FUNCTION public.at_login()")
        # The next session that finds none takes the flag away, if no other is at it.
        wait_until(lambda: not _flagged(dsn), "the flag to go")


def _flagged(dsn: str) -> bool:
    with psycopg.connect(dsn, options=_UNHURRIED) as next_one:
        query = "SELECT dathasloginevt FROM pg_database WHERE datname = current_database()"
        return next_one.execute(query).fetchone() == (True,)


def findings(provider: Postgres) -> dict[str, Finding]:
    return {
        finding.subject: finding
        for finding in provider.check({"read": Role(grants=["support_read"])}, Deadline.after(20))
    }


def cure_of(finding: Finding) -> str:
    return finding.cure.removeprefix("As a superuser: ")


@pytest.mark.parametrize("mode", ["login", "membership"])
def test_login_triggers_are_named_with_their_databases_until_the_bot_is_spared_them(
    server: EmbeddedPostgres, world: PostgresWorld, tmp_path: Path, mode: Mode
) -> None:
    with provider_factory(Postgres, world.bot_dsn, tmp_path, mode) as make:
        with trigger(server, "shop", "NULL"), trigger(server, "postgres", "NULL"):
            found = findings(make())["login triggers"]
            assert found.level == "warning"
            assert "in: postgres, shop." in found.sentence
            assert found.cure == 'As a superuser: ALTER ROLE "countersign" SET event_triggers = off;'
            with for_a_while(world, cure_of(found), "ALTER ROLE countersign RESET event_triggers"):
                assert "login triggers" not in findings(make())
        assert "login triggers" not in findings(make())


def test_where_one_keeps_the_bot_out_of_the_target_that_is_named_from_beside(
    server: EmbeddedPostgres, make_provider: Callable[[], Postgres]
) -> None:
    with trigger(server, "shop", FAILS):
        found = findings(make_provider())
    assert found["connection"].level == "error"
    assert "answers, but let the bot in no session" in found["connection"].sentence
    assert "in: shop." in found["login triggers"].sentence


def test_one_that_hangs_in_the_bots_own_database_delays_no_end(
    server: EmbeddedPostgres, world: PostgresWorld, tmp_path: Path
) -> None:
    spec = make_spec()
    with provider_factory(Postgres, world.bot_dsn, tmp_path) as make:
        receipt = make().grant(spec, soon()).receipt
    # Without the guard that was there before: as after a restart of the worker.
    with provider_factory(Postgres, world.bot_dsn, tmp_path) as make, trigger(server, "postgres", HANGS):
        assert make().revoke(spec, receipt, Deadline.after(5)).state == "removed"
    assert logins(world, spec) == []


def test_where_they_hang_in_all_databases_the_guard_ends_what_was_open(
    server: EmbeddedPostgres, provider: Postgres, world: PostgresWorld
) -> None:
    spec = make_spec()
    receipt = provider.grant(spec, soon()).receipt
    guard = provider._connections.guard
    assert wait_until(lambda: guard.is_open and guard.has_ballast, "the guard")
    with trigger(server, "shop", HANGS), trigger(server, "postgres", HANGS):
        for idle in provider._connections._idle.values():
            while idle:
                idle.pop().close()
        assert provider.revoke(spec, receipt, Deadline.after(6)).state == "removed"
    assert logins(world, spec) == []


def test_where_there_is_no_way_in_at_all_the_end_is_tried_again_and_says_why(
    server: EmbeddedPostgres, world: PostgresWorld, tmp_path: Path
) -> None:
    spec = make_spec()
    with provider_factory(Postgres, world.bot_dsn, tmp_path) as make:
        receipt = make().grant(spec, soon()).receipt
    # The guard went with its last user: as after a restart of the worker.
    with provider_factory(Postgres, world.bot_dsn, tmp_path) as make:
        why = "let the bot in no session just now; its log says why"
        with (
            trigger(server, "shop", FAILS),
            trigger(server, "postgres", FAILS),
            pytest.raises(Transient, match=why),
        ):
            make().revoke(spec, receipt, Deadline.after(5))
        assert make().revoke(spec, receipt, soon()).state == "removed"


def test_a_transaction_timeout_of_next_to_nothing_stops_no_first_connection(
    server: EmbeddedPostgres, make_provider: Callable[[], Postgres], world: PostgresWorld
) -> None:
    """The server's version, and so that it can be told otherwise, is known only then; the trigger makes it slow."""
    world.owner.execute("ALTER DATABASE shop SET transaction_timeout = '1ms'")
    try:
        with trigger(server, "shop", "PERFORM pg_catalog.pg_sleep(0.05)"):
            provider, spec = make_provider(), make_spec()
            receipt = provider.grant(spec, soon()).receipt
            assert provider.revoke(spec, receipt, soon()).state == "removed"
    finally:
        world.owner.execute("ALTER DATABASE shop RESET transaction_timeout")
