"""A server meets one guard of a process for each account, however many databases and settings lead there."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from psycopg import conninfo

from access.errors import Transient
from access.ports import Deadline
from countersign.demo.target import BOT
from tests.contracts.guarded import armed, called, connections_of, guards_on, held_by_the_bot
from tests.contracts.postgres_world import PostgresWorld
from tests.contracts.shop import make_spec, provider_factory, soon
from tests.waiting import wait_until
from workers.providers.postgres import Postgres
from workers.providers.postgres.session import Connections
from workers.providers.postgres.shared_guard import identity
from workers.providers.postgres.statements import Statement
from workers.providers.postgres.tls import Tls

GUARDS = "FROM pg_stat_activity WHERE usename = %s AND state = 'idle in transaction'"
END_GUARDS = f"SELECT pg_terminate_backend(pid) {GUARDS}".encode()


@pytest.fixture
def two(world: PostgresWorld, tmp_path: Path) -> Iterator[tuple[Connections, Connections]]:
    """Of two resources: another secret, another database."""
    wait_until(lambda: guards_on(world) == 0, "the guards of other tests to be gone")
    other = conninfo.make_conninfo(world.bot_dsn, application_name="crm", connect_timeout=3)
    with (
        connections_of(tmp_path / "shop", world.bot_dsn) as shop,
        connections_of(tmp_path / "crm", other, database="postgres") as crm,
    ):
        yield shop, crm


def test_all_databases_of_a_server_share_one_guard(two: tuple[Connections, Connections], world: PostgresWorld) -> None:
    for connections in two:
        armed(connections)
    assert guards_on(world) == 1


def test_the_guard_stays_until_its_last_user_leaves(two: tuple[Connections, Connections], world: PostgresWorld) -> None:
    shop, crm = two
    for connections in two:
        armed(connections)
    ((pid,),) = world.owner.execute(f"SELECT pid {GUARDS}".encode(), [BOT]).fetchall()
    shop.close()
    assert crm.guard.terminate(1) == []
    ((same,),) = world.owner.execute(f"SELECT pid {GUARDS}".encode(), [BOT]).fetchall()
    assert same == pid
    crm.close()
    wait_until(lambda: guards_on(world) == 0, "the guard to be gone")


def test_the_guard_comes_back_by_the_password_of_any_of_its_users(
    two: tuple[Connections, Connections], world: PostgresWorld, tmp_path: Path
) -> None:
    shop, _ = two
    for connections in two:
        armed(connections)
    password = conninfo.conninfo_to_dict(world.bot_dsn)["password"]
    with ExitStack() as undo:
        undo.callback(world.owner.execute, f"ALTER ROLE {BOT} PASSWORD '{password}'".encode())
        world.owner.execute(f"ALTER ROLE {BOT} PASSWORD 'exchanged'".encode())
        (tmp_path / "crm").write_text(conninfo.make_conninfo(world.bot_dsn, password="exchanged"))
        world.owner.execute(END_GUARDS, [BOT])
        wait_until(lambda: guards_on(world) == 1, "a new guard")
        wait_until(lambda: shop.guard.has_ballast, "its ballast, also for the one whose secret is old")


def test_a_dsn_that_leads_elsewhere_is_guarded_there(
    two: tuple[Connections, Connections], world: PostgresWorld, tmp_path: Path
) -> None:
    shop, _ = two
    armed(shop)
    before = shop.guard
    (tmp_path / "shop").write_text(world.owner_dsn)
    world.owner.execute(END_GUARDS, [BOT])
    wait_until(lambda: "another server" in (before.fault or ""), "the guard to see that it has no way back")
    armed(shop)
    assert shop.guard is not before
    assert guards_on(world, "postgres") == 1
    assert guards_on(world) == 0


@pytest.mark.parametrize(
    "other",
    [
        {"host": "db2"},
        {"port": "5433"},
        {"user": "another"},
        {"sslmode": "verify-full"},
        {"sslrootcert": "/another.pem"},
        {"hostaddr": "192.0.2.1"},
        {"options": "endpoint=another"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_another_server_account_or_demand_has_a_guard_of_its_own(other: dict[str, str]) -> None:
    said = {"host": "db", "user": "bot", "dbname": "shop", "password": "x"}
    assert identity(said | other, None) != identity(said, None)


def test_another_tls_of_the_settings_has_a_guard_of_its_own() -> None:
    said = {"host": "db", "user": "bot"}
    assert identity(said, Tls(auth=["password"])) != identity(said, Tls())


def test_the_usual_goes_without_saying_and_no_secret_is_kept() -> None:
    said = {"host": "db", "user": "bot"}
    longer = said | {"port": "5432", "dbname": "shop", "password": "hush", "sslpassword": "hush", "passfile": "/a"}
    assert identity(longer, None) == identity(said, None)
    assert "hush" not in repr(identity(longer, None))


def test_a_call_waits_for_a_lent_guard_no_longer_than_it_may(
    two: tuple[Connections, Connections], world: PostgresWorld
) -> None:
    shop, crm = two
    for connections in two:
        armed(connections)
    lent, give_back = threading.Event(), threading.Event()

    def borrow() -> None:
        with shop.guard.lend(soon()):
            lent.set()
            give_back.wait(20)

    borrower = threading.Thread(target=borrow)
    borrower.start()
    try:
        assert lent.wait(20)
        with pytest.raises(Transient), crm.guard.lend(Deadline.after(0.1)):
            pass
        with pytest.raises(Transient):
            crm.guard.terminate(1)
        assert crm.guard.make_room(1) == []
        assert borrower.is_alive(), "none of them waited until it was given back"
    finally:
        give_back.set()
        borrower.join(20)
    with crm.guard.lend(soon()) as session:
        assert session.read(Statement("SELECT 1", {})) == [(1,)]


def test_users_that_come_and_go_at_once_leave_no_guard(world: PostgresWorld, tmp_path: Path) -> None:
    failed = list[BaseException]()

    def come_and_go(number: int) -> None:
        try:
            for _ in range(5):
                with connections_of(tmp_path / str(number), world.bot_dsn) as connections:
                    called(connections)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=come_and_go, args=(number,)) for number in range(4)]
    with connections_of(tmp_path / "stays", world.bot_dsn) as stays:
        armed(stays)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert failed == []
        assert stays.guard.terminate(1) == [], "of whom stays there is one still"
        assert guards_on(world) == 1
    wait_until(lambda: guards_on(world) == 0, "no guard to be left")


def test_many_instances_leave_room_in_a_small_table_of_locks(world: PostgresWorld, tmp_path: Path) -> None:
    """Once the guards of a few filled it, and a call beside them heard that the server is too busy."""
    with provider_factory(Postgres, world.bot_dsn, tmp_path) as make:
        instances = [make() for _ in range(6)]
        for instance in instances:
            instance.list_managed(soon())
        wait_until(lambda: all(instance._connections.guard.has_ballast for instance in instances), "their guard")
        assert held_by_the_bot(world) < 2 * 300
        spec = make_spec()
        outcome = instances[-1].grant(spec, soon())
        assert instances[0].revoke(spec, outcome.receipt, soon()).state == "removed"
